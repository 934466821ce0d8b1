// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/report.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <vector>

#include "config/printable.hpp"
#include "proxy/cli/number_text.hpp"

namespace fusewire::cli {
namespace {

namespace json = boost::json;

using Row = std::vector<std::string>;

std::string text(const json::value& value) {
  if (value.is_null()) return "-";
  return config::printable(value.is_string() ? std::string(value.get_string()) : json::serialize(value));
}

std::string number(const json::value& value) {
  std::array<char, 32> digits{};
  const int n = std::snprintf(digits.data(), digits.size(), "%.4g", value.to_number<double>());
  return {digits.data(), static_cast<std::size_t>(n)};
}

// "consecutive_failures (5 of 5)"
std::string reason(const json::object& trip) {
  return text(trip.at("reason")) + " (" + number(trip.at("value")) + " of " + number(trip.at("threshold")) + ")";
}

std::int64_t milliseconds_of(const json::value& value) { return value.to_number<std::int64_t>(); }

bool is_enforced(const json::object& breaker) { return text(breaker.at("mode")) == "enforce"; }

bool is_rejecting(const json::object& breaker) {
  const std::string override_name = text(breaker.at("override"));
  if (!is_enforced(breaker) || override_name == "forced_closed") return false;
  if (override_name == "forced_open") return true;
  return text(breaker.at("state")) == "open" && milliseconds_of(breaker.at("retry_after_ms")) > 0;
}

// In shadow mode what would have been rejected.
std::string rejected(const json::object& breaker) {
  const json::value& totals = breaker.at("totals");
  if (text(breaker.at("mode")) == "shadow") return text(totals.at("would_reject")) + " (would)";
  return text(totals.at("rejected"));
}

Row row_of(const json::object& breaker) {
  const json::object& window = breaker.at("window").as_object();
  const json::object& totals = breaker.at("totals").as_object();
  return {text(breaker.at("name")),
          state_text(breaker),
          since_text(breaker),
          next_text(breaker),
          text(window.at("calls")),
          percent_text(window.at("failure_rate")),
          percent_text(window.at("slow_call_rate")),
          rejected(breaker),
          text(totals.at("trips")),
          last_trip_text(breaker)};
}

// `tones`: of each row's second cell.
std::string aligned(const std::vector<Row>& rows, Paint paint = Paint(), const std::vector<Tone>& tones = {}) {
  std::string out;
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const Row& row = rows[n];
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      out += paint(i == 1 && n < tones.size() ? tones[n] : Tone::plain, row[i]) +
             std::string(widths[i] + 2 - row[i].size(), ' ');
    out += row.back() + '\n';
  }
  return out;
}

std::string what_happened(const json::object& event) {
  std::string kind = text(event.at("event"));
  if (kind == "transition") {
    std::string line = text(event.at("from")) + " -> " + text(event.at("to"));
    if (event.contains("reason"))
      line += ": " + reason(event) + ", for " + duration_text(event.at("open_for_ms").to_number<std::int64_t>());
    return line;
  }
  if (kind == "override_set") {
    const json::value* limit = event.if_contains("for_ms");
    return text(event.at("override")) + (limit ? " for " + duration_text(limit->to_number<std::int64_t>()) : "");
  }
  if (kind != "override_ended") return kind;
  const json::value* cause = event.if_contains("cause");
  return cause && text(*cause) == "expired" ? "the override's time is over" : "released";
}

Tone event_tone(const json::object& event) {
  const json::value* to = event.if_contains("to");
  if (to == nullptr) return Tone::plain;
  if (text(*to) == "open") return Tone::bad;
  return text(*to) == "closed" ? Tone::good : Tone::warning;
}

std::string window_line(const json::object& window) {
  return text(window.at("calls")) + " calls, " + percent_text(window.at("failure_rate")) + " failed, " +
         percent_text(window.at("slow_call_rate")) + " slow; " + text(window.at("consecutive_failures")) +
         " failures in a row";
}

std::string half_open_line(const json::object& breaker) {
  const json::object& figures = breaker.at("half_open").as_object();
  return text(figures.at("in_flight")) + " of " + text(figures.at("max_calls")) + " slots in use, " +
         text(figures.at("successes")) + " of " + text(breaker.at("thresholds").at("success_threshold")) +
         " successes, " + text(figures.at("failures")) + " failures";
}

std::string totals_line(const json::object& totals) {
  return text(totals.at("successes")) + " successes, " + text(totals.at("failures")) + " failures, " +
         text(totals.at("neutral")) + " neutral, " + text(totals.at("rejected")) + " rejected, " +
         text(totals.at("would_reject")) + " would be rejected, " + text(totals.at("trips")) + " trips";
}

std::string state_line(const json::object& breaker) {
  std::string line = state_text(breaker);
  if (text(breaker.at("override")) != "none") line += "; beneath it " + text(breaker.at("state"));
  return is_enforced(breaker) ? line : line + ": nothing is rejected";
}

// "300ms delay for 50 %, status 503 for 10 %; 4m12s left"
std::string fault_words(const json::object& fault) {
  std::string words;
  if (!fault.at("delay_ms").is_null())
    words =
        duration_text(milliseconds_of(fault.at("delay_ms"))) + " delay for " + number(fault.at("delay_percent")) + " %";
  if (const json::value& abort = fault.at("abort"); !abort.is_null())
    words += (words.empty() ? "" : ", ") + (abort.is_string() ? text(abort) : "status " + text(abort)) + " for " +
             number(fault.at("abort_percent")) + " %";
  return words + "; " + duration_text(milliseconds_of(fault.at("remaining_ms"))) + " left";
}

}  // namespace

