// SPDX-License-Identifier: Apache-2.0
#include "proxy/text/time_text.hpp"

#include <utility>

namespace fusewire::proxy {
namespace {

// The last `width` decimal digits of `value`, padded with zeros.
void put(char* at, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

TimeChars time_chars(std::chrono::system_clock::time_point at) {
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(at);
  const auto day = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{whole - day};
  TimeChars text = {'0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0',
                    '0', ':', '0', '0', ':', '0', '0', '.', '0', '0', '0', 'Z'};
  put(&text[0], static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put(&text[5], static_cast<unsigned>(date.month()), 2);
  put(&text[8], static_cast<unsigned>(date.day()), 2);
  put(&text[11], static_cast<unsigned>(time.hours().count()), 2);
  put(&text[14], static_cast<unsigned>(time.minutes().count()), 2);
  put(&text[17], static_cast<unsigned>(time.seconds().count()), 2);
  put(&text[20], static_cast<unsigned>(time.subseconds().count()), 3);
  return text;
}

const TimeChars& TimeText::chars(std::chrono::system_clock::time_point at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  if (std::exchange(second_, second) != second) return chars_ = time_chars(at);
  put(&chars_[20], static_cast<unsigned>(std::chrono::floor<std::chrono::milliseconds>(at - second).count()), 3);
  return chars_;
}

void append_time(std::string& out, std::chrono::system_clock::time_point at) {
  const auto text = time_chars(at);
  out.append(text.data(), text.size());
}

}  // namespace fusewire::proxy
