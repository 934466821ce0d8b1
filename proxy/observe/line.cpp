// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/line.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "proxy/text/json_text.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy {
namespace {

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

Line::Line(std::string& out, config::LogFormat format, std::chrono::system_clock::time_point at, std::string_view level,
           std::string_view message)
    : out_(out), json_(format == config::LogFormat::json) {
  if (json_) {
    out_ += R"({"time":")";
    append_time(out_, at);
    out_ += R"(","level":")";
    out_ += level;
    out_ += R"(","message":)";
    append_json(out_, message);
    return;
  }
  append_time(out_, at);
  out_ += ' ';
  out_ += level;
  out_.append(level.size() < 6 ? 6 - level.size() : 1, ' ');
  // The quotes that append_json puts around the message are only needed where it has something to escape.
  const std::size_t start = out_.size();
  append_json(out_, message);
  if (out_.size() == start + message.size() + 2) out_.erase(start, 1).pop_back();
}

Line& Line::text(std::string_view name, std::string_view value) {
  key(name);
  append_json(out_, value);
  return *this;
}

Line& Line::number(std::string_view name, std::int64_t value) {
  key(name);
  append_number(out_, value);
  return *this;
}

Line& Line::count(std::string_view name, std::uint64_t value) {
  key(name);
  append_number(out_, value);
  return *this;
}

Line& Line::real(std::string_view name, double value) {
  if (!std::isfinite(value)) return raw(name, "null");
  key(name);
  append_number(out_, value);
  return *this;
}

Line& Line::boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }

Line& Line::milliseconds(std::string_view name, std::chrono::nanoseconds taken) {
  key(name);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(taken).count();
  append_number(out_, micros / 1000);
  const auto rest = static_cast<unsigned>(micros < 0 ? 0 : micros % 1000);
  out_ += '.';
  for (const unsigned digit : {rest / 100, rest / 10 % 10, rest % 10}) out_ += static_cast<char>('0' + digit);
  return *this;
}

Line& Line::raw(std::string_view name, std::string_view value) {
  key(name);
  out_ += value;
  return *this;
}

void Line::finish() { out_ += json_ ? "}\n" : "\n"; }

void Line::key(std::string_view name) {
  out_ += json_ ? ",\"" : " ";
  out_ += name;
  out_ += json_ ? "\":" : "=";
}

}  // namespace fusewire::proxy
