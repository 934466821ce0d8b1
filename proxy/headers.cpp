// SPDX-License-Identifier: Apache-2.0
#include "proxy/headers.hpp"

#include <boost/beast/http/status.hpp>
#include <charconv>

#include "filters/connection_field.hpp"
#include "proxy/http/chars.hpp"
#include "proxy/http/field_ids.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;

void append_field(std::string& out, string_view name, string_view value) {
  out.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_number_field(std::string& out, string_view name, std::uint64_t number) {
  out.append(name).append(": ", 2);
  append_number(out, number);
  out.append("\r\n", 2);
}

// The values of a forwarding field that came from a trusted peer; ours follow on the same line.
void begin_forwarding(std::string& out, const RequestHead& head, FieldId id, string_view name) {
  out.append(name).append(": ", 2);
  if (!head.peer.trusted) return;
  for (const Field& field : head.request.fields)
    if (field.id == id && !field.value.empty()) out.append(field.value).append(", ", 2);
}

void append_forwarding(std::string& out, const RequestHead& head, FieldId id, string_view name, string_view ours) {
  begin_forwarding(out, head, id, name);
  out.append(ours).append("\r\n", 2);
}

void append_forwarding_fields(std::string& out, const RequestHead& head) {
  append_forwarding(out, head, FieldId::x_forwarded_for, "X-Forwarded-For", head.peer.address);
  append_forwarding(out, head, FieldId::x_forwarded_proto, "X-Forwarded-Proto", head.request.scheme);
  if (!head.request.authority.empty())
    append_forwarding(out, head, FieldId::x_forwarded_host, "X-Forwarded-Host", head.request.authority);
  begin_forwarding(out, head, FieldId::forwarded, "Forwarded");
  out.append("for=").append(head.peer.forwarded);
  if (http::is_token(head.request.authority))
    out.append(";host=").append(head.request.authority);
  else if (!head.request.authority.empty())  // a port's colon, say (RFC 7239 §4)
    out.append(";host=\"").append(head.request.authority).append("\"");
  out.append(";proto=").append(head.request.scheme).append("\r\n", 2);
}

void append_request_line(std::string& out, const Request& request) {
  out.append(request.method).append(" ", 1).append(request.path).append(request.query).append(" HTTP/1.1\r\n");
}

// Max-Forwards counts down on OPTIONS (RFC 9110 §7.6.2); zero never comes here.
void append_max_forwards(std::string& out, const Request& request, const Field& field) {
  unsigned hops = 0;
  const auto end = field.value.data() + field.value.size();
  const auto read = std::from_chars(field.value.data(), end, hops);
  if (request.method == "OPTIONS" && read.ec == std::errc{} && read.ptr == end && hops > 0)
    append_number_field(out, field.name, hops - 1);
  else
    append_field(out, field.name, field.value);
}

bool is_replaced_condition(string_view name) {
  return iequals(name, "if-none-match") || iequals(name, "if-modified-since");
}

bool ends_here(const Field& field, const Fields& fields, const http::ConnectionOptions& connection) {
  return http::is_hop_by_hop(field.id) || (connection.names_fields && named_by_connection(fields, field.name));
}

}  // namespace

