// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/report.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <vector>

namespace fusewire::cli {
namespace {

namespace json = boost::json;

using Row = std::vector<std::string>;

std::string text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return value.is_null() ? "-" : json::serialize(value);
}

std::string number(const json::value& value) {
  std::array<char, 32> digits{};
  const int n = std::snprintf(digits.data(), digits.size(), "%.4g", value.to_number<double>());
  return {digits.data(), static_cast<std::size_t>(n)};
}

std::string percent(const json::value& ratio) {
  std::array<char, 32> digits{};
  const int n = std::snprintf(digits.data(), digits.size(), "%.0f%%", ratio.to_number<double>() * 100);
  return {digits.data(), static_cast<std::size_t>(n)};
}

// "consecutive_failures (5 of 5)"
std::string reason(const json::object& trip) {
  return text(trip.at("reason")) + " (" + number(trip.at("value")) + " of " + number(trip.at("threshold")) + ")";
}

std::string retry(const json::object& breaker) {
  const json::value* left = breaker.if_contains("retry_after_ms");
  if (!left) return "never";
  return left->to_number<std::int64_t>() == 0 ? "-" : duration_text(left->to_number<std::int64_t>());
}

// An override goes before the state, and a mode that rejects nothing is told.
std::string state(const json::object& breaker) {
  std::string shown = text(breaker.at("override"));
  if (shown == "none") shown = text(breaker.at("state"));
  const std::string mode = text(breaker.at("mode"));
  return mode == "enforce" ? shown : shown + " (" + mode + ")";
}

Row row_of(const json::object& breaker) {
  const json::object& window = breaker.at("window").as_object();
  const json::object& totals = breaker.at("totals").as_object();
  const json::value& trip = breaker.at("last_trip");
  return {text(breaker.at("name")),
          state(breaker),
          duration_text(breaker.at("time_in_state_ms").to_number<std::int64_t>()),
          retry(breaker),
          text(window.at("calls")),
          percent(window.at("failure_rate")),
          percent(window.at("slow_call_rate")),
          text(totals.at("rejected")),
          text(totals.at("trips")),
          trip.is_object() ? reason(trip.get_object()) : "-"};
}

std::string aligned(const std::vector<Row>& rows) {
  std::string out;
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) out += row[i] + std::string(widths[i] + 2 - row[i].size(), ' ');
    out += row.back() + '\n';
  }
  return out;
}

std::string what_happened(const json::object& event) {
  const std::string kind = text(event.at("event"));
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

}  // namespace

std::string breaker_table(const json::value& answer) {
  std::vector<Row> rows = {
      {"NAME", "STATE", "SINCE", "RETRY IN", "CALLS", "FAILED", "SLOW", "REJECTED", "TRIPS", "LAST TRIP"}};
  for (const json::value& breaker : answer.at("circuit_breakers").as_array())
    rows.push_back(row_of(breaker.as_object()));
  return aligned(rows);
}

std::string event_line(const json::value& value) {
  const json::object& event = value.as_object();
  return text(event.at("at")) + "  " + text(event.at("breaker")) + "  " + what_happened(event) + '\n';
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
