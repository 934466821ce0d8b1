// SPDX-License-Identifier: Apache-2.0
// What has arrived at the endpoints, kept in memory and written at the end. Times are microseconds since the start.
#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <vector>

namespace chaos {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC: one time for all processes of a run

struct Arrival {
  enum class Kind : char {
    request = 'r',
    check = 'c',    // a request without an id: a proxy's health check
    unheard = 'u',  // what Wire sees: a SYN, without an id, or a request that was dropped
  };
  enum class End : char {
    none = '-',   // never answered, or not wholly
    well = '+',   // answered wholly, with what was asked for
    error = 'e',  // answered with a status of failure
  };

  Kind kind;
  char method;  // its first letter; '-' of a SYN
  End end;
  std::uint32_t endpoint;
  std::uint16_t port;  // where it came from
  std::uint64_t id;    // the client's; 0 where there is none
  Clock::time_point at;
};

class Arrivals {
 public:
  std::size_t add(const Arrival& arrival) {
    all_.push_back(arrival);
    return all_.size() - 1;
  }
  void end(std::size_t which, Arrival::End how) { all_[which].end = how; }

  // A line each: KIND ENDPOINT US METHOD PORT ID END.
  void write(std::ostream& out, Clock::time_point start) const;

 private:
  std::vector<Arrival> all_;
};

}  // namespace chaos
