// SPDX-License-Identifier: Apache-2.0
#include "proxy/text/json_text.hpp"

#include <array>
#include <cstddef>

#include "config/printable.hpp"
#include "config/utf8.hpp"
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
    } else if (const auto character = config::first_character(text.substr(at))) {
      if (config::is_misleading(character->code))
        append_escape(out, character->code);
      else
        out.append(text, at, character->size);
      at += character->size;
    } else {
      append_escape(out, 0xFFFD);
      ++at;
    }
  }
  out += '"';
}

}  // namespace fusewire::proxy
