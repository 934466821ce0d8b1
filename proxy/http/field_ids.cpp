// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/field_ids.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace fusewire::proxy::http {

namespace {

struct Known {
  std::string_view name;
  FieldId id;
};

// Case-blind. `known` has lower-case letters and hyphens only: 0x20 makes a letter a small one, and half of a letter's
// 0x40 is that 0x20.
template <class Word>
bool equal_at(const char* name, const char* known) {
  constexpr Word kSmall = static_cast<Word>(0x2020202020202020U);
  Word n = 0;
  Word k = 0;
  std::memcpy(&n, name, sizeof n);
  std::memcpy(&k, known, sizeof k);
  return (n | ((k >> 1) & kSmall)) == k;
}

// For at least four bytes: a word at a time, the last one overlapping.
template <class Word>
bool equal_in_words(std::string_view name, std::string_view known) {
  const std::size_t last = known.size() - sizeof(Word);
  for (std::size_t i = 0; i < last; i += sizeof(Word))
    if (!equal_at<Word>(name.data() + i, known.data() + i)) return false;
  return equal_at<Word>(name.data() + last, known.data() + last);
}

bool equal(std::string_view name, std::string_view known) {
  if (known.size() >= 8) return equal_in_words<std::uint64_t>(name, known);
  return known.size() >= 4 && equal_in_words<std::uint32_t>(name, known);
}

// `known.id`, `lookalike` where an underscore stands for a hyphen of it, or `other`. `known` is as long as `name`.
FieldId compare(std::string_view name, const Known& known) {
  if (equal(name, known.name)) return known.id;
  FieldId id = known.id;
  for (std::size_t i = 0; i < known.name.size(); ++i) {
    const char c = known.name[i];
    if ((name[i] | ((c >> 1) & 0x20)) == c) continue;
    if (c != '-' || name[i] != '_') return FieldId::other;
    id = FieldId::lookalike;
  }
  return id;
}

FieldId pick(std::string_view name, std::initializer_list<Known> candidates) {
  for (const Known& known : candidates)
    if (const FieldId id = compare(name, known); id != FieldId::other) return id;
  return FieldId::other;
}

}  // namespace

FieldId field_id(std::string_view name) {
  switch (name.size()) {
    case 2:
      return pick(name, {{"te", FieldId::te}, {"b3", FieldId::b3}});
    case 3:
      return pick(name, {{"via", FieldId::via}});
    case 4:
      return pick(name, {{"host", FieldId::host}, {"date", FieldId::date}});
    case 6:
      return pick(name, {{"expect", FieldId::expect}});
    case 7:
      return pick(name, {{"trailer", FieldId::trailer}, {"upgrade", FieldId::upgrade}});
    case 9:
      return pick(name, {{"forwarded", FieldId::forwarded}, {"x-real-ip", FieldId::x_real_ip}});
    case 10:
      return pick(name, {{"connection", FieldId::connection},
                         {"keep-alive", FieldId::keep_alive},
                         {"tracestate", FieldId::tracestate}});
    case 11:
      return pick(name, {{"traceparent", FieldId::traceparent}});
    case 12:
      return pick(name, {{"max-forwards", FieldId::max_forwards}, {"x-request-id", FieldId::x_request_id}});
    case 13:
      return pick(name, {{"authorization", FieldId::authorization}});
    case 14:
      return pick(name, {{"content-length", FieldId::content_length}});
    case 15:
      return pick(name,
                  {{"x-forwarded-for", FieldId::x_forwarded_for}, {"x-forwarded-ssl", FieldId::x_forwarded_site}});
    case 16:
      return pick(name, {{"proxy-connection", FieldId::proxy_connection},
                         {"x-forwarded-host", FieldId::x_forwarded_host},
                         {"www-authenticate", FieldId::www_authenticate},
                         {"x-forwarded-port", FieldId::x_forwarded_port}});
    case 17:
      return pick(
          name, {{"transfer-encoding", FieldId::transfer_encoding}, {"x-forwarded-proto", FieldId::x_forwarded_proto}});
    case 18:
      return pick(name, {{"proxy-authenticate", FieldId::proxy_authenticate},
                         {"x-forwarded-prefix", FieldId::x_forwarded_site},
                         {"x-forwarded-scheme", FieldId::x_forwarded_site}});
    case 19:
      return pick(name, {{"proxy-authorization", FieldId::proxy_authorization}});
    default:
      return FieldId::other;
  }
}

bool may_be_trailer(const Field& field) {
  constexpr std::array<std::string_view, 26> kNever = {"authorization",
                                                       "proxy-authorization",
                                                       "www-authenticate",
                                                       "proxy-authenticate",
                                                       "cookie",
                                                       "set-cookie",
                                                       "content-encoding",
                                                       "content-type",
                                                       "content-range",
                                                       "content-location",
                                                       "content-language",
                                                       "content-disposition",
                                                       "cache-control",
                                                       "pragma",
                                                       "age",
                                                       "expires",
                                                       "vary",
                                                       "warning",
                                                       "location",
                                                       "retry-after",
                                                       "if-match",
                                                       "if-none-match",
                                                       "if-modified-since",
                                                       "if-unmodified-since",
                                                       "if-range",
                                                       "range"};
  return field.id == FieldId::other && !reads_like_any(field.name, kNever);
}

}  // namespace fusewire::proxy::http
