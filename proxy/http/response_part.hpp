// SPDX-License-Identifier: Apache-2.0
// A response on its way to a client, as the request's driver hands it over: no protocol's framing is in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "filters/message.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/http/upgrade.hpp"

namespace fusewire::proxy {

// The head. Status, method and what is known of the body's length decide how the client's stream frames the body.
struct ResponseStart {
  int status = 200;
  std::string_view reason{};  // empty: the standard phrase
  const Fields& fields;
  const http::ConnectionOptions* connection = nullptr;  // the upstream's, where it is relayed
  bool length_known = true;                             // a body, if it has one, has content_length bytes
  std::optional<std::uint64_t> content_length{};        // absent: none is declared
  std::string_view extra_fields{};                      // complete lines
  std::string_view request_id{};
  std::string_view date_line{};         // complete, "Date: …\r\n"; used when the fields have none
  const Protocols* upgrades = nullptr;  // its Upgrade field passes, with these protocols; nullptr: it does not
};

// A response of such a status ends with its head (RFC 9110 §6.4.1).
constexpr bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

// Memory that it refers to stays good until the part is written; `start` is needed for the call alone.
struct ResponsePart {
  const ResponseStart* start = nullptr;  // with the first part
  std::string_view piece{};              // of the body, decoded; may be empty
  bool last = false;
  const Fields* trailers = nullptr;  // with the last part, where the upstream may have sent some
};

}  // namespace fusewire::proxy
