// SPDX-License-Identifier: Apache-2.0
// What the client sends, and when: fixed before the run, so that no answer can delay a request.
#pragma once

#include <chrono>
#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace chaos {

using std::chrono::microseconds;

// Requests of one kind to one place, at one rate.
struct Stream {
  std::uint16_t port = 0;
  std::string host;     // of the Host field
  microseconds from{};  // since the start
  microseconds to{};
  double rate = 0;           // requests a second
  bool random_gaps = true;   // a Poisson process; false: evenly spaced
  double share_of_gets = 1;  // the others are POSTs
  unsigned keys = 0;         // cacheable GETs, of so many paths in turn; 0 = each request has a path of its own
  microseconds deadline{};
  bool says_deadline = true;  // to the proxy, by X-Request-Timeout-Ms
  std::uint64_t seed = 1;
};

struct Planned {
  microseconds due{};
  std::uint32_t stream = 0;
  bool is_get = true;
  std::uint64_t id = 0;   // unique in the run, never 0
  std::uint64_t key = 0;  // the path's
};

// Lines: `stream PORT HOST FROM_US TO_US RATE poisson|even SHARE_OF_GETS KEYS DEADLINE_US declared|undeclared
// SEED`.
// Throws std::runtime_error with the line that it does not understand.
std::vector<Stream> read_streams(std::istream& in);

// All requests of all streams in the order in which they are due.
std::vector<Planned> make_plan(const std::vector<Stream>& streams);

}  // namespace chaos
