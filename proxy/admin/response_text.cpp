// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/response_text.hpp"

#include "filters/http_date.hpp"

namespace fusewire::proxy::admin {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "";
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

std::string head(int status, std::string_view content_type, std::string_view cache_control,
                 std::chrono::system_clock::time_point now) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + ' ';
  out.append(reason(status)).append("\r\n");
  const auto date = format_http_date(now);
  append_field(out, "Date", {date.data(), date.size()});
  append_field(out, "Content-Type", content_type);
  append_field(out, "Cache-Control", cache_control);
  append_field(out, "X-Content-Type-Options", "nosniff");
  return out;
}

}  // namespace

std::string response_head(const Reply& reply, std::chrono::system_clock::time_point now, bool keep_alive) {
  std::string out = head(reply.status, reply.content_type, reply.cache_control, now);
  for (const auto& [name, value] : reply.fields) append_field(out, name, value);
  // RFC 9110 §8.6: of a 304 it would be that of the 200.
  if (reply.status != 304) append_field(out, "Content-Length", std::to_string(reply.content().size()));
  append_field(out, "Connection", keep_alive ? "keep-alive" : "close");
  return out + "\r\n";
}

std::string stream_head(std::chrono::system_clock::time_point now) {
  std::string out = head(200, "text/event-stream", "no-store", now);
  append_field(out, "Connection", "close");
  return out + "\r\n";
}

}  // namespace fusewire::proxy::admin
