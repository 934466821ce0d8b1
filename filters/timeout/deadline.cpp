// SPDX-License-Identifier: Apache-2.0
#include "filters/timeout/deadline.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace fusewire {
namespace {

// Digits only; nullopt for anything else. Saturates on overflow.
std::optional<std::uint64_t> parse_ms(std::string_view text) noexcept {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t ms = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), ms).ec != std::errc{}) return UINT64_MAX;
  return ms;
}

}  // namespace

std::optional<std::uint64_t> client_deadline_ms(const Call& call) noexcept {
  std::optional<std::uint64_t> shortest;
  const std::string& name = call.timeouts->deadline_header;
  if (name.empty() || !call.context->deadline_trusted) return shortest;
  for (const Field& field : call.context->request->fields) {
    if (!iequals(field.name, name)) continue;
    const auto ms = parse_ms(field.value);
    if (ms && (!shortest || *ms < *shortest)) shortest = ms;
  }
  return shortest;
}

milliseconds total_of(const Call& call, std::optional<std::uint64_t> asked) noexcept {
  const milliseconds configured = call.timeouts->total;
  if (!asked || *asked >= static_cast<std::uint64_t>(configured.count())) return configured;
  return milliseconds(static_cast<milliseconds::rep>(*asked));
}

bool has_little_time(const Call& call, Time now) noexcept {
  const Time until = call.gone_by != kNever ? call.gone_by : call.total_at;
  return until != kNever && until - now < std::min(call.timeouts->total, call.timeouts->response) / 2;
}

std::optional<std::uint64_t> remaining_deadline_ms(const Call& call, Time now) noexcept {
  if (call.total_at == kNever || !call.deadline_asked) return std::nullopt;
  const auto left = std::chrono::floor<milliseconds>(call.total_at - now).count();
  return static_cast<std::uint64_t>(std::max<milliseconds::rep>(left, 1));  // 0 would say that it was over before
}

}  // namespace fusewire
