// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/headers.hpp"

#include <boost/beast/http/status.hpp>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "proxy/http/chars.hpp"
#include "proxy/http/field_ids.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;

void append_field(std::string& out, string_view name, string_view value) {
  out.append(name).append(": ", 2).append(value).append("\r\n", 2);
}

// `start`: a field's name with its colon and space.
void append_line(std::string& out, string_view start, string_view value) {
  out.append(start).append(value).append("\r\n", 2);
}

void append_field(std::string& out, const Field& field) {
  if (field.is_whole_line)
    out.append(field.line());
  else
    append_field(out, field.name, field.value);
}

std::string status_line(int status, string_view reason) {
  return "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason) + "\r\n";
}

constexpr int kFirstStatus = 100;
constexpr int kLastStatus = 599;
constexpr std::size_t kReasonAt = 13;  // behind "HTTP/1.1 200 "

const std::string& usual_status_line(int status) {
  static const auto kLines = [] {
    std::vector<std::string> lines;
    for (int each = kFirstStatus; each <= kLastStatus; ++each) lines.push_back(status_line(each, reason_phrase(each)));
    return lines;
  }();
  return kLines[static_cast<std::size_t>(status - kFirstStatus)];
}

// `reason` empty: the standard phrase.
void append_status_line(std::string& out, int status, string_view reason) {
  if (status < kFirstStatus || status > kLastStatus) {
    out.append(status_line(status, reason));
    return;
  }
  const string_view usual = usual_status_line(status);
  if (reason.empty() || reason == usual.substr(kReasonAt, usual.size() - kReasonAt - 2))
    out.append(usual);
  else
    out.append(usual.substr(0, kReasonAt)).append(reason).append("\r\n", 2);
}

void append_number_line(std::string& out, string_view start, std::uint64_t number) {
  constexpr std::size_t kDigits = 20;
  char line[kDigits + 2];
  char* const end = std::to_chars(line, line + kDigits, number).ptr;
  end[0] = '\r';
  end[1] = '\n';
  out.append(start).append(line, end + 2);
}

void append_number_field(std::string& out, string_view name, std::uint64_t number) {
  append_number_line(out.append(name), ": ", number);
}

// Content-Length as one number; what is one already passes as it came.
void append_length(std::string& out, const Field& field, std::uint64_t length) {
  const bool is_plain = field.value.front() != '0' && field.value.find(',') == string_view::npos;
  if (field.is_whole_line && is_plain)
    out.append(field.line());
  else
    append_number_field(out, field.name, length);
}

// The peer as a node of RFC 7239 §6.
void append_node(std::string& out, const Peer& peer) {
  const bool is_v6 = peer.address.find(':') != std::string::npos;
  out.append(is_v6 ? "for=\"[" : "for=").append(peer.address).append(is_v6 ? "]\"" : "");
}

// What follows the node in Forwarded's element of this hop (RFC 7239 §4).
void append_own_element(std::string& out, const RequestHead& head) {
  const string_view authority = head.request.authority;
  if (http::is_token(authority))
    out.append(";host=").append(authority);
  else if (!authority.empty())  // a port's colon, say
    out.append(";host=\"").append(authority).append("\"");
  out.append(";proto=").append(head.request.scheme).append("\r\n", 2);
}

// An IP address, or nothing.
string_view real_ip(const Peer& peer) { return peer.address == "unknown" ? string_view{} : string_view(peer.address); }

// Of a peer that is not trusted, or sends no forwarding fields.
void append_own_forwarding(std::string& out, const RequestHead& head) {
  const Request& request = head.request;
  if (head.peer.forwarding.empty())
    out.append(forwarding_of(head.peer));
  else
    out.append(head.peer.forwarding);
  append_own_element(out, head);
  append_line(out, "X-Forwarded-Proto: ", request.scheme);
  if (!request.authority.empty()) append_line(out, "X-Forwarded-Host: ", request.authority);
}

// What Connection names is as if it was not there.
bool counts(const Field& field, FieldId id, const RequestHead& head) {
  if (field.id != id) return false;
  return !head.connection.names_fields || !named_by_connection(head.request.fields, field.name);
}

// A list that grows by one element with each hop, on one line.
void begin_list(std::string& out, const RequestHead& head, FieldId id, string_view name) {
  out.append(name);
  for (const Field& field : head.request.fields)
    if (counts(field, id, head) && !field.value.empty()) out.append(field.value).append(", ", 2);
}

