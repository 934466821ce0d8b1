// SPDX-License-Identifier: Apache-2.0
// Two requests may share a cached response only if an upstream could not tell them apart. Used by the fuzzer of request
// heads, and by a unit test with random targets.
#pragma once

#include <string>

#include "filters/cache/key.hpp"
#include "proxy/http/headers.hpp"

namespace fusewire::fuzz {

// A request as an upstream sees it, but for its method and its other fields.
struct Seen {
  std::string line;  // "/path?query HTTP/1.1"
  std::string host;
  std::string scheme;
  bool operator==(const Seen&) const = default;
};

inline Seen seen(const Request& request, const proxy::http::ConnectionOptions& connection) {
  std::string out;
  proxy::append_request_head(out, {.request = request,
                                   .connection = connection,
                                   .peer = {},
                                   .via = "us",
                                   .request_id = "id",
                                   .host = request.authority,
                                   .deadline_header = {},
                                   .deadline_ms = {}});
  Request again;
  again.scheme = request.scheme;
  const auto head = proxy::http::parse_request_head(out, {.max_line = 1 << 16, .max_bytes = 1 << 20}, again);
  // A request of HTTP/1.0 without Host is forwarded with one of the endpoint's, which is empty here.
  if (head.parsed != proxy::http::Parsed::complete)
    return {std::string(request.path) + std::string(request.query), "", ""};
  std::string line = out.substr(0, out.find("\r\n"));
  return {line.substr(line.find(' ') + 1), std::string(again.authority), std::string(again.scheme)};
}

// Whether the key of what an upstream reads is the key of what the client sent.
inline bool key_survives(const Request& request, const proxy::http::ConnectionOptions& connection) {
  const Seen there = seen(request, connection);
  if (there.host.empty()) return true;
  const std::string target = there.line.substr(0, there.line.find(' '));
  return cache::uri_key(request) == std::string(request.scheme) + "://" + there.host + target;
}

}  // namespace fusewire::fuzz
