// SPDX-License-Identifier: Apache-2.0
// Builds one log line by hand, in either format, at the end of a buffer:
//   json  {"time":"…","level":"info","message":"…","key":value,…}
//   text  2026-01-31T08:15:30.042Z info  message key=value …
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy {

// An access line has some twenty pieces: they are put together in a room of its own, and appended at once. Where a key
// is a literal its bytes are stored with the code, without a copy from elsewhere.
class Line {
 public:
  // `out` must outlive the line; finish() ends it. Nothing is in `out` for certain before.
  Line(std::string& out, config::LogFormat, TimeChars, std::string_view level, std::string_view message);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  template <std::size_t Size>
  Line& text(const char (&key)[Size], std::string_view value) {
    return begin(key).put_string(value);
  }
  template <std::size_t Size>
  Line& number(const char (&key)[Size], std::int64_t value) {
    return begin(key).put_signed(value);
  }
  template <std::size_t Size>
  Line& count(const char (&key)[Size], std::uint64_t value) {
    return begin(key).put_unsigned(value);
  }
  template <std::size_t Size>
  Line& milliseconds(const char (&key)[Size], std::chrono::nanoseconds taken) {  // three decimals
    return begin(key).put_milliseconds(taken);
  }
  // ["a","b"] in JSON, a,b in text. Words have nothing to escape.
  template <std::size_t Size>
  Line& words(const char (&key)[Size], std::span<const std::string_view> words) {
    return begin(key).put_words(words);
  }

  Line& text(std::string_view key, std::string_view value);
  Line& number(std::string_view key, std::int64_t);
  Line& real(std::string_view key, double);  // JSON has no infinity: null
  Line& boolean(std::string_view key, bool);
  void finish();

 private:
  static constexpr std::size_t kPunctuation = 4;  // of a key

  template <std::size_t Size>
  char* put_key(char* at, const char (&key)[Size]) const {
    constexpr std::size_t kLength = Size - 1;
    if (!json_) {
      *at = ' ';
      std::memcpy(at + 1, key, kLength);
      at[1 + kLength] = '=';
      return at + 2 + kLength;
    }
    at[0] = ',';
    at[1] = '"';
    std::memcpy(at + 2, key, kLength);
    at[2 + kLength] = '"';
    at[3 + kLength] = ':';
    return at + 4 + kLength;
  }
  template <std::size_t Size>
  Line& begin(const char (&key)[Size]) {
    if (has_room(Size + kPunctuation))
      used_ = static_cast<std::size_t>(put_key(room_.data() + used_, key) - room_.data());
    else
      begin(std::string_view(key));
    return *this;
  }
  Line& begin(std::string_view key);
  Line& put_string(std::string_view);  // with quotes, escaped
  Line& put_signed(std::int64_t);
  Line& put_unsigned(std::uint64_t);
  Line& put_milliseconds(std::chrono::nanoseconds);
  Line& put_words(std::span<const std::string_view>);
  void put(std::string_view);
  template <std::size_t Before, std::size_t After>
  void put(const char (&before)[Before], std::string_view, const char (&after)[After]);
  template <class Number>
  void put_number(Number);
  // False: there never are so many free, even behind a spill().
  bool has_room(std::size_t size) { return size <= room_.size() - used_ || spill_for(size); }
  bool spill_for(std::size_t);
  void spill();

  std::string& out_;
  const bool json_;
  std::size_t used_ = 0;
  std::array<char, 1024> room_;
};

}  // namespace fusewire::proxy