// Of fields with one value: the first that is there, also where older proxies have made a list of it.
string_view first_value(const RequestHead& head, FieldId id) {
  for (const Field& field : head.request.fields) {
    if (!counts(field, id, head)) continue;
    for (string_view list = field.value; !list.empty();)
      if (const auto value = http::next_element(list); !value.empty()) return value;
  }
  return {};
}

// The peer that a trusted one has seen: the last of its X-Forwarded-For.
string_view last_forwarded_for(const RequestHead& head) {
  string_view last;
  for (const Field& field : head.request.fields) {
    if (!counts(field, FieldId::x_forwarded_for, head)) continue;
    for (string_view list = field.value; !list.empty();)
      if (const auto value = http::next_element(list); !value.empty()) last = value;
  }
  return last;
}

// The port that the client has connected to. Ours would contradict a peer that has spoken another scheme with it.
void append_port(std::string& out, const RequestHead& head, string_view proto) {
  const string_view theirs = first_value(head, FieldId::x_forwarded_port);
  if (!theirs.empty()) return append_field(out, "X-Forwarded-Port", theirs);
  if (!proto.empty() && !iequals(proto, head.request.scheme))
    append_field(out, "X-Forwarded-Port", iequals(proto, "http") || iequals(proto, "ws") ? "80" : "443");
  else if (head.peer.port != 0)
    append_number_field(out, "X-Forwarded-Port", head.peer.port);
}

void append_first(std::string& out, string_view name, string_view theirs, string_view ours) {
  if (const string_view value = theirs.empty() ? ours : theirs; !value.empty()) append_field(out, name, value);
}

// Of a trusted peer: lists grow, and what has one value stays; ours stands only where there is none.
void append_kept_forwarding(std::string& out, const RequestHead& head) {
  const Request& request = head.request;
  const Peer& peer = head.peer;
  begin_list(out, head, FieldId::x_forwarded_for, "X-Forwarded-For: ");
  out.append(peer.address).append("\r\n", 2);
  const string_view proto = first_value(head, FieldId::x_forwarded_proto);
  append_first(out, "X-Forwarded-Proto", proto, request.scheme);
  append_first(out, "X-Forwarded-Host", first_value(head, FieldId::x_forwarded_host), request.authority);
  append_port(out, head, proto);
  const string_view seen = last_forwarded_for(head);
  append_first(out, "X-Real-IP", first_value(head, FieldId::x_real_ip), seen.empty() ? real_ip(peer) : seen);
  begin_list(out, head, FieldId::forwarded, "Forwarded: ");
  append_node(out, peer);
  append_own_element(out, head);
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
    append_field(out, field);
}

bool is_replaced_condition(string_view name) {
  return reads_like(name, "if-none-match") || reads_like(name, "if-modified-since");
}

// The deadline is written anew where it is known; what only reads like its field never passes.
bool is_replaced_deadline(string_view name, const RequestHead& head) {
  if (!reads_like(name, head.deadline_header)) return false;
  return head.deadline_ms || head.drop_deadline || !iequals(name, head.deadline_header);
}

// What a message's Connection names; most name nothing.
std::optional<ConnectionNames> names_in(const Fields& fields, const http::ConnectionOptions& connection) {
  return connection.names_fields ? std::optional<ConnectionNames>(std::in_place, fields) : std::nullopt;
}

bool ends_here(const Field& field, const std::optional<ConnectionNames>& named) {
  return http::is_hop_by_hop(field.id) || (named && named->contains(field.name));
}

}  // namespace

std::string forwarding_of(const Peer& peer) {
  std::string lines;
  append_field(lines, "X-Forwarded-For", peer.address);
  if (peer.port != 0) append_number_field(lines, "X-Forwarded-Port", peer.port);
  if (const string_view address = real_ip(peer); !address.empty()) append_field(lines, "X-Real-IP", address);
  append_node(lines.append("Forwarded: "), peer);
  return lines;
}