std::string faults_text(const json::value& answer, std::string_view upstream) {
  std::string line;
  for (const json::value& value : answer.at("faults").as_array()) {
    const json::object& fault = value.as_object();
    if (!upstream.empty() && fault.at("upstream").as_string() != upstream) continue;
    line += (line.empty() ? "faults are injected into " : ", ") + text(fault.at("upstream")) + " (" +
            fault_words(fault) + ')';
  }
  return line;
}

std::string percent_text(const json::value& ratio) { return fixed_text(ratio.to_number<double>() * 100, 0) + '%'; }

// What ends the present state or override.
std::string next_text(const json::object& breaker) {
  if (text(breaker.at("override")) != "none") {
    const json::value* left = breaker.if_contains("override_remaining_ms");
    return left ? "released in " + duration_text(milliseconds_of(*left)) : "until released";
  }
  const std::string state = text(breaker.at("state"));
  if (state == "half_open")
    return text(breaker.at("half_open").at("successes")) + " of " +
           text(breaker.at("thresholds").at("success_threshold")) + " trials succeeded";
  if (state != "open") return "-";
  const std::int64_t left = milliseconds_of(breaker.at("retry_after_ms"));
  return left > 0 ? "trial in " + duration_text(left) : "trial at next request";
}

// An override is shown instead of the state, and a mode that rejects nothing is named.
std::string state_text(const json::object& breaker) {
  std::string shown = text(breaker.at("override"));
  if (shown == "none") shown = text(breaker.at("state"));
  return is_enforced(breaker) ? shown : shown + " (" + text(breaker.at("mode")) + ")";
}

// Since when it does what it does: an override goes before the state beneath it.
std::string since_text(const json::object& breaker) {
  const json::value* in_override = breaker.if_contains("time_in_override_ms");
  return duration_text(milliseconds_of(in_override != nullptr ? *in_override : breaker.at("time_in_state_ms")));
}

std::string last_trip_text(const json::object& breaker) {
  const json::value& trip = breaker.at("last_trip");
  return trip.is_object() ? reason(trip.get_object()) : "-";
}

Tone state_tone(const json::object& breaker) {
  const std::string state = state_text(breaker);
  if (is_rejecting(breaker)) return Tone::bad;
  return state.starts_with("closed") ? Tone::good : Tone::warning;
}

bool rejects(const json::value& value) { return is_rejecting(value.as_object()); }

bool any_rejects(const json::value& answer) {
  const json::array& all = answer.at("circuit_breakers").as_array();
  return std::any_of(all.begin(), all.end(), rejects);
}

std::string breaker_details(const json::value& value) {
  const json::object& breaker = value.as_object();
  const json::value& trip = breaker.at("last_trip");
  const std::vector<Row> rows = {
      {"  state", state_line(breaker)},
      {"  since", since_text(breaker) + " ago"},
      {"  next", next_text(breaker)},
      {"  last trip", trip.is_object() ? reason(trip.get_object()) + ", at " + text(trip.at("at")) : "-"},
      {"  window", window_line(breaker.at("window").as_object())},
      {"  half-open", half_open_line(breaker)},
      {"  totals", totals_line(breaker.at("totals").as_object())}};
  std::string out = text(breaker.at("name")) + '\n' + aligned(rows);
  for (const json::value& event : breaker.at("last_transitions").as_array()) out += "  " + event_line(event);
  return out;
}

std::string breaker_table(const json::value& answer, Paint paint) {
  std::vector<Row> rows = {
      {"NAME", "STATE", "SINCE", "NEXT", "CALLS", "FAILED", "SLOW", "REJECTED", "TRIPS", "LAST TRIP"}};
  std::vector<Tone> tones = {Tone::plain};
  for (const json::value& breaker : answer.at("circuit_breakers").as_array()) {
    rows.push_back(row_of(breaker.as_object()));
    tones.push_back(state_tone(breaker.as_object()));
  }
  return aligned(rows, paint, tones);
}

std::string event_line(const json::value& value, Paint paint) {
  const json::object& event = value.as_object();
  return paint(Tone::faint, text(event.at("at"))) + "  " + text(event.at("breaker")) + "  " +
         paint(event_tone(event), what_happened(event)) + '\n';
}

std::string duration_text(std::int64_t milliseconds) {
  const std::int64_t seconds = milliseconds / 1000;
  if (milliseconds < 1000) return std::to_string(milliseconds) + "ms";
  if (seconds < 60) {
    const std::int64_t tenths = milliseconds / 100 % 10;
    return std::to_string(seconds) + (tenths ? '.' + std::to_string(tenths) : "") + 's';
  }
  const std::int64_t minutes = seconds / 60;
  const auto joined = [](std::int64_t big, const char* unit, std::int64_t small, const char* small_unit) {
    return std::to_string(big) + unit + (small ? std::to_string(small) + small_unit : "");
  };
  if (minutes < 60) return joined(minutes, "m", seconds % 60, "s");
  if (minutes < 48 * 60) return joined(minutes / 60, "h", minutes % 60, "m");
  return joined(minutes / 1440, "d", minutes / 60 % 24, "h");
}

}  // namespace fusewire::cli
