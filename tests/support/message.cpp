// SPDX-License-Identifier: Apache-2.0
#include "tests/support/message.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>

namespace fusewire::testing {

namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

bool parse_fields(std::string_view lines, FieldList& fields) {
  while (!lines.empty()) {
    const auto end = lines.find("\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (line.empty()) return lines.empty();
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    fields.emplace_back(std::string(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  }
  return false;
}

bool parse_number(std::string_view text, int base, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size();
}

void read_chunked(Connection& connection, Message& message, milliseconds patience) {
  while (true) {
    const auto line = connection.take_until("\r\n", patience);
    std::uint64_t size = 0;
    if (!line || !parse_number(std::string_view(*line).substr(0, line->find_first_of(";\r")), 16, size)) return;
    if (size == 0) break;
    const std::string piece = connection.take(size, patience);
    message.body += piece;
    if (piece.size() != size || connection.take(2, patience) != "\r\n") return;
  }
  std::string lines;
  while (const auto line = connection.take_until("\r\n", patience)) {
    lines += *line;
    if (*line == "\r\n") {
      message.complete = parse_fields(lines, message.trailers);
      return;
    }
  }
}

}  // namespace

std::string Message::field(std::string_view name) const {
  const auto values = all(name);
  if (values.empty()) return kAbsent;
  std::string joined = values.front();
  for (std::size_t i = 1; i < values.size(); ++i) joined += " && " + values[i];
  return joined;
}

std::vector<std::string> Message::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [other, value] : fields)
    if (other.size() == name.size() && ::strncasecmp(other.data(), name.data(), name.size()) == 0)
      values.push_back(value);
  return values;
}

std::string Message::names() const {
  std::string list;
  for (const auto& [name, value] : fields) list += (list.empty() ? "" : ",") + name;
  return list;
}

bool parse_head(const std::string& head, Message& message) {
  const auto end = head.find("\r\n");
  if (end == std::string::npos) return false;
  message.head = head;
  message.start_line = head.substr(0, end);
  return parse_fields(std::string_view(head).substr(end + 2), message.fields);
}

void read_body(Connection& connection, Message& message, Body kind, milliseconds patience) {
  if (kind == Body::none) {
    message.complete = true;
  } else if (message.has("Transfer-Encoding")) {
    read_chunked(connection, message, patience);
  } else if (message.has("Content-Length")) {
    std::uint64_t size = 0;
    if (!parse_number(message.field("Content-Length"), 10, size)) return;
    message.body = connection.take(size, patience);
    message.complete = message.body.size() == size;
  } else if (kind == Body::until_close_too) {
    message.body = connection.take_all(patience);
    message.complete = connection.end() == End::eof;
  } else {
    message.complete = true;
  }
}

std::optional<Request> read_request_head(Connection& connection, milliseconds patience) {
  const auto head = connection.take_until("\r\n\r\n", patience);
  Request request;
  if (!head || !parse_head(*head, request)) return std::nullopt;
  const auto first = request.start_line.find(' ');
  const auto last = request.start_line.rfind(' ');
  if (first == std::string::npos || last == first) return std::nullopt;
  request.method = request.start_line.substr(0, first);
  request.target = request.start_line.substr(first + 1, last - first - 1);
  return request;
}

Response read_response(Connection& connection, std::string_view method, milliseconds patience) {
  std::vector<Response> interim;
  Response reply;
  while (true) {
    reply = Response{};
    const auto head = connection.take_until("\r\n\r\n", patience);
    if (!head || !parse_head(*head, reply) || reply.start_line.size() < 12) break;
    reply.status = std::atoi(reply.start_line.c_str() + 9);
    const bool interim_one = reply.status < 200 && reply.status != 101;
    const bool bodiless = reply.status < 200 || reply.status == 204 || reply.status == 304 || method == "HEAD";
    read_body(connection, reply, bodiless ? Body::none : Body::until_close_too, patience);
    if (!interim_one) break;
    interim.push_back(std::move(reply));
  }
  reply.interim = std::move(interim);
  reply.end = connection.end();
  return reply;
}

std::string response(int status, std::string_view body, std::string_view field_lines) {
  return "HTTP/1.1 " + std::to_string(status) + " Scripted\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(field_lines) + "\r\n" + std::string(body);
}

std::string chunked(std::string_view body, std::size_t piece, std::string_view trailer_lines) {
  std::string coded;
  char size[17];
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) {
    const std::string_view part = body.substr(0, piece);
    coded.append(size, std::to_chars(size, size + sizeof size, part.size(), 16).ptr);
    coded.append("\r\n").append(part).append("\r\n");
  }
  return coded.append("0\r\n").append(trailer_lines).append("\r\n");
}

std::string pattern(std::size_t n) {
  std::string bytes(n, '\0');
  std::uint32_t state = 2463534242U;
  for (char& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace fusewire::testing
