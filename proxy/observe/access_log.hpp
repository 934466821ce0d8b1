// SPDX-License-Identifier: Apache-2.0
// One line for each finished request (docs/reference.md, "Access log"). One object a worker, on its thread: lines are
// gathered and handed to the logger in batches, by size or by the worker's tick.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "filters/flags.hpp"
#include "filters/time.hpp"
#include "proxy/observe/cells.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy {

struct AccessRecord {
  WallTime at{};  // the request's head was complete
  std::string_view request_id;
  std::string_view trace_id;                             // empty: there is no trace
  std::string_view listener, route, upstream, endpoint;  // empty where there was none
  std::string_view peer;                                 // the client's address
  std::string_view host;                                 // as the client said it
  std::string_view method, path;                         // no query
  int status = 0;                                        // of the answer to the client; 0: none was sent
  std::string_view error;                                // the name of an answer of our own; empty: it is none
  std::string_view fallback;                             // the step that answered: cache, upstream, static; or empty
  std::uint64_t bytes_in = 0;                            // request body
  std::uint64_t bytes_out = 0;                           // response body
  std::chrono::nanoseconds total{0};
  std::chrono::nanoseconds upstream_time{0};
  unsigned attempts = 0;
  Flags flags = 0;
  std::string_view breaker_state;
};

// Their letters, in the order of Flag's bits: "CB", "DO", …
inline constexpr std::array<std::string_view, 17> kFlagNames = {"CB", "DO", "UT", "UF", "UR", "UO", "RL", "FB", "CS",
                                                                "CH", "DC", "UP", "NR", "BR", "SD", "DI", "FI"};

class AccessLog {
 public:
  explicit AccessLog(WorkerCells& cells) : cells_(cells) {}
  void write(const config::Log&, const AccessRecord&);  // honours access and access_sample
  void flush();                                         // by the worker's tick; write() does so at 16 KiB

 private:
  WorkerCells& cells_;
  TimeText time_;
  std::string batch_;
  std::uint64_t lines_ = 0;
  double sample_ = 0;
};

}  // namespace fusewire::proxy
