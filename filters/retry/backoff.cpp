// SPDX-License-Identifier: Apache-2.0
#include "filters/retry/backoff.hpp"

#include <algorithm>
#include <string_view>

#include "filters/http_date.hpp"

namespace fusewire {
namespace {

constexpr std::int64_t kMaxWait = std::int64_t{1} << 31;  // ms, 24 days: a product with 32 random bits fits 64

// base x 2^n, up to max.
std::int64_t ceiling(std::int64_t base, std::int64_t max, unsigned n) noexcept {
  max = std::clamp<std::int64_t>(max, 0, kMaxWait - 1);
  if (base <= 0) return 0;
  return n >= 31 || base > (max >> n) ? max : base << n;
}

// Digits alone. What is beyond the bound is cut at once, so no number is too long.
std::optional<milliseconds> delta_seconds(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::int64_t seconds = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    seconds = std::min<std::int64_t>(seconds * 10 + (c - '0'), kMaxRetryAfter.count());
  }
  return std::chrono::seconds(seconds);
}

// Whole seconds are compared first: the distance of two dates in nanoseconds would not fit.
std::optional<milliseconds> until_date(std::string_view text, WallTime now) noexcept {
  const HttpTime this_second = std::chrono::floor<std::chrono::seconds>(now);
  const std::optional<HttpTime> date = parse_http_date(text, this_second);
  if (!date) return std::nullopt;
  const auto left = std::clamp(*date - this_second, std::chrono::seconds(0), kMaxRetryAfter);
  const auto passed = std::chrono::floor<milliseconds>(now - this_second);
  return std::max<milliseconds>(left - passed, milliseconds(0));
}

}  // namespace

milliseconds full_jitter(milliseconds base, milliseconds max, unsigned n, std::uint64_t random) noexcept {
  const auto values = static_cast<std::uint64_t>(ceiling(base.count(), max.count(), n)) + 1;
  return milliseconds(static_cast<std::int64_t>((random >> 32) * values >> 32));
}

std::optional<milliseconds> retry_after(const Fields& fields, WallTime now) noexcept {
  std::optional<milliseconds> longest;
  for (const Field& field : fields) {
    if (!iequals(field.name, "retry-after")) continue;
    auto wish = delta_seconds(field.value);
    if (!wish) wish = until_date(field.value, now);
    if (wish) longest = std::max(longest.value_or(*wish), *wish);
  }
  return longest;
}

}  // namespace fusewire
