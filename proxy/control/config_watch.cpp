// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/config_watch.hpp"

#include <utility>

namespace fusewire::proxy {

struct ConfigWatch::Loop : std::enable_shared_from_this<Loop> {
  Loop(asio::io_context& io, std::string path, std::function<void()> callback)
      : timer(io), content(std::move(path)), on_change(std::move(callback)) {}

  void wait(std::chrono::milliseconds delay) {
    timer.expires_after(delay);
    timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error && !self->stopped) self->poll();
    });
  }

  void poll() {
    const ContentWatch::Seen seen = content.poll();
    // A file that is gone is a bad one: the reload that follows says so, and the next one that it is back.
    if (seen != ContentWatch::Seen::same && seen != ContentWatch::Seen::settling) on_change();
    if (!stopped) wait(seen == ContentWatch::Seen::settling ? ContentWatch::kSettle : kInterval);
  }

  asio::steady_timer timer;
  ContentWatch content;
  std::function<void()> on_change;
  bool stopped = false;
};

ConfigWatch::ConfigWatch(asio::io_context& io, const std::string& path, std::function<void()> on_change)
    : loop_(std::make_shared<Loop>(io, path, std::move(on_change))) {
  loop_->wait(kInterval);
}

ConfigWatch::~ConfigWatch() {
  loop_->stopped = true;
  loop_->timer.cancel();
}

void ConfigWatch::accept() { loop_->content.accept(); }

}  // namespace fusewire::proxy