void append_request_head(std::string& out, const RequestHead& head) {
  const Request& request = head.request;
  append_request_line(out, request);
  bool host = false;
  bool length = false;
  bool id = false;
  for (const Field& field : request.fields) {
    if (ends_here(field, request.fields, head.connection)) continue;
    switch (field.id) {
      case FieldId::forwarded:
      case FieldId::x_forwarded_for:
      case FieldId::x_forwarded_host:
      case FieldId::x_forwarded_proto:
        continue;  // written below
      case FieldId::host:
        append_field(out, field.name, head.is_host_own ? head.default_host : request.authority);
        host = true;
        continue;
      case FieldId::content_length:
        if (!length) append_number_field(out, field.name, request.content_length);
        length = true;
        continue;
      case FieldId::trailer:
        if (request.body != BodyKind::chunked) continue;  // it announces what cannot come
        break;
      case FieldId::x_request_id:
        if (!id) append_field(out, field.name, head.request_id);
        id = true;
        continue;
      case FieldId::max_forwards:
        append_max_forwards(out, request, field);
        continue;
      case FieldId::other:
        if (!head.deadline_header.empty() && iequals(field.name, head.deadline_header)) continue;
        if (!head.conditions.empty() && is_replaced_condition(field.name)) continue;
        break;
      default:
        break;
    }
    append_field(out, field.name, field.value);
  }
  if (!host)
    append_field(out, "Host", request.authority.empty() || head.is_host_own ? head.default_host : request.authority);
  if (request.body == BodyKind::chunked) out.append("Transfer-Encoding: chunked\r\n");
  if (!id) append_field(out, "X-Request-Id", head.request_id);
  if (head.deadline_ms) append_number_field(out, head.deadline_header, static_cast<std::uint64_t>(*head.deadline_ms));
  append_forwarding_fields(out, head);
  if (head.upgrades != nullptr) append_upgrade(out, request.fields, *head.upgrades);
  if (!head.conditions.empty()) out.append(head.conditions);
  out.append(request.minor_version == 0 ? "Via: 1.0 " : "Via: 1.1 ").append(head.via).append("\r\n\r\n");
}

void append_response_head(std::string& out, const ResponseHead& head) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(head.status));
  out.append(" ", 1).append(head.reason.empty() ? reason_phrase(head.status) : head.reason).append("\r\n", 2);
  const bool with_length = head.content_length && (head.body == ClientBody::none || head.body == ClientBody::length);
  bool length = false;
  bool date = false;
  bool id = false;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::content_length) {
      if (with_length && !length) append_number_field(out, field.name, *head.content_length);
      length = true;
      continue;
    }
    if (head.connection != nullptr && ends_here(field, head.fields, *head.connection)) continue;
    if (field.id == FieldId::trailer && head.body != ClientBody::chunked) continue;
    date = date || field.id == FieldId::date;
    id = id || field.id == FieldId::x_request_id;
    append_field(out, field.name, field.value);
  }
  out.append(head.extra_fields);
  if (!date && !head.date.empty()) append_field(out, "Date", head.date);
  if (!id && !head.request_id.empty()) append_field(out, "X-Request-Id", head.request_id);
  if (head.body == ClientBody::chunked)
    out.append("Transfer-Encoding: chunked\r\n");
  else if (with_length && !length)
    append_number_field(out, "Content-Length", *head.content_length);
  if (head.upgrades != nullptr) append_upgrade(out, head.fields, *head.upgrades);
  if (head.close)
    out.append("Connection: close\r\n");
  else if (head.http10)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n", 2);
}

void append_interim_head(std::string& out, const Response& response, const http::ConnectionOptions& connection) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ", 1)
      .append(response.reason.empty() ? reason_phrase(response.status) : response.reason)
      .append("\r\n", 2);
  for (const Field& field : response.fields)
    if (!ends_here(field, response.fields, connection) && field.id != FieldId::content_length)
      append_field(out, field.name, field.value);
  out.append("\r\n", 2);
}

void append_trailers(std::string& out, const Fields& trailers) {
  for (const Field& field : trailers)
    if (field.id == FieldId::other) append_field(out, field.name, field.value);
  out.append("\r\n", 2);
}

bool passed_here_before(const Fields& fields, string_view via) {
  for (const Field& field : fields) {
    if (field.id != FieldId::via) continue;
    for (string_view list = field.value; !list.empty();) {
      const auto entry = http::next_element(list);  // "1.1 pseudonym (comment)"
      const auto space = entry.find(' ');
      if (space == string_view::npos) continue;
      const auto by = http::trim(entry.substr(space + 1));
      if (by.substr(0, by.find(' ')) == via) return true;
    }
  }
  return false;
}

string_view reason_phrase(int status) {
  const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
  if (known == boost::beast::http::status::unknown) return {};
  const auto phrase = boost::beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

}  // namespace fusewire::proxy
