// SPDX-License-Identifier: Apache-2.0
// A heartbeat that notices when this process did not run in time: what the machine's other work does to a run.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <ostream>
#include <utility>
#include <vector>

namespace chaos {

class Stalls {
 public:
  using Clock = std::chrono::steady_clock;

  // Runs until its executor's context stops.
  boost::asio::awaitable<void> watch(boost::asio::any_io_executor executor) {
    boost::asio::steady_timer timer(executor);
    while (true) {
      const auto due = Clock::now() + kBeat;
      timer.expires_at(due);
      co_await timer.async_wait(boost::asio::use_awaitable);
      const auto late = Clock::now() - due;
      if (late >= kShortest) all_.emplace_back(due, late);
    }
  }

  // A line each: z US LENGTH_US.
  void write(std::ostream& out, Clock::time_point start) const {
    using std::chrono::duration_cast, std::chrono::microseconds;
    for (const auto& [at, length] : all_)
      out << "z " << duration_cast<microseconds>(at - start).count() << ' '
          << duration_cast<microseconds>(length).count() << '\n';
  }

 private:
  static constexpr std::chrono::milliseconds kBeat{5};
  static constexpr std::chrono::milliseconds kShortest{5};
  std::vector<std::pair<Clock::time_point, Clock::duration>> all_;
};

}  // namespace chaos