void append_request_head(std::string& out, const RequestHead& head) {
  const Request& request = head.request;
  append_request_line(out, request);
  bool host = false;
  bool length = false;
  bool id = false;
  bool forwarding = false;
  const auto named = names_in(request.fields, head.connection);
  for (const Field& field : request.fields) {
    if (ends_here(field, named)) continue;
    switch (field.id) {
      case FieldId::forwarded:
      case FieldId::x_forwarded_for:
      case FieldId::x_forwarded_host:
      case FieldId::x_forwarded_port:
      case FieldId::x_forwarded_proto:
      case FieldId::x_real_ip:
        forwarding = true;  // written below
        continue;
      case FieldId::x_forwarded_site:
        if (!head.peer.trusted) continue;
        break;
      case FieldId::lookalike:
        continue;
      case FieldId::host:
        append_field(out, field.name, head.host);
        host = true;
        continue;
      case FieldId::content_length:
        if (!length) append_length(out, field, request.content_length);
        length = true;
        continue;
      case FieldId::trailer:
        if (request.body != BodyKind::chunked) continue;  // it announces what cannot come
        break;
      case FieldId::x_request_id:
        if (!id) append_field(out, field.name, head.request_id);
        id = true;
        continue;
      case FieldId::traceparent:
      case FieldId::b3:
        if (head.trace != nullptr) continue;  // written below
        break;
      case FieldId::tracestate:
        if (head.trace != nullptr && !head.trace->keeps_state()) continue;
        break;
      case FieldId::max_forwards:
        append_max_forwards(out, request, field);
        continue;
      case FieldId::other:
        if (field.name.size() == head.deadline_header.size() && is_replaced_deadline(field.name, head)) continue;
        if (!head.conditions.empty() && is_replaced_condition(field.name)) continue;
        if (head.trace != nullptr && append_b3_field(out, field, *head.trace, head.span)) continue;
        break;
      default:
        break;
    }
    append_field(out, field);
  }
  if (!host) append_line(out, "Host: ", head.host);
  if (request.body == BodyKind::chunked) out.append("Transfer-Encoding: chunked\r\n");
  if (!id) append_line(out, "X-Request-Id: ", head.request_id);
  if (head.deadline_ms) append_number_field(out, head.deadline_header, static_cast<std::uint64_t>(*head.deadline_ms));
  forwarding&& head.peer.trusted ? append_kept_forwarding(out, head) : append_own_forwarding(out, head);
  if (head.trace != nullptr) append_trace_fields(out, *head.trace, head.span);
  if (head.upgrades != nullptr) append_upgrade(out, request.fields, *head.upgrades);
  if (!head.conditions.empty()) out.append(head.conditions);
  out.append(request.minor_version == 0 ? "Via: 1.0 " : "Via: 1.1 ").append(head.via).append("\r\n\r\n");
}

void append_response_head(std::string& out, const ResponseStart& head, const ResponseFraming& framing) {
  append_status_line(out, head.status, head.reason);
  const bool with_length =
      head.content_length && (framing.body == ClientBody::none || framing.body == ClientBody::length);
  bool length = false;
  bool date = false;
  bool id = false;
  const auto named = head.connection != nullptr ? names_in(head.fields, *head.connection) : std::nullopt;
  for (const Field& field : head.fields) {
    if (field.id == FieldId::content_length) {
      if (with_length && !length) append_length(out, field, *head.content_length);
      length = true;
      continue;
    }
    if (head.connection != nullptr && ends_here(field, named)) continue;
    if (field.id == FieldId::trailer && framing.body != ClientBody::chunked) continue;
    date = date || field.id == FieldId::date;
    id = id || field.id == FieldId::x_request_id;
    append_field(out, field);
  }
  out.append(head.extra_fields);
  if (!date) out.append(head.date_line);
  if (!id && !head.request_id.empty()) append_line(out, "X-Request-Id: ", head.request_id);
  if (framing.body == ClientBody::chunked)
    out.append("Transfer-Encoding: chunked\r\n");
  else if (with_length && !length)
    append_number_line(out, "Content-Length: ", *head.content_length);
  if (head.upgrades != nullptr) append_upgrade(out, head.fields, *head.upgrades);
  if (framing.close)
    out.append("Connection: close\r\n");
  else if (framing.http10)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n", 2);
}

void append_interim_head(std::string& out, const Response& response, const http::ConnectionOptions& connection) {
  append_status_line(out, response.status, response.reason);
  const auto named = names_in(response.fields, connection);
  for (const Field& field : response.fields)
    if (!ends_here(field, named) && field.id != FieldId::content_length) append_field(out, field);
  out.append("\r\n", 2);
}

std::string joined_values(const Fields& fields, FieldId id) {
  std::string joined;
  for (const Field& field : fields)
    if (field.id == id) joined.append(field.value).push_back(',');
  return joined;
}

void append_trailers(std::string& out, const Fields& trailers, string_view deadline_header,
                     const ConnectionNames* named) {
  for (const Field& field : trailers)
    if (http::may_be_trailer(field) && !reads_like(field.name, deadline_header) &&
        !(named && named->contains(field.name)))
      append_field(out, field);
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
