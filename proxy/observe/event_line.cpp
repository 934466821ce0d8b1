// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/event_line.hpp"

#include <cstdint>
#include <vector>

#include "proxy/observe/log.hpp"

namespace fusewire::proxy {
namespace {

using breaker::to_string;
using log::Pair;

std::int64_t integer(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void add_trip(std::vector<Pair>& pairs, const breaker::Trip& trip) {
  pairs.insert(pairs.end(), {{"reason", to_string(trip.reason)},
                             {"value", trip.value},
                             {"threshold", trip.threshold},
                             {"window_calls", integer(trip.window.ended)},
                             {"window_failures", integer(trip.window.failures)},
                             {"window_judged", integer(trip.window.judged)},
                             {"window_slow", integer(trip.window.slow)},
                             {"consecutive_failures", std::int64_t{trip.consecutive_failures}},
                             {"consecutive_slow_calls", std::int64_t{trip.consecutive_slow_calls}},
                             {"open_for_ms", std::int64_t{trip.open_for.count()}}});
}

void write_transition(std::string_view breaker, const breaker::Event& event) {
  std::vector<Pair> pairs = {{"breaker", breaker}, {"from", to_string(event.from)}, {"to", to_string(event.to)}};
  if (event.trip) add_trip(pairs, *event.trip);
  const bool bad_news = event.to == breaker::State::open;
  log::write(bad_news ? config::LogLevel::warn : config::LogLevel::info, "circuit breaker transition", pairs);
}

}  // namespace

void write_event_line(std::string_view breaker, const breaker::Event& event) {
  std::vector<Pair> pairs = {{"breaker", breaker}};
  switch (event.kind) {
    case breaker::Event::Kind::transition:
      return write_transition(breaker, event);
    case breaker::Event::Kind::override_set:
      pairs.push_back({"override", to_string(event.override_state)});
      if (event.override_for) pairs.push_back({"for_ms", std::int64_t{event.override_for->count()}});
      return log::write(config::LogLevel::warn, "circuit breaker override", pairs);
    case breaker::Event::Kind::override_ended:
      pairs.push_back({"cause", event.override_for ? "expired" : "released"});
      return log::write(config::LogLevel::info, "circuit breaker released", pairs);
    case breaker::Event::Kind::reset:
      return log::write(config::LogLevel::info, "circuit breaker reset", pairs);
    case breaker::Event::Kind::rejection:
    case breaker::Event::Kind::result:
      return;
  }
}

}  // namespace fusewire::proxy
