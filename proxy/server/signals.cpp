// SPDX-License-Identifier: Apache-2.0
#include "proxy/server/signals.hpp"

#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace fusewire::proxy {

Signals::Signals(asio::io_context& control, Heard heard) : control_(control), heard_(std::move(heard)) {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) signals_.add(signal);
  for (const int signal : {SIGUSR1, SIGUSR2}) std::signal(signal, SIG_IGN);
  listen();
  thread_ = std::thread([this] { io_.run(); });
}

Signals::~Signals() {
  io_.stop();
  thread_.join();
}

void Signals::listen() {
  signals_.async_wait([this](const error_code& error, int signal) {
    if (error) return;
    asio::post(control_, [this, signal] { heard_(signal); });
    if (signal != SIGHUP && ++ends_ == 2) {
      timer_.expires_after(kPatience);
      timer_.async_wait([](const error_code& cancelled) {
        if (!cancelled) std::_Exit(EXIT_FAILURE);
      });
    }
    listen();
  });
}

}  // namespace fusewire::proxy
