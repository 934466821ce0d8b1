// SPDX-License-Identifier: Apache-2.0
// A response's head: the verdict does not depend on how its bytes were cut, and what is relayed is read again as the
// same message with the framing that the client was meant to get.
#include <cstdint>
#include <optional>
#include <string>

#include "proxy/http/field_ids.hpp"
#include "proxy/http/headers.hpp"
#include "tests/fuzz/head_splits.hpp"

namespace {

using namespace fusewire;
using namespace fusewire::fuzz;
using proxy::ClientBody;
using proxy::http::HeadResult;
using proxy::http::Parsed;

constexpr proxy::http::HeadLimits kLimits{.max_line = 200, .max_bytes = 1000, .max_fields = 12};
constexpr proxy::http::HeadLimits kLoose{.max_line = 4096, .max_bytes = 65536};  // room for what we add

ClientBody client_body(const Response& response, bool http10) {
  switch (response.body) {
    case BodyKind::none:
      return ClientBody::none;
    case BodyKind::length:
      return ClientBody::length;
    default:
      return http10 ? ClientBody::until_close : ClientBody::chunked;
  }
}

BodyKind as_read(ClientBody body) {
  switch (body) {
    case ClientBody::none:
      return BodyKind::none;
    case ClientBody::length:
      return BodyKind::length;
    case ClientBody::chunked:
      return BodyKind::chunked;
    default:
      return BodyKind::until_close;
  }
}

void check_relayed(const Response& response, const HeadResult& head, bool to_head, bool http10) {
  const ClientBody body = client_body(response, http10);
  std::string out;
  proxy::append_response_head(
      out,
      {.status = response.status,
       .reason = response.reason,
       .fields = response.fields,
       .connection = &head.connection,
       .content_length = response.body == BodyKind::length ? std::optional(response.content_length) : std::nullopt,
       .request_id = "id-1",
       .date_line = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"},
      {.body = body, .close = body == ClientBody::until_close, .http10 = http10});
  const Exact bytes(out);
  Response again;
  const HeadResult result = parse_response_head(bytes.view(), kLoose, to_head, again);
  require(result.parsed == Parsed::complete && result.size == out.size());
  require(again.status == response.status);
  if (!response.reason.empty()) require(again.reason == response.reason);
  require(again.body == as_read(body));
  if (body == ClientBody::length) require(again.content_length == response.content_length);
  require(result.connection.close == (body == ClientBody::until_close));
  require(!result.connection.upgrade && !result.connection.names_fields);
  require(again.fields.find("date") && again.fields.find("x-request-id"));
  std::size_t lengths = 0;
  for (const Field& field : again.fields) lengths += field.id == FieldId::content_length;
  require(lengths == (body == ClientBody::length ? 1U : 0U));
}

void check_interim(const Response& response, const HeadResult& head) {
  std::string out;
  proxy::append_interim_head(out, response, head.connection);
  Response again;
  const HeadResult result = parse_response_head(out, kLoose, false, again);
  require(result.parsed == Parsed::complete && result.size == out.size());
  require(again.status == response.status && again.body == BodyKind::none);
  for (const Field& field : again.fields)
    require(field.id != FieldId::content_length && !proxy::http::is_hop_by_hop(field.id));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t stride = data[0] % 16 + 1U;
  const bool to_head = (data[0] & 0x40U) != 0;
  const bool http10 = (data[0] & 0x80U) != 0;
  const Exact bytes(input.substr(1));
  const auto parse = [to_head](std::string_view some) {
    Response response;
    return parse_response_head(some, kLimits, to_head, response);
  };
  if (parse_split(bytes.view(), stride, parse).parsed != Parsed::complete) return 0;
  Response response;
  const HeadResult head = parse_response_head(bytes.view(), kLimits, to_head, response);
  if (response.status < 200)
    check_interim(response, head);
  else
    check_relayed(response, head, to_head, http10);
  return 0;
}
