// SPDX-License-Identifier: Apache-2.0
// Message heads, read strictly (RFC 9112 §2 to §6): what two parsers could read differently is refused. Pure
// functions of the bytes received so far: no state, no allocation but the field list's.
#pragma once

#include <cstddef>
#include <string_view>

#include "filters/message.hpp"
#include "filters/problem.hpp"

namespace fusewire::proxy::http {

struct HeadLimits {
  std::size_t max_line = 8 * 1024;
  std::size_t max_bytes = 32 * 1024;
  std::size_t max_fields = 100;
  // The reasons where one is passed; static.
  std::string_view too_large = "the head is too large";
  std::string_view too_many_fields = "too many fields";
};

// What the Connection field(s) say.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool names_fields = false;  // some other option: a field of that name goes no further
};

enum class Parsed { incomplete, complete, refused };

struct HeadResult {
  Parsed parsed = Parsed::incomplete;
  std::size_t size = 0;  // complete: bytes of the head, its empty line and a leading one included
  ConnectionOptions connection;
  bool connection_bound = false;    // credentials or a challenge authenticate the connection (authentication.hpp)
  Problem problem = Problem::none;  // refused
  std::string_view reason;          // refused: one clause for a person, static
};

// `out` views `bytes`; it is meaningful only when complete.
HeadResult parse_request_head(std::string_view bytes, const HeadLimits&, Request& out);
// `to_head`: the request was a HEAD. A refusal's problem is upstream_protocol_error.
HeadResult parse_response_head(std::string_view bytes, const HeadLimits&, bool to_head, Response& out);

// A trailer section up to and with its empty line. Fields that must not stand in a trailer section are left out
// (may_be_trailer).
HeadResult parse_trailers(std::string_view bytes, const HeadLimits&, Fields& out);

}  // namespace fusewire::proxy::http
