// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/json_views.hpp"

#include <algorithm>
#include <cmath>

#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;
using breaker::State;
using breaker::to_string;

// To six decimals: ratios and thresholds.
double fine(double value) { return std::round(value * 1e6) / 1e6; }

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : fine(static_cast<double>(part) / static_cast<double>(whole));
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::array strings(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

json::array diagnostics(const std::vector<config::Diagnostic>& list) {
  json::array out;
  for (const config::Diagnostic& diagnostic : list) out.emplace_back(diagnostic.to_string());
  return out;
}

json::value last_trip(const breaker::Snapshot& snapshot, Moment now) {
  if (!snapshot.last_trip) return nullptr;
  json::object view = trip_figures(*snapshot.last_trip);
  const auto ago = std::chrono::duration_cast<std::chrono::system_clock::duration>(now.steady - snapshot.last_trip->at);
  view["at"] = time_text(now.wall - ago);
  return view;
}

json::object window(const breaker::Snapshot& snapshot) {
  const breaker::WindowFigures& figures = snapshot.window;
  json::object view = {{"calls", figures.ended},
                       {"failures", figures.failures},
                       {"judged", figures.judged},
                       {"slow", figures.slow},
                       {"failure_rate", ratio(figures.failures, figures.ended)},
                       {"slow_call_rate", ratio(figures.slow, figures.judged)},
                       {"consecutive_failures", snapshot.consecutive_failures},
                       {"consecutive_slow_calls", snapshot.consecutive_slow_calls}};
  if (snapshot.failure_count) view["failure_count"] = *snapshot.failure_count;
  return view;
}

json::object half_open(const BreakerFacts& facts) {
  const auto& figures = facts.snapshot.half_open;
  const bool is_half_open = facts.snapshot.state == breaker::State::half_open;
  return {{"in_flight", figures.in_flight},
          {"max_calls", is_half_open ? figures.slots : facts.config->recovery.half_open_max_calls},
          {"successes", figures.successes},
          {"failures", figures.failures}};
}

json::object totals(const breaker::Totals& t) {
  return {{"successes", t.success}, {"failures", t.failure},          {"neutral", t.neutral},
          {"rejected", t.rejected}, {"would_reject", t.would_reject}, {"trips", t.trips}};
}

json::object window_thresholds(const config::Window& window) {
  if (window.type == config::WindowType::count_based) return {{"type", "count_based"}, {"size", window.size}};
  return {{"type", "time_based"}, {"duration_ms", window.duration.count()}};
}

json::value consecutive(const std::optional<config::Consecutive>& row) {
  return row ? json::value(row->threshold) : nullptr;
}

// A detector that is off is null.
json::object thresholds(const config::CircuitBreaker& config) {
  const config::Detection& detection = config.detection;
  json::object view = {{"consecutive_failures", consecutive(detection.consecutive_failures)},
                       {"consecutive_slow_calls", nullptr},
                       {"failure_count", nullptr},
                       {"failure_rate", or_null(detection.failure_rate)},
                       {"slow_call_rate", nullptr},
                       {"minimum_calls", detection.minimum_calls},
                       {"window", window_thresholds(detection.window)},
                       {"open_timeout_ms", config.transitions.open_timeout.count()},
                       {"half_open_max_calls", config.recovery.half_open_max_calls},
                       {"success_threshold", config.recovery.success_threshold}};
  if (const auto& count = detection.failure_count)
    view["failure_count"] = {{"threshold", count->threshold}, {"window_ms", count->window.count()}};
  if (const auto& slow = detection.slow_call_rate) {
    view["consecutive_slow_calls"] = consecutive(detection.consecutive_slow_calls);
    view["slow_call_rate"] = {{"threshold", slow->threshold},
                              {"slower_than_ms", slow->slower_than.count()},
                              {"measure", slow->measure == config::Measure::head ? "head" : "body"}};
  }
  return view;
}

std::string_view mode_name(config::Mode mode) {
  switch (mode) {
    case config::Mode::shadow:
      return "shadow";
    case config::Mode::disabled:
      return "disabled";
    case config::Mode::enforce:
      break;
  }
  return "enforce";
}

enum class Standing { passing, on_trial, stopped };

// As calls meet the breaker: in shadow mode nothing is stopped, an override goes before the state.
Standing standing(const breaker::Snapshot& snapshot) {
  if (snapshot.mode != config::Mode::enforce) return Standing::passing;
  if (snapshot.override_state == breaker::Override::forced_closed) return Standing::passing;
  if (snapshot.override_state == breaker::Override::forced_open) return Standing::stopped;
  if (snapshot.state == State::closed) return Standing::passing;
  const bool interval_over = snapshot.state == State::open && snapshot.open_remaining.count() == 0;
  return snapshot.state == State::half_open || interval_over ? Standing::on_trial : Standing::stopped;
}

}  // namespace

