// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/retry_plan.hpp"

#include <algorithm>
#include <charconv>

#include "filters/http_date.hpp"

namespace fusewire::proxy {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds kFirst = 500ms;
constexpr milliseconds kLongest = 30s;
constexpr milliseconds kLongestAsked = 60s;

// Seconds or a date (RFC 9110 §10.2.3); 0 where it is neither.
milliseconds asked(std::string_view text, WallTime now) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size())
    return std::min<milliseconds>(std::chrono::seconds(seconds), kLongestAsked);
  const auto today = std::chrono::floor<std::chrono::seconds>(now);
  const auto date = parse_http_date(text, today);
  if (!date) return 0ms;
  return std::clamp<milliseconds>(*date - today, 0ms, kLongestAsked);
}

}  // namespace

AttemptEnd judge_attempt(int status) {
  if (status >= 200 && status < 300) return AttemptEnd::taken;
  const bool passing = status == 0 || status == 408 || status == 429 || status >= 500;
  return passing ? AttemptEnd::again : AttemptEnd::refused;
}

milliseconds pause_after(std::uint32_t attempt, std::string_view retry_after, double random, WallTime now) {
  const milliseconds whole = std::min(kLongest, kFirst * (1U << std::min(attempt - 1, 10U)));
  const auto half = static_cast<double>(whole.count()) / 2;
  const milliseconds own(static_cast<std::int64_t>(half + half * random));
  return std::max(own, asked(retry_after, now));
}

}  // namespace fusewire::proxy
