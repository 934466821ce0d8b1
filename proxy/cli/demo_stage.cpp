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

// Short times, so that the story fits in a quarter of a minute; what is not said has its documented default.
config::Config configuration(const StageOptions& options, std::uint16_t upstream) {
  const std::string text = "listen: 127.0.0.1:" + std::to_string(options.port) +
                           "\nupstreams:\n"
                           "  orders:\n"
                           "    endpoints: [\"http://127.0.0.1:" +
                           std::to_string(upstream) +
                           "\"]\n"
                           "    timeouts: {response: 500ms}\n"
                           "    circuit_breaker: {transitions: {open_timeout: 6s, backoff: {jitter: 0}}}\n"
                           "    fallback: {chain: [{cache: {max_stale: 10m}}]}\n"
                           "admin: {address: \"127.0.0.1:" +
                           std::to_string(options.admin_port) + "\", token: " + kDemoToken +
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
    : server_(configuration(options, upstream_.port()),
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
