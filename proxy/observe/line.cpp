// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/line.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "proxy/text/json_text.hpp"

namespace fusewire::proxy {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the room is written before it is read
Line::Line(std::string& out, config::LogFormat format, TimeChars time, std::string_view level, std::string_view message)
    : out_(out), json_(format == config::LogFormat::json) {
  if (json_) {
    put(R"({"time":")", {time.data(), time.size()}, R"(","level":")");
    put("", level, R"(","message":)");
    put_string(message);
    return;
  }
  constexpr std::string_view kSpaces = "      ";
  put({time.data(), time.size()});
  put(" ", level, "");
  put(kSpaces.substr(std::min(level.size(), kSpaces.size() - 1)));
  if (is_plain_json(message)) {
    put(message);
    return;
  }
  // The quotes around it are only needed where it has something to escape.
  spill();
  const std::size_t start = out_.size();
  append_json(out_, message);
  if (out_.size() == start + message.size() + 2) out_.erase(start, 1).pop_back();
}

Line& Line::text(std::string_view key, std::string_view value) { return begin(key).put_string(value); }

Line& Line::number(std::string_view key, std::int64_t value) { return begin(key).put_signed(value); }

Line& Line::real(std::string_view key, double value) {
  begin(key);
  if (std::isfinite(value))
    put_number(value);
  else
    put("null");
  return *this;
}

Line& Line::boolean(std::string_view key, bool value) {
  begin(key);
  put(value ? "true" : "false");
  return *this;
}

void Line::finish() {
  put(json_ ? "}\n" : "\n");
  spill();
}

// ------------------------------------------------------------------------------------------------------ pieces

Line& Line::begin(std::string_view key) {
  if (json_)
    put(",\"", key, "\":");
  else
    put(" ", key, "=");
  return *this;
}

Line& Line::put_signed(std::int64_t value) {
  put_number(value);
  return *this;
}

Line& Line::put_unsigned(std::uint64_t value) {
  put_number(value);
  return *this;
}

Line& Line::put_milliseconds(std::chrono::nanoseconds taken) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(taken).count();
  put_number(micros / 1000);
  const auto rest = static_cast<unsigned>(micros < 0 ? 0 : micros % 1000);
  const std::array<char, 4> decimals{'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                                     static_cast<char>('0' + rest % 10)};
  put({decimals.data(), decimals.size()});
  return *this;
}

Line& Line::put_words(std::span<const std::string_view> words) {
  if (json_ && words.empty()) {
    put("[]");
    return *this;
  }
  if (json_) put("[");
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) put(",");
    if (json_)
      put("\"", words[i], "\"");
    else
      put(words[i]);
  }
  if (json_) put("]");
  return *this;
}

Line& Line::put_string(std::string_view value) {
  if (has_room(value.size() + 2)) {
    char* const at = room_.data() + used_;
    if (copy_plain_json(value, at + 1)) {
      *at = at[value.size() + 1] = '"';
      used_ += value.size() + 2;
      return *this;
    }
  }
  spill();
  append_json(out_, value);
  return *this;
}

void Line::put(std::string_view piece) { put("", piece, ""); }

template <std::size_t Before, std::size_t After>
void Line::put(const char (&before)[Before], std::string_view piece, const char (&after)[After]) {
  if (!has_room(piece.size() + Before + After)) {
    out_.append(before).append(piece).append(after);
    return;
  }
  char* const at = room_.data() + used_;
  std::memcpy(at, before, Before - 1);
  if (!piece.empty()) std::memcpy(at + Before - 1, piece.data(), piece.size());
  std::memcpy(at + Before - 1 + piece.size(), after, After - 1);
  used_ += Before - 1 + piece.size() + After - 1;
}

template <class Number>
void Line::put_number(Number value) {
  constexpr std::size_t kDigits = 32;
  has_room(kDigits);
  char* const at = room_.data() + used_;
  used_ += static_cast<std::size_t>(std::to_chars(at, at + kDigits, value).ptr - at);
}

bool Line::spill_for(std::size_t size) {
  spill();
  return size <= room_.size();
}

void Line::spill() {
  out_.append(room_.data(), used_);
  used_ = 0;
}

}  // namespace fusewire::proxy
