// SPDX-License-Identifier: Apache-2.0
#include "config/scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fusewire::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr Unit kTimes[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"GiB", 1ULL << 30},
                           {"MiB", 1ULL << 20},
                           {"KiB", 1ULL << 10},
                           {"GB", 1'000'000'000},
                           {"MB", 1'000'000},
                           {"KB", 1000},
                           {"B", 1}};
// Ten years: far beyond use, and safe to add to any clock.
constexpr std::uint64_t kLongestTime = 87'600ULL * 3'600'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_of(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

// digits[.digits] × factor, exact or nothing.
std::optional<std::uint64_t> scale(std::string_view decimal, std::uint64_t factor) {
  const std::string_view whole = decimal.substr(0, digits_of(decimal));
  const std::optional<std::uint64_t> units = parse_count(whole);
  std::uint64_t total = 0;
  if (!units || __builtin_mul_overflow(*units, factor, &total)) return std::nullopt;
  if (whole.size() == decimal.size()) return total;
  constexpr std::size_t kMaxDecimals = 9;
  const std::string_view fraction = decimal.substr(whole.size() + 1);
  if (decimal[whole.size()] != '.' || fraction.size() > kMaxDecimals) return std::nullopt;
  const std::optional<std::uint64_t> parts = parse_count(fraction);
  if (!parts) return std::nullopt;
  std::uint64_t divisor = 1;
  for (std::size_t i = 0; i < fraction.size(); ++i) divisor *= 10;
  if (*parts * factor % divisor != 0) return std::nullopt;
  if (__builtin_add_overflow(total, *parts * factor / divisor, &total)) return std::nullopt;
  return total;
}

template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const Unit (&units)[N]) {
  const auto letter = std::find_if(text.begin(), text.end(), [](char c) { return !is_digit(c) && c != '.'; });
  const auto split = static_cast<std::size_t>(letter - text.begin());
  for (const Unit& unit : units)
    if (unit.name == text.substr(split)) return scale(text.substr(0, split), unit.factor);
  return std::nullopt;
}

template <std::size_t N>
std::string format_with_unit(std::uint64_t value, const Unit (&units)[N]) {
  for (const Unit& unit : units)
    if (value % unit.factor == 0) return std::to_string(value / unit.factor) + std::string(unit.name);
  return std::to_string(value);
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  if (text.empty() || digits_of(text) != text.size()) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  const std::optional<std::uint64_t> value = parse_with_unit(text, kTimes);
  if (!value || *value > kLongestTime) return std::nullopt;
  return milliseconds(static_cast<milliseconds::rep>(*value));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (const auto bytes = parse_count(text)) return bytes;
  return parse_with_unit(text, kSizes);
}

std::string format_number(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), error == std::errc{} ? end : buffer.data()};
}

std::string format_duration(milliseconds value) {
  if (value.count() == 0) return "0s";
  return format_with_unit(static_cast<std::uint64_t>(value.count()), kTimes);
}

std::string format_size(std::uint64_t value) {
  constexpr Unit kBinary[] = {kSizes[0], kSizes[1], kSizes[2]};
  return value == 0 ? "0" : format_with_unit(value, kBinary);
}

std::optional<unsigned> parse_file_mode(std::string_view text) {
  if (text.size() != 4 || text[0] != '0') return std::nullopt;
  unsigned mode = 0;
  for (const char c : text.substr(1)) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  return mode;
}

std::string format_file_mode(unsigned mode) {
  std::string text = "0000";
  for (std::size_t i = 3; i > 0; --i, mode /= 8) text[i] = static_cast<char>('0' + mode % 8);
  return text;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kOther.find(c) != std::string_view::npos;
  });
}

bool is_request_path(std::string_view text) {
  constexpr std::string_view kUnsafe = "\"#<>\\^`{|}";
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [&](char c) {
           return c > ' ' && c <= '~' && kUnsafe.find(c) == std::string_view::npos;
         });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return c == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

}  // namespace fusewire::config
