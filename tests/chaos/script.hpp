// SPDX-License-Identifier: Apache-2.0
// The lives of the endpoints, as a scenario writes them: what each does from which moment on.
#pragma once

#include <chrono>
#include <istream>
#include <vector>

namespace chaos {

using std::chrono::microseconds;

enum class Mode {
  ok,
  refuse,       // an orderly stop: no listener, kept connections are closed (FIN), what is in service is answered
  dies,         // a crash: no listener, every connection is reset
  hang,         // accepts and reads, never answers
  black_hole,   // no packet arrives: neither a SYN nor anything on a kept connection
  error,        // status 500
  unavailable,  // status 503 with Retry-After
  reset,        // RST once the request has been read
  close,        // FIN once the request has been read
  garbage,      // an answer that is not HTTP
  break_off,    // a head with Content-Length, half of the body, FIN
  trickle,      // the head comes byte by byte
  drip,         // the body comes byte by byte
};

struct State {
  Mode mode = Mode::ok;
  double share = 1;     // of the requests, those that suffer `mode`; the others are answered well
  double factor = 1;    // of the service time
  unsigned places = 0;  // requests served at a time, the others wait in line; 0 = no bound
};

struct Step {
  microseconds at{};  // since the start
  State state;
};

struct Life {
  microseconds fixed{};  // service time: this, and an exponential part with this mean
  microseconds mean{};
  std::vector<Step> steps;  // in the order of time; before the first one the endpoint is ok
};

// Lines: `endpoint FIXED_US MEAN_US` begins an endpoint, `at US MODE SHARE FACTOR PLACES` is its next step.
// Throws std::runtime_error with the line that it does not understand.
std::vector<Life> read_script(std::istream& in);

}  // namespace chaos
