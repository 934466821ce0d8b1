// SPDX-License-Identifier: Apache-2.0
// Notices as the webhooks' thread makes them of events.
#pragma once

#include <string>

#include "proxy/webhooks/notice.hpp"

namespace fusewire::testing {

inline constexpr std::chrono::sys_seconds kMorning{std::chrono::seconds(1'769'847'330)};  // 2026-01-31T08:15:30Z

inline proxy::Notice notice(const std::string& breaker, const breaker::Event& event, std::uint64_t id = 1) {
  proxy::Notice made;
  made.logged = {id, kMorning, breaker, event};
  made.event = proxy::webhook_event(event).value();
  made.since = kMorning;
  return made;
}

inline proxy::Notice opened(const std::string& breaker = "orders", std::uint64_t id = 1) {
  breaker::Event event{.from = breaker::State::closed, .to = breaker::State::open};
  breaker::Trip& trip = event.trip.emplace();
  trip.reason = breaker::Reason::consecutive_failures;
  trip.value = trip.threshold = 5;
  trip.open_for = std::chrono::milliseconds(29'700);
  return notice(breaker, event, id);
}
inline proxy::Notice half_opened(const std::string& breaker = "orders", std::uint64_t id = 1) {
  return notice(breaker, {.from = breaker::State::open, .to = breaker::State::half_open}, id);
}
inline proxy::Notice closed(const std::string& breaker = "orders", std::uint64_t id = 1) {
  return notice(breaker, {.from = breaker::State::half_open, .to = breaker::State::closed}, id);
}

}  // namespace fusewire::testing