double rounded(double value) { return std::round(value * 1000) / 1000; }

json::object breaker_view(const BreakerFacts& facts, Moment now) {
  const breaker::Snapshot& snapshot = facts.snapshot;
  const auto in_state = std::chrono::duration_cast<std::chrono::milliseconds>(now.steady - snapshot.state_since);
  json::object view = {{"name", facts.name},
                       {"state", to_string(snapshot.state)},
                       {"override", to_string(snapshot.override_state)},
                       {"mode", mode_name(snapshot.mode)},
                       {"generation", snapshot.generation},
                       {"last_trip", last_trip(snapshot, now)},
                       {"time_in_state_ms", in_state.count()},
                       {"window", window(snapshot)},
                       {"half_open", half_open(facts)},
                       {"totals", totals(snapshot.totals)},
                       {"thresholds", thresholds(*facts.config)}};
  if (snapshot.retry_after) view["retry_after_ms"] = snapshot.retry_after->count();
  if (snapshot.time_in_override) view["time_in_override_ms"] = snapshot.time_in_override->count();
  if (facts.override_end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*facts.override_end - now.steady);
    view["override_remaining_ms"] = std::max<std::int64_t>(0, left.count());
  }
  json::array events;
  for (const LoggedEvent& event : facts.last_transitions) events.push_back(event_view(event));
  view["last_transitions"] = std::move(events);
  return view;
}

json::object forced_view(const BreakerFacts& facts, Moment now) {
  json::object view = breaker_view(facts, now);
  const bool takes_effect = facts.snapshot.mode == config::Mode::enforce;
  view["takes_effect"] = takes_effect;
  if (!takes_effect)
    view["note"] = "the breaker's mode is " + std::string(mode_name(facts.snapshot.mode)) +
                   ": nothing is rejected, whatever its state or override";
  return view;
}

json::object brief_view(const BreakerFacts& facts) {
  const breaker::Snapshot& snapshot = facts.snapshot;
  json::object view = {{"name", facts.name},
                       {"state", to_string(snapshot.state)},
                       {"override", to_string(snapshot.override_state)},
                       {"mode", mode_name(snapshot.mode)}};
  if (snapshot.retry_after) view["retry_after_ms"] = snapshot.retry_after->count();
  return view;
}

std::string_view verdict(const std::vector<BreakerFacts>& all) {
  const auto count = [&all](Standing wanted) {
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [wanted](const BreakerFacts& f) { return standing(f.snapshot) == wanted; }));
  };
  if (count(Standing::passing) == all.size()) return "healthy";
  return count(Standing::stopped) == all.size() ? "unhealthy" : "degraded";
}

json::object reload_view(const ReloadReport& report) {
  return {{"successful", report.successful},      {"trigger", report.trigger},
          {"at", time_text(report.at)},           {"errors", strings(report.errors)},
          {"warnings", strings(report.warnings)}, {"kept", strings(report.kept)},
          {"changed", strings(report.changed)},   {"added", strings(report.added)},
          {"removed", strings(report.removed)},   {"emptied", strings(report.emptied)}};
}

json::object check_view(const config::LoadResult& result) {
  return {{"valid", result.errors.empty()},
          {"errors", diagnostics(result.errors)},
          {"warnings", diagnostics(result.warnings)}};
}

}  // namespace fusewire::proxy::admin
