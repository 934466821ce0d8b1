// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/access_log.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <string>

#include "proxy/observe/log.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

// A regular file as standard output: it takes everything.
class Captured {
 public:
  Captured() : file_(std::tmpfile()) { log::start({}, ::fileno(file_)); }
  ~Captured() { std::fclose(file_); }
  std::string stop() {
    log::stop();
    std::string text(static_cast<std::size_t>(::lseek(::fileno(file_), 0, SEEK_END)), '\0');
    CHECK(::pread(::fileno(file_), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  std::FILE* file_;
};

AccessRecord record() {
  AccessRecord r;
  r.at = WallTime{1769847330042ms};
  r.request_id = "id-1";
  r.listener = "main";
  r.peer = "192.0.2.1";
  r.host = "shop";
  r.route = "api";
  r.upstream = "orders";
  r.endpoint = "http://127.0.0.1:9000";
  r.method = "GET";
  r.path = "/v1/\x1b[31m";
  r.status = 503;
  r.error = "CircuitBreakerOpen";
  r.fallback = "static";
  r.bytes_in = 10;
  r.bytes_out = 20;
  r.total = 1'234'567ns;
  r.upstream_time = 1ms;
  r.attempts = 1;
  r.flags = static_cast<std::uint16_t>(Flag::circuit_open) | static_cast<std::uint16_t>(Flag::client_gone);
  r.breaker_state = "open";
  return r;
}

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("an access line says what the reference lists") {
  Captured out;
  WorkerCells cells;
  AccessLog access(cells);
  access.write({}, record());
  access.flush();
  const auto line = boost::json::parse(out.stop()).as_object();
  CHECK(line.at("time").as_string() == "2026-01-31T08:15:30.042Z");
  CHECK(line.at("message").as_string() == "access");
  CHECK(line.at("request_id").as_string() == "id-1");
  CHECK(line.at("listener").as_string() == "main");
  CHECK(line.at("peer").as_string() == "192.0.2.1");
  CHECK(line.at("host").as_string() == "shop");
  CHECK(line.at("error").as_string() == "CircuitBreakerOpen");
  CHECK(line.at("fallback").as_string() == "static");
  CHECK(line.at("route").as_string() == "api");
  CHECK(line.at("upstream").as_string() == "orders");
  CHECK(line.at("endpoint").as_string() == "http://127.0.0.1:9000");
  CHECK(line.at("method").as_string() == "GET");
  CHECK(line.at("path").as_string() == "/v1/\x1b[31m");
  CHECK(line.at("status").as_int64() == 503);
  CHECK(line.at("bytes_in").as_int64() == 10);
  CHECK(line.at("bytes_out").as_int64() == 20);
  CHECK(line.at("duration_ms").as_double() == doctest::Approx(1.234));
  CHECK(line.at("upstream_ms").as_double() == 1.0);
  CHECK(line.at("attempts").as_int64() == 1);
  CHECK(line.at("flags") == boost::json::array{"CB", "DC"});
  CHECK(line.at("breaker_state").as_string() == "open");
}

TEST_CASE("control characters in a path do not reach the terminal") {
  Captured out;
  WorkerCells cells;
  AccessLog access(cells);
  access.write({.format = config::LogFormat::text}, record());
  access.flush();
  const std::string text = out.stop();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("flags=CB,DC ") != std::string::npos);
  CHECK(lines(text) == 1);
}

TEST_CASE("each flag has its own name") {
  Captured out;
  WorkerCells cells;
  AccessLog access(cells);
  AccessRecord all = record();
  all.flags = (1U << 17) - 1;
  access.write({}, all);
  access.flush();
  CHECK(boost::json::parse(out.stop()).at("flags") == boost::json::array{"CB", "DO", "UT", "UF", "UR", "UO", "RL", "FB",
                                                                         "CS", "CH", "DC", "UP", "NR", "BR", "SD", "DI",
                                                                         "FI"});
}

TEST_CASE("lines wait in the batch until 16 KiB or the tick") {
  Captured out;
  WorkerCells cells;
  AccessLog access(cells);
  for (int i = 0; i < 100; ++i) access.write({}, record());
  access.flush();
  access.flush();
  CHECK(lines(out.stop()) == 100);
  CHECK(cells.access_lines_dropped.value() == 0);
}

TEST_CASE("the access log can be off, and is off with the level") {
  Captured out;
  WorkerCells cells;
  AccessLog access(cells);
  access.write({.access = false}, record());
  access.write({.level = config::LogLevel::off}, record());
  access.write({.access_sample = 0}, record());
  access.flush();
  CHECK(out.stop().empty());
}

TEST_CASE("sampling takes its share evenly") {
  Captured out;
  WorkerCells cells;
  AccessLog access(cells);
  for (int i = 0; i < 100; ++i) access.write({.access_sample = 0.25}, record());
  access.flush();
  CHECK(lines(out.stop()) == 25);
}

TEST_CASE("lines that the logger did not take are counted by the worker") {
  WorkerCells cells;
  AccessLog access(cells);  // no logger runs
  for (int i = 0; i < 3; ++i) access.write({}, record());
  access.flush();
  CHECK(cells.access_lines_dropped.value() == 3);
}
