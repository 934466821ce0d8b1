// SPDX-License-Identifier: Apache-2.0
// What changes in a head on its way through (RFC 9110 §7.6): hop-by-hop fields go, the proxy's own come, everything
// else passes unchanged and in order. Heads are written straight into a reused buffer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "filters/connection_field.hpp"
#include "filters/message.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/http/response_part.hpp"
#include "proxy/http/trace_context.hpp"
#include "proxy/http/upgrade.hpp"

namespace fusewire::proxy {

// The client at the other end of a connection; made once for each connection.
struct Peer {
  std::string address = "unknown";  // an IP address, or "unknown" on a unix socket
  bool trusted = false;             // in trust_forwarded: its forwarding fields are kept
  std::uint16_t port = 0;           // that it has connected to; 0: a unix socket
  std::string forwarding = {};      // forwarding_of(*this), so that it is made once; empty: it is made each time
};

// What every request of that peer carries upstream unless the peer is trusted: lines that end with the beginning of
// Forwarded, "Forwarded: for=ADDRESS".
std::string forwarding_of(const Peer&);

struct RequestHead {
  const Request& request;
  const http::ConnectionOptions& connection;
  const Peer& peer;
  std::string_view via;  // our pseudonym
  std::string_view request_id;
  std::string_view host;                    // in place of the client's
  std::string_view deadline_header;         // its name; empty: none
  std::optional<std::int64_t> deadline_ms;  // passed on in deadline_header, in place of the client's
  bool drop_deadline = false;               // the client may not set one
  const Protocols* upgrades = nullptr;      // the request asks for one of these; nullptr: it does not
  const TraceContext* trace = nullptr;      // it is traced: in place of the client's fields; nullptr: they pass
  std::uint64_t span = 0;                   // of the attempt, where it is traced
  std::string_view conditions = {};         // complete lines instead of If-None-Match and If-Modified-Since
};
void append_request_head(std::string& out, const RequestHead&);

enum class ClientBody : std::uint8_t { none, length, chunked, until_close };

// How HTTP/1 frames a response.
struct ResponseFraming {
  ClientBody body = ClientBody::none;  // content_length is written where it is length or none
  bool close = false;                  // the connection ends with this message
  bool http10 = false;                 // the client speaks HTTP/1.0
};
void append_response_head(std::string& out, const ResponseStart&, const ResponseFraming&);

// A 1xx as it came, without hop-by-hop fields.
void append_interim_head(std::string& out, const Response&, const http::ConnectionOptions&);

// The fields of a trailer section and its empty line, after "0\r\n". Those that must not stand there are left out
// (http::may_be_trailer), those that read like `deadline_header` (empty: none): the proxy writes that field itself, and
// those that the head's Connection has `named` (nullptr: none).
void append_trailers(std::string& out, const Fields&, std::string_view deadline_header = {},
                     const ConnectionNames* named = nullptr);
// The values of all fields of that kind as one list.
std::string joined_values(const Fields&, FieldId);

// Whether a Via field already names us (RFC 9110 §7.6.3).
bool passed_here_before(const Fields&, std::string_view via);

// The standard phrase; empty for a status that has none.
std::string_view reason_phrase(int status);

}  // namespace fusewire::proxy
