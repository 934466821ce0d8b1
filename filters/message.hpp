// SPDX-License-Identifier: Apache-2.0
// An HTTP message's head as views: what the codec has parsed and the filters read. Nothing here owns bytes; the code
// that hands the message out names the owner.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace fusewire {

// Of ASCII letters.
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// ASCII case-blind equality (field names, tokens; RFC 9110 §5.1).
constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}
// Equal to one of the names.
constexpr bool iequals_any(std::string_view name, std::span<const std::string_view> names) noexcept {
  for (const std::string_view other : names)
    if (iequals(name, other)) return true;
  return false;
}

// Whether a receiver that takes `_` for `-`, as CGI programs do, reads both names as one field. Case-blind.
constexpr bool reads_like(std::string_view a, std::string_view b) noexcept {
  const auto plain = [](char c) { return c == '_' ? '-' : lower(c); };
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (plain(a[i]) != plain(b[i])) return false;
  return true;
}
constexpr bool reads_like_any(std::string_view name, std::span<const std::string_view> names) noexcept {
  for (const std::string_view other : names)
    if (reads_like(name, other)) return true;
  return false;
}

// Field names that the proxy itself handles, identified once, by the codec.
enum class FieldId : std::uint8_t {
  other,
  authorization,
  b3,
  connection,
  content_length,
  date,
  expect,
  forwarded,
  host,
  keep_alive,
  max_forwards,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  te,
  traceparent,
  tracestate,
  trailer,
  transfer_encoding,
  upgrade,
  via,
  www_authenticate,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_port,
  x_forwarded_proto,
  x_forwarded_site,  // X-Forwarded-Prefix, -Scheme and -Ssl: what else applications build their own URLs from
  x_real_ip,
  x_request_id,
  lookalike,  // reads like one of these where `_` is taken for `-`: no request takes it to an upstream
};

struct Field {
  std::string_view name;   // as received
  std::string_view value;  // without surrounding white space
  FieldId id = FieldId::other;
  bool is_whole_line = false;  // both view one line of a head, "name: value\r\n" to the letter: see line()

  std::string_view line() const noexcept { return {name.data(), name.size() + value.size() + 4}; }
};

// The fields of one message in the order received. Not thread-safe; a plain list, so look-up is linear.
class Fields {
 public:
  void clear() noexcept { list_.clear(); }
  bool has_room() const noexcept { return list_.capacity() > 0; }
  std::size_t room() const noexcept { return list_.capacity(); }
  void reserve(std::size_t fields) { list_.reserve(fields); }
  void add(std::string_view name, std::string_view value, FieldId id = FieldId::other) { add({name, value, id}); }
  void add(const Field& field) {
    if (list_.capacity() == 0) list_.reserve(kUsual);
    list_.push_back(field);
  }
  // Gives an id to each field that has none.
  template <class IdOf>
  void identify(IdOf id_of) {
    for (Field& field : list_)
      if (field.id == FieldId::other) field.id = id_of(field.name);
  }
  // Removes the fields for which `doomed` holds.
  template <class Doomed>
  void remove_if(Doomed doomed) {
    std::erase_if(list_, doomed);
  }
  std::size_t size() const noexcept { return list_.size(); }
  auto begin() const noexcept { return list_.begin(); }
  auto end() const noexcept { return list_.end(); }

  // The first field of that name.
  std::optional<std::string_view> find(std::string_view name) const noexcept {
    for (const Field& field : list_)
      if (iequals(field.name, name)) return field.value;
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kUsual = 16;  // as many as most messages have
  std::vector<Field> list_;
};

enum class BodyKind : std::uint8_t {
  none,
  length,       // Content-Length
  chunked,      // Transfer-Encoding: chunked
  until_close,  // responses only (RFC 9112 §6.3, item 8)
};

struct Request {
  std::string_view method;
  // Path and query are what goes upstream, is routed and is a cache's key: split once, by the codec.
  std::string_view target;     // as received, without the scheme and authority of an absolute-form
  std::string_view path;       // never empty: "/" where an absolute-form has none, or "*"
  std::string_view query;      // with its question mark; empty: none
  std::string_view authority;  // Host, or the absolute-form target's authority
  std::string_view scheme = "http";
  int minor_version = 1;  // HTTP/1.x
  Fields fields;
  BodyKind body = BodyKind::none;
  std::uint64_t content_length = 0;  // meaningful with BodyKind::length

  // Of an origin-form or asterisk-form target, or what an absolute-form leaves of it.
  void set_target(std::string_view text) noexcept {
    target = text;
    const std::size_t question = text.find('?');
    path = text.substr(0, question);
    query = question == std::string_view::npos ? std::string_view{} : text.substr(question);
    if (path.empty()) path = query.empty() && method == "OPTIONS" ? "*" : "/";  // RFC 9112 §3.2.4
  }

  bool is_head() const noexcept { return method == "HEAD"; }
  // Content-Length: 0 is none.
  bool has_body() const noexcept { return body == BodyKind::length ? content_length != 0 : body != BodyKind::none; }
  bool is_get_or_head() const noexcept { return method == "GET" || is_head(); }
  // What it gets may be its client's alone (RFC 6265).
  bool has_cookie() const noexcept { return fields.find("cookie").has_value(); }
  // RFC 9110 §9.2.1.
  bool is_safe() const noexcept { return is_get_or_head() || method == "OPTIONS" || method == "TRACE"; }
  // RFC 9110 §9.2.2.
  bool is_idempotent() const noexcept { return is_safe() || method == "PUT" || method == "DELETE"; }
};

struct Response {
  int status = 0;
  std::string_view reason;
  int minor_version = 1;
  Fields fields;
  BodyKind body = BodyKind::none;
  std::uint64_t content_length = 0;
};

}  // namespace fusewire
