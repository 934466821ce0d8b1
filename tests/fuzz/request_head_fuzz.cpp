// SPDX-License-Identifier: Apache-2.0
// A request's head: the verdict does not depend on how its bytes were cut, and what is forwarded is read again as the
// same message with the same framing, by a reader as strict as ours.
#include <cstdint>
#include <string>

#include "filters/connection_field.hpp"
#include "proxy/http/authentication.hpp"
#include "proxy/http/headers.hpp"
#include "tests/fuzz/head_splits.hpp"
#include "tests/fuzz/same_key.hpp"

namespace {

using namespace fusewire;
using namespace fusewire::fuzz;
using proxy::http::HeadResult;
using proxy::http::Parsed;

constexpr proxy::http::HeadLimits kLimits{.max_line = 200, .max_bytes = 1000, .max_fields = 12};
constexpr proxy::http::HeadLimits kLoose{.max_line = 4096, .max_bytes = 65536};  // room for what we add

std::string forwarded(const Request& request, const HeadResult& head, bool trusted) {
  const proxy::Peer peer{.address = "10.0.0.9", .trusted = trusted};
  std::string out;
  proxy::append_request_head(out, {.request = request,
                                   .connection = head.connection,
                                   .peer = peer,
                                   .via = "us",
                                   .request_id = "id-1",
                                   .host = request.authority.empty() ? "orders:9000" : request.authority,
                                   .deadline_header = "x-deadline",
                                   .deadline_ms = 250});
  return out;
}

std::size_t count(const Request& request, FieldId id) {
  return static_cast<std::size_t>(
      std::count_if(request.fields.begin(), request.fields.end(), [id](const Field& field) { return field.id == id; }));
}

// Each field of the client that may pass does so, in order.
void require_passed(const Request& from, const HeadResult& head, const Request& to) {
  const auto passes = [&](const Field& field) {
    return (field.id == FieldId::other || proxy::http::is_authentication(field.id)) &&
           !reads_like(field.name, "x-deadline") &&
           !(head.connection.names_fields && named_by_connection(from.fields, field.name));
  };
  auto next = to.fields.begin();
  for (const Field& field : from.fields) {
    if (!passes(field)) continue;
    next = std::find_if(next, to.fields.end(),
                        [&](const Field& other) { return other.name == field.name && other.value == field.value; });
    require(next != to.fields.end());
    ++next;
  }
}

void check_forwarded(const Request& request, const HeadResult& head, bool trusted) {
  const std::string out = forwarded(request, head, trusted);
  const Exact bytes(out);
  Request again;
  const HeadResult result = parse_request_head(bytes.view(), kLoose, again);
  require(result.parsed == Parsed::complete && result.size == out.size());
  require(again.method == request.method && again.minor_version == 1);
  require(again.body == request.body && again.content_length == request.content_length);
  require(again.authority == (request.authority.empty() ? "orders:9000" : request.authority));
  require(again.path == request.path && again.query == request.query);
  require(key_survives(request, head.connection));
  for (const FieldId once : {FieldId::host, FieldId::x_request_id, FieldId::x_forwarded_for, FieldId::x_forwarded_proto,
                             FieldId::x_real_ip, FieldId::forwarded})
    require(count(again, once) == 1);
  for (const FieldId hop : {FieldId::connection, FieldId::keep_alive, FieldId::te, FieldId::upgrade,
                            FieldId::proxy_connection, FieldId::lookalike})
    require(count(again, hop) == 0);
  require(count(again, FieldId::content_length) + count(again, FieldId::transfer_encoding) <= 1);
  require(proxy::passed_here_before(again.fields, "us"));
  require_passed(request, head, again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t stride = data[0] % 16 + 1U;
  const bool trusted = data[0] >= 128;
  const Exact bytes(input.substr(1));
  const auto parse = [](std::string_view some) {
    Request request;
    return parse_request_head(some, kLimits, request);
  };
  if (parse_split(bytes.view(), stride, parse).parsed != Parsed::complete) return 0;
  Request request;
  const HeadResult head = parse_request_head(bytes.view(), kLimits, request);
  check_forwarded(request, head, trusted);
  // Another one behind it: both have one key just when an upstream sees the same.
  Request next;
  const HeadResult behind = parse_request_head(bytes.view().substr(head.size), kLimits, next);
  if (behind.parsed != Parsed::complete || request.authority.empty() || next.authority.empty()) return 0;
  require((cache::uri_key(request) == cache::uri_key(next)) ==
          (seen(request, head.connection) == seen(next, behind.connection)));
  return 0;
}
