// SPDX-License-Identifier: Apache-2.0
#include "proxy/config_watch.hpp"

#include <filesystem>
#include <utility>

namespace fusewire::proxy {

struct ConfigWatch::Loop : std::enable_shared_from_this<Loop> {
  Loop(asio::io_context& io, std::string path, std::function<void()> callback)
      : timer(io), path(path), content(std::move(path)), on_change(std::move(callback)) {}

  void wait(std::chrono::milliseconds delay) {
    timer.expires_after(delay);
    timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error && !self->stopped) self->look();
    });
  }

  void look() {
    const ContentWatch::Seen seen = content.look();
    const bool came_or_went = presence_changed(seen);
    if (seen == ContentWatch::Seen::changed || came_or_went) on_change();
    if (!stopped) wait(seen == ContentWatch::Seen::settling ? ContentWatch::kSettle : kInterval);
  }

  // A file that is gone is a bad one: told when two looks miss it (an editor that writes anew takes it away for a
  // moment), and again when it is back, with whatever content.
  bool presence_changed(ContentWatch::Seen seen) {
    std::error_code error;
    const bool there = std::filesystem::exists(path, error);
    looks_without = there ? 0 : looks_without + 1;
    if (there == !gone || seen == ContentWatch::Seen::settling || (!there && looks_without < kMissed)) return false;
    gone = !there;
    return true;
  }
  static constexpr int kMissed = 2;

  asio::steady_timer timer;
  const std::string path;
  int looks_without = 0;
  bool gone = false;
  ContentWatch content;
  std::function<void()> on_change;
  bool stopped = false;
};

ConfigWatch::ConfigWatch(asio::io_context& io, std::string path, std::function<void()> on_change)
    : loop_(std::make_shared<Loop>(io, std::move(path), std::move(on_change))) {
  loop_->wait(kInterval);
}

ConfigWatch::~ConfigWatch() {
  loop_->stopped = true;
  loop_->timer.cancel();
}

void ConfigWatch::accept() { loop_->content.accept(); }

}  // namespace fusewire::proxy
