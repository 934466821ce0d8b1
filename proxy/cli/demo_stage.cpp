// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/demo_stage.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "config/load.hpp"
#include "proxy/control/control.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::cli {

namespace {

using Others = std::array<std::unique_ptr<DemoUpstream>, 3>;

Others others_of(const StageOptions& options) {
  Others others;
  if (options.traffic)
    for (auto& each : others) each = std::make_unique<DemoUpstream>();
  return others;
}

std::string url_of(const DemoUpstream& upstream) {
  return "\"http://127.0.0.1:" + std::to_string(upstream.port()) + '"';
}

std::string upstream_lines(const std::string& name, const std::string& endpoints, bool stale_answers) {
  return "  " + name + ":\n    endpoints: [" + endpoints +
         "]\n"
         "    timeouts: {response: 500ms}\n"
         "    circuit_breaker:\n"
         "      detection: {window: {duration: 20s}}\n"
         "      transitions: {open_timeout: 6s, backoff: {max: 12s, jitter: 0}}\n" +
         (stale_answers ? "    fallback: {chain: [{cache: {max_stale: 10m}}]}\n" : "");
}

std::string listener_lines(const StageOptions& options) {
  const std::string address = "127.0.0.1:" + std::to_string(options.port);
  if (!options.traffic) return "listen: " + address + "\n";
  return "listeners:\n  - name: main\n    address: " + address +
         "\n    routes:\n"
         "      - {match: {path_prefix: /payments}, upstream: payments}\n"
         "      - {match: {path_prefix: /catalogue}, upstream: catalogue}\n"
         "      - {upstream: orders}\n";
}

// Short times, so that the story fits in a quarter of a minute; what is not said has its documented default.
config::Config configuration(const StageOptions& options, const DemoUpstream& orders, const Others& others) {
  std::string upstreams = upstream_lines("orders", url_of(orders), true);
  if (options.traffic)
    upstreams += upstream_lines("payments", url_of(*others[0]), false) +
                 upstream_lines("catalogue", url_of(*others[1]) + ", " + url_of(*others[2]), true);
  const std::string text = listener_lines(options) + "upstreams:\n" + upstreams +
                           "admin: {address: \"127.0.0.1:" + std::to_string(options.admin_port) +
                           "\", token: " + kDemoToken +
                           "}\n"
                           "shutdown: {drain_timeout: 1s}\n"
                           "runtime: {workers: 1}\n"
                           "log: {level: " +
                           (options.serve ? "info" : "off") + ", format: text, access: off}\n";
  config::LoadResult loaded = config::load({.name = "demo", .text = text, .environment = {}, .set = {}});
  if (!loaded.config) throw std::runtime_error(loaded.errors.front().to_string());
  return std::move(*loaded.config);
}

}  // namespace

Stage::Stage(StageOptions options)
    : others_(others_of(options)),
      server_(configuration(options, upstream_, others_),
              proxy::ServerOptions{.loader = {}, .watch = {}, .signals = options.serve}) {}

breaker::Snapshot Stage::breaker() {
  breaker::Snapshot snapshot;
  server_.on_control([&](proxy::Control& control) {
    snapshot = control.snapshot()->upstream("orders")->state->breaker.snapshot(std::chrono::steady_clock::now());
  });
  return snapshot;
}

std::vector<proxy::LoggedEvent> Stage::transitions() {
  std::vector<proxy::LoggedEvent> events;
  server_.on_control([&](proxy::Control& control) {
    for (const proxy::LoggedEvent& event : control.events().since(0))
      if (event.event.kind == breaker::Event::Kind::transition) events.push_back(event);
  });
  return events;
}

Narrator::Narrator() : colours_(::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr) {}

std::string Narrator::paint(const char* code, const std::string& text) const {
  return colours_ ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

void Narrator::title(const std::string& text) { std::printf("%s\n", paint("1", text).c_str()); }

void Narrator::chapter(int number, const std::string& title) {
  std::printf("\n%s\n", paint("1;36", std::to_string(number) + ". " + title).c_str());
  std::fflush(stdout);
}

void Narrator::say(const std::string& text) {
  std::printf("   %s\n", text.c_str());
  std::fflush(stdout);
}

void Narrator::request(const std::string& method, const std::string& target, const DemoAnswer& answer,
                       const std::string& remark) {
  const char* colour = answer.status / 100 == 2 ? "32" : answer.status == 503 ? "33" : "31";
  const double milliseconds = static_cast<double>(answer.taken.count()) / 1000;
  std::printf("   %-4s %-11s %s %7.1f ms   %s\n", method.c_str(), target.c_str(),
              paint(colour, std::to_string(answer.status)).c_str(), milliseconds, remark.c_str());
  std::fflush(stdout);
}

void Narrator::state(const std::string& text) { say(paint("1", "circuit: " + text)); }

void Narrator::verdict(bool good, const std::string& text) {
  std::printf("\n%s\n", paint(good ? "1;32" : "1;31", text).c_str());
  std::fflush(stdout);
}

}  // namespace fusewire::cli
