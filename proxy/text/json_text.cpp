// SPDX-License-Identifier: Apache-2.0
#include "proxy/text/json_text.hpp"

#include <array>
#include <cstddef>
#include <optional>

#include "config/printable.hpp"
#include "proxy/text/swar.hpp"

namespace fusewire::proxy {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_escape(std::string& out, unsigned code) {
  out += "\\u";
  for (const int shift : {12, 8, 4, 0}) out += kHex[(code >> shift) & 0xF];
}

void append_control(std::string& out, unsigned code) {
  switch (code) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_escape(out, code);
  }
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

struct Sequence {
  unsigned code = 0;
  std::size_t length = 0;
};

// The UTF-8 sequence at `at` (RFC 3629 §4: shortest form, no surrogates), or nothing.
std::optional<Sequence> decode(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) return std::nullopt;
  unsigned code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[at + i])) return std::nullopt;
    code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return std::nullopt;
  return Sequence{code, length};
}

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

bool is_plain(unsigned char c) { return kPlain[c]; }

// A carry or a borrow comes only out of a byte that is not plain itself. An object, so that it is inlined where it is
// passed on.
constexpr auto kArePlain = [](words::Word word) {
  using words::all;
  const words::Word below = word - all(0x20);
  const words::Word above = word + all(0x7F - 0x7E);
  const words::Word quote = (word ^ all('"')) - all(1);
  const words::Word backslash = (word ^ all('\\')) - all(1);
  return ((word | below | above | quote | backslash) & all(0x80)) == 0;
};

}  // namespace

bool is_plain_json(std::string_view text) { return words::all_good(text, kArePlain); }

bool copy_plain_json(std::string_view text, char* to) { return words::copy_good(text, to, kArePlain); }

void append_json(std::string& out, std::string_view text) {
  out += '"';
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at + words::good_prefix(text.substr(at), kArePlain);
    while (end < text.size() && is_plain(static_cast<unsigned char>(text[end]))) ++end;
    out.append(text, at, end - at);
    at = end;
    if (at == text.size()) break;
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      append_control(out, static_cast<unsigned char>(text[at++]));
    } else if (const auto sequence = decode(text, at)) {
      if (config::is_misleading(sequence->code))
        append_escape(out, sequence->code);
      else
        out.append(text, at, sequence->length);
      at += sequence->length;
    } else {
      append_escape(out, 0xFFFD);
      ++at;
    }
  }
  out += '"';
}

}  // namespace fusewire::proxy
