// SPDX-License-Identifier: Apache-2.0
// HTTP/1.x messages as a test sees them. Shares no code with the proxy, on purpose, and forgives nothing: a framing
// that is broken shows as `complete == false`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/connection.hpp"

namespace fusewire::testing {

using FieldList = std::vector<std::pair<std::string, std::string>>;

inline constexpr const char* kAbsent = "(absent)";

struct Message {
  std::string start_line;
  std::string head;  // raw, from the start line to the empty line
  FieldList fields;  // in order, names as received
  std::string body;  // without chunked coding
  FieldList trailers;
  bool complete = false;  // head and body arrived whole by their own framing

  std::string field(std::string_view name) const;  // kAbsent without one; several are joined by " && "
  std::vector<std::string> all(std::string_view name) const;
  bool has(std::string_view name) const { return !all(name).empty(); }
  std::string names() const;  // "Host,Accept,…" in order
};

struct Request : Message {
  std::string method;
  std::string target;
};

struct Response : Message {
  int status = 0;                 // 0: no response at all
  std::vector<Response> interim;  // the 1xx that came before it
  End end = End::open;            // how the connection was left after it
};

enum class Body { by_fields, none, until_close_too };

// Splits a raw head; false when it is not one.
bool parse_head(const std::string& head, Message&);
// Reads the body that the head announces. `until_close_too`: without framing fields it lasts until FIN (responses).
void read_body(Connection&, Message&, Body, milliseconds patience = kPatience);

std::optional<Request> read_request_head(Connection&, milliseconds patience = kPatience);
// The final response to a request of that method; 1xx before it are in `interim` (101 is final).
Response read_response(Connection&, std::string_view method = "GET", milliseconds patience = kPatience);

// "HTTP/1.1 200 OK", Content-Length, the given field lines ("A: b\r\n"), the body.
std::string response(int status, std::string_view body, std::string_view field_lines = {});
std::string chunked(std::string_view body, std::size_t piece, std::string_view trailer_lines = {});
// `n` bytes that no two offsets share by accident: a body whose order and completeness can be judged.
std::string pattern(std::size_t n);

}  // namespace fusewire::testing
