// SPDX-License-Identifier: Apache-2.0
// The admin API's JSON as a person reads it in a terminal.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/cli/paint.hpp"

namespace fusewire::cli {

// The answer of /admin/circuit-breakers: one row a breaker under a head line, columns padded.
std::string breaker_table(const boost::json::value&, Paint = Paint());

// The answer of /admin/circuit-breakers/NAME, over several lines.
std::string breaker_details(const boost::json::value&);

// The parts of a row.
std::string state_text(const boost::json::object& breaker);
Tone state_tone(const boost::json::object& breaker);
std::string since_text(const boost::json::object& breaker);
std::string next_text(const boost::json::object& breaker);
std::string last_trip_text(const boost::json::object& breaker);
std::string percent_text(const boost::json::value& ratio);

// Whether the breaker rejects every call now: open with its interval running, or forced open, in a mode that rejects.
bool rejects(const boost::json::value& breaker);
bool any_rejects(const boost::json::value& breakers);  // the answer of /admin/circuit-breakers

// The answer of /admin/faults, on one line without its end; empty: nothing is injected. `upstream`: into that one
// alone; empty: into any.
std::string faults_text(const boost::json::value&, std::string_view upstream = {});

// One event on one line: "2026-01-31T08:15:30.042Z  orders  closed -> open: consecutive_failures (5 of 5), for 30s".
std::string event_line(const boost::json::value&, Paint = Paint());

// 1500 -> "1.5s", 90000 -> "1m30s".
std::string duration_text(std::int64_t milliseconds);

}  // namespace fusewire::cli
