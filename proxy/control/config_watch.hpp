// SPDX-License-Identifier: Apache-2.0
// Polls the configuration file, and reports when its content has changed.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "proxy/control/content_watch.hpp"
#include "proxy/net/asio.hpp"

namespace fusewire::proxy {

// A ContentWatch on a timer; a file that goes or comes back is a change, too. On the thread of `io`;
// destroyed there, or after it has stopped.
class ConfigWatch {
 public:
  ConfigWatch(asio::io_context& io, const std::string& path, std::function<void()> on_change);
  ~ConfigWatch();
  ConfigWatch(const ConfigWatch&) = delete;
  ConfigWatch& operator=(const ConfigWatch&) = delete;

  void accept();  // the content as it is now was loaded by a signal or by hand: not a change any more

  // With ContentWatch::kSettle and its limit, a change is reported within 400 ms.
  static constexpr std::chrono::milliseconds kInterval{200};

 private:
  struct Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace fusewire::proxy
