// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/metrics.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "proxy/admin/metrics/process_metrics.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;
using fusewire::testing::ControlRig;

namespace {

using Clock = std::chrono::steady_clock;

// What stands behind `series` on its line; "" when there is no such line.
std::string value_of(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
  return "";
}

std::string run_promtool(const std::string& metrics) {
  std::string file = "/tmp/fusewire-metrics-XXXXXX";
  const int fd = ::mkstemp(file.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  std::ofstream(file) << metrics;
  const int status = std::system(("promtool check metrics < " + file + " > " + file + ".out 2>&1").c_str());
  std::ifstream out(file + ".out");
  std::string said{std::istreambuf_iterator<char>(out), {}};
  ::unlink(file.c_str());
  ::unlink((file + ".out").c_str());
  return said + (status == 0 ? "" : "(failed)");
}

}  // namespace

TEST_CASE("every series of every breaker is there, at 0, before the first call") {
  ControlRig rig;
  const std::string text = metrics_text(rig.control, Clock::now());
  std::vector<std::string> wanted = {"circuit_breaker_state{name=\"NAME\"}",
                                     "circuit_breaker_override{name=\"NAME\"}",
                                     "circuit_breaker_failures{name=\"NAME\"}",
                                     "circuit_breaker_successes{name=\"NAME\"}",
                                     "circuit_breaker_failure_rate{name=\"NAME\"}",
                                     "circuit_breaker_slow_call_rate{name=\"NAME\"}",
                                     "circuit_breaker_open_remaining_seconds{name=\"NAME\"}",
                                     "circuit_breaker_would_reject_total{name=\"NAME\"}",
                                     "circuit_breaker_state_duration_seconds_total{name=\"NAME\",state=\"open\"}",
                                     "fusewire_upstream_connections{upstream=\"NAME\",state=\"active\"}",
                                     "fusewire_upstream_connections{upstream=\"NAME\",state=\"idle\"}",
                                     "fusewire_cache_entries{upstream=\"NAME\"}",
                                     "fusewire_cache_bytes{upstream=\"NAME\"}",
                                     "fusewire_cache_events_total{upstream=\"NAME\",event=\"hit\"}",
                                     "fusewire_cache_events_total{upstream=\"NAME\",event=\"stale\"}"};
  for (const char* result : {"success", "failure", "neutral", "rejected"})
    wanted.push_back(std::string("circuit_breaker_requests_total{name=\"NAME\",result=\"") + result + "\"}");
  for (const auto& [from, to] : {std::pair{"closed", "open"},
                                 {"open", "half_open"},
                                 {"open", "closed"},
                                 {"half_open", "open"},
                                 {"half_open", "closed"}})
    wanted.push_back(std::string("circuit_breaker_transitions_total{name=\"NAME\",from=\"") + from + "\",to=\"" + to +
                     "\"}");
  for (const char* reason : {"consecutive_failures", "failure_count", "failure_rate", "consecutive_slow_calls",
                             "slow_call_rate", "probe_failed", "half_open_timeout"})
    wanted.push_back(std::string("circuit_breaker_trips_total{name=\"NAME\",reason=\"") + reason + "\"}");
  for (const char* outcome : {"success", "failure", "timeout"}) {
    const std::string labels = std::string("{name=\"NAME\",outcome=\"") + outcome + "\"";
    wanted.push_back("circuit_breaker_latency_seconds_count" + labels + "}");
    wanted.push_back("circuit_breaker_latency_seconds_sum" + labels + "}");
    wanted.push_back("circuit_breaker_latency_seconds_bucket" + labels + ",le=\"+Inf\"}");
  }
  for (const char* type : {"cache", "upstream", "static"})
    for (const char* result : {"hit", "miss", "error"})
      wanted.push_back(std::string("circuit_breaker_fallback_executions_total{name=\"NAME\",type=\"") + type +
                       "\",result=\"" + result + "\"}");
  for (const char* name : {"orders", "users"})
    for (std::string series : wanted) {
      series.replace(series.find("NAME"), 4, name);
      CHECK_MESSAGE(value_of(text, series) == "0", series);
    }
  for (const char* code_class : {"1xx", "2xx", "3xx", "4xx", "5xx", "none"})
    for (const char* upstream : {"orders", "users", ""})
      CHECK(value_of(text, std::string("fusewire_requests_total{listener=\"main\",upstream=\"") + upstream +
                               "\",code_class=\"" + code_class + "\"}") == "0");
  CHECK(value_of(text, "fusewire_request_duration_seconds_count{listener=\"main\",upstream=\"orders\"}") == "0");
  CHECK(value_of(text, "fusewire_config_last_reload_successful") == "1");
  CHECK(std::stod(value_of(text, "fusewire_config_last_reload_success_timestamp_seconds")) > 1.7e9);
  CHECK(value_of(text, std::string("fusewire_build_info{version=\"") + FUSEWIRE_VERSION + "\"}") == "1");
  CHECK_FALSE(value_of(text, "fusewire_log_lines_dropped_total").empty());
}

TEST_CASE("checks and probes are there at 0 where they are made, and nowhere else") {
  ControlRig rig(
      "listen: 127.0.0.1:0\nlog: {level: off}\nupstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:9000\"]\n"
      "    health_check: {}\n    circuit_breaker: {recovery: {probe: {type: connect}}}\n"
      "  users: {endpoints: [\"http://127.0.0.1:9001\"]}\n");
  const std::string text = metrics_text(rig.control, Clock::now());
  const std::string endpoint = "upstream=\"orders\",endpoint=\"http://127.0.0.1:9000\"";
  for (const char* result : {"passed", "bad_status", "connect_error", "tls_error", "timeout", "reset", "protocol_error",
                             "incomplete", "not_made"})
    CHECK(value_of(text, "fusewire_health_checks_total{" + endpoint + ",result=\"" + result + "\"}") == "0");
  for (const char* state : {"healthy", "unhealthy"})
    CHECK(value_of(text, "fusewire_health_check_addresses{" + endpoint + ",state=\"" + state + "\"}") == "0");
  for (const char* result : {"success", "failure", "neutral"})
    CHECK(value_of(text, std::string("circuit_breaker_probes_total{name=\"orders\",result=\"") + result + "\"}") ==
          "0");
  CHECK(text.find("fusewire_health_checks_total{upstream=\"users\"") == std::string::npos);
  CHECK(text.find("circuit_breaker_probes_total{name=\"users\"") == std::string::npos);
  CHECK(run_promtool(text) == "");
}

TEST_CASE("probes of a route's own breaker are counted under its name") {
  ControlRig rig(
      "listeners:\n  - address: 127.0.0.1:0\n    routes:\n      - {name: read, match: {path_prefix: /r}, upstream: "
      "orders, circuit_breaker: {scope: route, recovery: {probe: {type: connect}}}}\n      - {upstream: orders}\n"
      "log: {level: off}\nupstreams: {orders: {endpoints: [\"http://127.0.0.1:9000\"]}}\n");
  const auto& route = rig.control.snapshot()->listeners.front()->routes.front();
  route.own->breaker->probes.of(1)[static_cast<std::size_t>(ProbeResult::failure)].add();
  const std::string text = metrics_text(rig.control, Clock::now());
  const auto count = [&](const std::string& result) {
    return value_of(text, "circuit_breaker_probes_total{name=\"orders/read\",result=\"" + result + "\"}");
  };
  CHECK(count("success") == "0");
  CHECK(count("failure") == "1");
  CHECK(text.find("circuit_breaker_probes_total{name=\"orders\"") == std::string::npos);
}

TEST_CASE("a breaker's story is in its metrics") {
  ControlRig rig;
  const auto now = Clock::now();
  std::get<breaker::Permit>(rig.breaker("orders").try_acquire(now)).success(now);
  rig.trip("orders", now);
  rig.breaker("orders").try_acquire(now);  // rejected
  rig.breaker("users").force_closed(now);
  const std::string text = metrics_text(rig.control, now + 2s);
  CHECK(value_of(text, "circuit_breaker_state{name=\"orders\"}") == "1");
  CHECK(value_of(text, "circuit_breaker_override{name=\"users\"}") == "2");
  CHECK(value_of(text, "circuit_breaker_failures{name=\"orders\"}") == "5");
  CHECK(value_of(text, "circuit_breaker_successes{name=\"orders\"}") == "1");
  CHECK(value_of(text, "circuit_breaker_requests_total{name=\"orders\",result=\"rejected\"}") == "1");
  CHECK(value_of(text, "circuit_breaker_transitions_total{name=\"orders\",from=\"closed\",to=\"open\"}") == "1");
  CHECK(value_of(text, "circuit_breaker_trips_total{name=\"orders\",reason=\"consecutive_failures\"}") == "1");
  CHECK(value_of(text, "circuit_breaker_state_duration_seconds_total{name=\"orders\",state=\"open\"}") == "2");
  const double remaining = std::stod(value_of(text, "circuit_breaker_open_remaining_seconds{name=\"orders\"}"));
  CHECK(remaining > 24);  // 30 s, a tenth of jitter, 2 s gone
  CHECK(remaining < 32);
}

TEST_CASE("the failure rate's threshold is a series for as long as the rate is judged") {
  ControlRig rig(fusewire::testing::kTwoUpstreams +
                 "defaults: {circuit_breaker: {detection: {failure_rate: {threshold: 0.3}}}}\n");
  const std::string series = "circuit_breaker_failure_rate_threshold{name=\"orders\"}";
  CHECK(std::stod(value_of(metrics_text(rig.control, Clock::now()), series)) == doctest::Approx(0.3));
  ControlRig off(fusewire::testing::kTwoUpstreams + "defaults: {circuit_breaker: {detection: {failure_rate: off}}}\n");
  CHECK(value_of(metrics_text(off.control, Clock::now()), series).empty());
}

TEST_CASE("alerts see no open interval where nothing is rejected: in shadow mode, or forced closed") {
  const auto remaining = [](const std::string& text) {
    return std::stod(value_of(text, "circuit_breaker_open_remaining_seconds{name=\"orders\"}"));
  };
  ControlRig shadow(fusewire::testing::kTwoUpstreams + "defaults: {circuit_breaker: {mode: shadow}}\n");
  shadow.trip("orders", Clock::now());
  std::string text = metrics_text(shadow.control, Clock::now());
  CHECK(value_of(text, "circuit_breaker_state{name=\"orders\"}") == "1");
  CHECK(remaining(text) == 0);
  CHECK(value_of(text, "circuit_breaker_mode{name=\"orders\",mode=\"shadow\"}") == "1");
  CHECK(value_of(text, "circuit_breaker_mode{name=\"orders\",mode=\"enforce\"}") == "0");

  ControlRig rig;
  rig.trip("orders", Clock::now());
  text = metrics_text(rig.control, Clock::now());
  CHECK(remaining(text) > 0);
  CHECK(value_of(text, "circuit_breaker_mode{name=\"orders\",mode=\"enforce\"}") == "1");
  CHECK(value_of(text, "circuit_breaker_mode{name=\"orders\",mode=\"shadow\"}") == "0");
  CHECK(value_of(text, "circuit_breaker_mode{name=\"orders\",mode=\"disabled\"}") == "0");
  rig.breaker("orders").force_closed(Clock::now());
  CHECK(remaining(metrics_text(rig.control, Clock::now())) == 0);
}

TEST_CASE("the workers' cells are added up, to the last digit that Prometheus keeps") {
  ControlRig rig;
  const auto snapshot = rig.control.snapshot();
  auto& cells = snapshot->upstream("orders")->state->cells;
  cells.of(0).fallback[0][0].add((std::uint64_t{1} << 53) - 2);
  cells.of(1).fallback[0][0].add(1);
  cells.of(0).connections_idle.add(1);
  cells.of(1).connections_idle.add(3);
  cells.of(0).connections_idle.subtract(2);  // wraps; the sum is right
  cells.of(0).latency[UpstreamCells::success].observe(3ms);
  cells.of(1).latency[UpstreamCells::success].observe(20s);
  const std::string text = metrics_text(rig.control, Clock::now());
  CHECK(value_of(text, "circuit_breaker_fallback_executions_total{name=\"orders\",type=\"cache\",result=\"hit\"}") ==
        "9007199254740991");
  CHECK(value_of(text, "fusewire_upstream_connections{upstream=\"orders\",state=\"idle\"}") == "2");
  const auto latency = [&](const std::string& suffix, const std::string& le) {
    return value_of(text,
                    "circuit_breaker_latency_seconds_" + suffix + "{name=\"orders\",outcome=\"success\"" + le + "}");
  };
  CHECK(latency("bucket", ",le=\"0.0025\"") == "0");
  CHECK(latency("bucket", ",le=\"0.005\"") == "1");
  CHECK(latency("bucket", ",le=\"10\"") == "1");
  CHECK(latency("bucket", ",le=\"+Inf\"") == "2");
  CHECK(latency("count", "") == "2");
  CHECK(latency("sum", "") == "20.003");
}

TEST_CASE("promtool check metrics has nothing to say") {
  ControlRig rig;
  rig.trip("orders", Clock::now());
  CHECK(run_promtool(metrics_text(rig.control, Clock::now())) == "");
}

TEST_CASE("the process is described as every Prometheus client does it") {
  ControlRig rig;
  const std::string text = metrics_text(rig.control, Clock::now());
  const auto number = [&text](const char* name) { return std::stod(value_of(text, name)); };
  CHECK(number("process_cpu_seconds_total") >= 0);
  CHECK(number("process_resident_memory_bytes") > 1e6);
  CHECK(number("process_virtual_memory_bytes") >= number("process_resident_memory_bytes"));
  CHECK(number("process_open_fds") >= 3);
  CHECK(number("process_open_fds") <= number("process_max_fds"));
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(number("process_start_time_seconds") < now + 1);
  CHECK(number("process_start_time_seconds") > now - 3600);
}

TEST_CASE("a command name with blanks and parentheses does not shift the fields of stat") {
  const auto stat = parse_process_stat("42 (a) (b c) S 1 2 3 4 5 6 7 8 9 10 100 200 13 14 15 16 17 18 777 4096 55 0 0");
  REQUIRE(stat.has_value());
  CHECK(stat->cpu_ticks == 300);
  CHECK(stat->start_ticks == 777);
  CHECK(stat->virtual_bytes == 4096);
  CHECK(stat->resident_pages == 55);
  CHECK_FALSE(parse_process_stat("").has_value());
  CHECK_FALSE(parse_process_stat("42 (x) S 1").has_value());
}
