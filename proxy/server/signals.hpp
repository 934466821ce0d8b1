// SPDX-License-Identifier: Apache-2.0
// The process' signals. A thread of their own takes them, so that the second one that asks for the end ends the process
// even where the control thread is blocked (a file system that hangs).
#pragma once

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <thread>

#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

class Signals {
 public:
  using Heard = std::function<void(int signal)>;

  // From now on the signals are ours; `heard` runs on the control thread.
  Signals(asio::io_context& control, Heard heard);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // After the second one, an orderly end may take this long.
  static constexpr std::chrono::milliseconds kPatience{1000};

 private:
  void listen();

  asio::io_context& control_;
  const Heard heard_;
  asio::io_context io_{1};
  asio::signal_set signals_{io_};
  asio::steady_timer timer_{io_};
  int ends_ = 0;  // so many have asked for the end; this thread's
  std::thread thread_;
};

}  // namespace fusewire::proxy
