// SPDX-License-Identifier: Apache-2.0
// `fusewire status --watch`: the table of breakers, kept up to date.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "proxy/cli/options.hpp"

namespace fusewire::cli {

struct WatchWishes {
  std::string url;  // of the admin, for the head line
  std::chrono::milliseconds interval{1000};
  bool json = false;
};

struct WatchAnswer {
  boost::json::value breakers;  // of /admin/circuit-breakers
  std::string notice;           // a line above them; empty: there is none
};

// `ask` throws std::exception with one clear line where there is no answer, which is shown until there is one again. On
// a terminal it takes the whole screen, and gives it back as it was on every way out; elsewhere, and as JSON, it prints
// one after the other. Ends by q, by a signal, or when nobody reads.
int watch_breakers(const std::function<WatchAnswer()>& ask, const WatchWishes&, const World&);

}  // namespace fusewire::cli
