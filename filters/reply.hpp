// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "filters/message.hpp"
#include "filters/problem.hpp"
#include "filters/time.hpp"

namespace fusewire {

// A reply that will go to the client unless a later filter replaces it.
struct Reply {
  enum class Origin : std::uint8_t {
    upstream,  // relayed: fields view the upstream connection's buffer, the body streams
    problem,   // the proxy's own answer: rendered at the very end from `problem` and `detail`
    stored,    // whole and in memory: from the cache or a static step; `owner` keeps fields and body alive
  };
  Origin origin = Origin::upstream;
  int status = 0;

  // origin == upstream or stored
  Fields fields;
  // origin == stored
  std::shared_ptr<const void> owner;
  std::string_view body;                        // never copied; empty for HEAD and 304
  std::optional<std::uint64_t> content_length;  // absent: body.size(), or no Content-Length on 304
  // any origin: complete lines "Name: value\r\n" that the proxy adds after the fields
  std::string extra_fields;

  // origin == problem
  Problem problem = Problem::none;
  std::string detail;             // one sentence for a person
  std::string_view state;         // the breaker's state or override, where it is the reason; static storage
  std::string_view proxy_status;  // its error (RFC 9209 §2.3), where the outcome is too coarse; static storage
  std::optional<milliseconds> retry_after;  // absent: unknown
};

}  // namespace fusewire
