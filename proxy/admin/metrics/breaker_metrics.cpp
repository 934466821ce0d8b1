// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/breaker_metrics.hpp"

#include <array>
#include <chrono>

namespace fusewire::proxy {
namespace {

using breaker::State;
using Samples = std::vector<BreakerSample>;

constexpr std::array kStates = {State::closed, State::open, State::half_open};

// The transitions there are; open -> closed is a reset.
constexpr std::array<std::pair<State, State>, 5> kTransitions = {{{State::closed, State::open},
                                                                  {State::open, State::half_open},
                                                                  {State::open, State::closed},
                                                                  {State::half_open, State::open},
                                                                  {State::half_open, State::closed}}};

constexpr std::array<const char*, 3> kOutcomes = {"success", "failure", "timeout"};     // UpstreamCells::Latency
constexpr std::array<const char*, 3> kFallbackTypes = {"cache", "upstream", "static"};  // UpstreamCells::fallback
constexpr std::array<const char*, 3> kFallbackResults = {"hit", "miss", "error"};

constexpr std::array<std::pair<config::Mode, const char*>, 3> kModes = {
    {{config::Mode::enforce, "enforce"}, {config::Mode::shadow, "shadow"}, {config::Mode::disabled, "disabled"}}};

// Alerts look at the open interval: it counts only where calls are rejected because of it.
bool rejects_while_open(const breaker::Snapshot& snapshot) {
  return snapshot.mode == config::Mode::enforce && snapshot.override_state != breaker::Override::forced_closed;
}

std::size_t index(State state) { return static_cast<std::size_t>(state); }
std::string text(std::string_view word) { return std::string(word); }
double seconds(breaker::milliseconds span) { return std::chrono::duration<double>(span).count(); }
double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// One gauge a breaker.
template <class Read>
void append_gauge(Families& out, const Samples& samples, const char* name, const char* help, Read read) {
  Family family = Family::gauge(name, help);
  for (const BreakerSample& sample : samples)
    family.add({{"name", sample.name}}, static_cast<double>(read(sample.snapshot)));
  family.into(out);
}

void append_state(Families& out, const Samples& samples) {
  append_gauge(out, samples, "circuit_breaker_state", "State of the breaker: 0 closed, 1 open, 2 half-open.",
               [](const auto& s) { return index(s.state); });
  append_gauge(out, samples, "circuit_breaker_override", "Override: 0 none, 1 forced_open, 2 forced_closed.",
               [](const auto& s) { return static_cast<int>(s.override_state); });
  append_gauge(out, samples, "circuit_breaker_open_remaining_seconds",
               "Time until the breaker allows a trial; 0 unless it is open and rejects.",
               [](const auto& s) { return rejects_while_open(s) ? seconds(s.open_remaining) : 0; });
}

void append_mode(Families& out, const Samples& samples) {
  Family family = Family::gauge("circuit_breaker_mode", "1 for the mode that is in force, 0 for the others.");
  for (const BreakerSample& sample : samples)
    for (const auto& [mode, word] : kModes)
      family.add({{"name", sample.name}, {"mode", word}}, sample.snapshot.mode == mode ? 1.0 : 0.0);
  family.into(out);
}

void append_window(Families& out, const Samples& samples) {
  append_gauge(out, samples, "circuit_breaker_failures", "Failures in the window; while half-open, of the trial calls.",
               [](const auto& s) -> std::uint64_t {
                 return s.state == State::half_open ? s.half_open.failures : s.window.failures;
               });
  append_gauge(out, samples, "circuit_breaker_successes",
               "Successes in the window; while half-open, of the trial calls.", [](const auto& s) -> std::uint64_t {
                 return s.state == State::half_open ? s.half_open.successes : s.window.ended - s.window.failures;
               });
  append_gauge(out, samples, "circuit_breaker_failure_rate", "Share of failures among the calls ended in the window.",
               [](const auto& s) { return ratio(s.window.failures, s.window.ended); });
  append_gauge(out, samples, "circuit_breaker_slow_call_rate",
               "Share of slow calls among those judged for slowness in the window.",
               [](const auto& s) { return ratio(s.window.slow, s.window.judged); });
}

// A rate that is off has no threshold, and so no series.
void append_thresholds(Families& out, const Samples& samples) {
  Family family =
      Family::gauge("circuit_breaker_failure_rate_threshold", "The failure rate at which the breaker opens.");
  for (const BreakerSample& sample : samples)
    if (const auto& rate = sample.config->detection.failure_rate) family.add({{"name", sample.name}}, *rate);
  family.into(out);
}

void append_calls(Families& out, const Samples& samples) {
  Family calls = Family::counter("circuit_breaker_requests_total", "Calls by what the breaker made of them.");
  Family would = Family::counter("circuit_breaker_would_reject_total",
                                 "Calls let through in shadow mode that would have been rejected.");
  for (const auto& [name, snapshot, config, cells] : samples) {
    calls.add({{"name", name}, {"result", "success"}}, snapshot.totals.success)
        .add({{"name", name}, {"result", "failure"}}, snapshot.totals.failure)
        .add({{"name", name}, {"result", "neutral"}}, snapshot.totals.neutral)
        .add({{"name", name}, {"result", "rejected"}}, snapshot.totals.rejected);
    would.add({{"name", name}}, snapshot.totals.would_reject);
  }
  calls.into(out);
  would.into(out);
}

void append_history(Families& out, const Samples& samples) {
  Family transitions = Family::counter("circuit_breaker_transitions_total", "Changes of state.");
  Family trips = Family::counter("circuit_breaker_trips_total", "Times the breaker opened, by reason.");
  Family durations = Family::counter("circuit_breaker_state_duration_seconds_total", "Time spent in each state.");
  for (const auto& [name, snapshot, config, cells] : samples) {
    for (const auto& [from, to] : kTransitions)
      transitions.add({{"name", name}, {"from", text(to_string(from))}, {"to", text(to_string(to))}},
                      snapshot.transitions[index(from)][index(to)]);
    for (std::size_t reason = 0; reason < breaker::kReasons; ++reason)
      trips.add({{"name", name}, {"reason", text(to_string(static_cast<breaker::Reason>(reason)))}},
                snapshot.trips_by_reason[reason]);
    for (const State state : kStates)
      durations.add({{"name", name}, {"state", text(to_string(state))}}, seconds(snapshot.time_in_state[index(state)]));
  }
  transitions.into(out);
  trips.into(out);
  durations.into(out);
}

void append_latency(Families& out, const Samples& samples) {
  Family latency = Family::histogram("circuit_breaker_latency_seconds", "Duration of calls, from permit to end.");
  for (const auto& sample : samples)
    for (std::size_t i = 0; sample.cells != nullptr && i < kOutcomes.size(); ++i)
      latency.add_durations({{"name", sample.name}, {"outcome", kOutcomes[i]}}, *sample.cells,
                            [i](const UpstreamCells& cells) -> const DurationCells& { return cells.latency[i]; });
  latency.into(out);
}

void append_fallback(Families& out, const Samples& samples) {
  Family runs = Family::counter("circuit_breaker_fallback_executions_total", "Steps of fallback chains that ran.");
  for (const auto& sample : samples)
    for (std::size_t type = 0; sample.cells != nullptr && type < kFallbackTypes.size(); ++type)
      for (std::size_t result = 0; result < kFallbackResults.size(); ++result)
        runs.add({{"name", sample.name}, {"type", kFallbackTypes[type]}, {"result", kFallbackResults[result]}},
                 sample.cells->sum([=](const UpstreamCells& cells) { return cells.fallback[type][result].value(); }));
  runs.into(out);
}

}  // namespace

void append_breaker_families(Families& out, const Samples& samples) {
  append_state(out, samples);
  append_mode(out, samples);
  append_window(out, samples);
  append_thresholds(out, samples);
  append_calls(out, samples);
  append_history(out, samples);
  append_latency(out, samples);
  append_fallback(out, samples);
}

}  // namespace fusewire::proxy
