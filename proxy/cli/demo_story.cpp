// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/demo_story.hpp"

#include <cstdio>
#include <thread>

namespace fusewire::cli {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBeat{350};  // between two lines, to be read
constexpr milliseconds kRest{900};  // between two chapters
constexpr const char* kRead = "/orders/42";
constexpr const char* kWrite = "/orders";

std::string seconds_text(milliseconds duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(duration.count()) / 1000);
  return text;
}

// The value of a string member of the proxy's own JSON answers, whose strings hold no quotes.
std::string member(const std::string& body, const std::string& name) {
  const std::string start = "\"" + name + "\":\"";
  const std::size_t at = body.find(start);
  if (at == std::string::npos) return {};
  return body.substr(at + start.size(), body.find('"', at + start.size()) - at - start.size());
}

// What the answer says about itself, in a word or two.
std::string remark_on(const DemoAnswer& answer) {
  if (const std::string cache = answer.field("Cache-Status"); !cache.empty()) return "from the cache";
  if (std::string error = member(answer.body, "error"); !error.empty()) return error;
  return answer.body.substr(0, answer.body.find('\n'));
}

}  // namespace

bool Story::tell() {
  using Chapter = void (Story::*)();
  constexpr std::pair<const char*, Chapter> kChapters[] = {
      {"Traffic flows", &Story::traffic_flows},
      {"The upstream fails", &Story::upstream_fails},
      {"The circuit opens, and says why", &Story::circuit_opens},
      {"Stale answers flow", &Story::stale_answers},
      {"The upstream heals", &Story::upstream_heals},
      {"Half-open: a few requests try", &Story::half_open},
      {"Closed: traffic flows again", &Story::closed_again},
  };
  for (const auto& [title, chapter] : kChapters) {
    narrator_.chapter(++chapter_, title);
    (this->*chapter)();
    pause(kRest);
  }
  return differences_.empty();
}

void Story::traffic_flows() {
  for (int i = 0; i < 3; ++i) expect(send("GET", kRead).status == 200, "a read through the proxy is a 200");
  expect(send("POST", kWrite).status == 201, "a write through the proxy is a 201");
  expect_state(breaker::State::closed, "closed");
}

void Story::upstream_fails() {
  narrator_.say("Writes meet an upstream that breaks in three ways:");
  const struct {
    Behaviour behaviour;
    int status;
    const char* remark;
  } breaks[] = {
      {Behaviour::errors, 500, "an error of its own"},     {Behaviour::errors, 500, "an error of its own"},
      {Behaviour::reset, 502, "it resets the connection"}, {Behaviour::hang, 504, "it says nothing for 0.5 s"},
      {Behaviour::hang, 504, "it says nothing for 0.5 s"},
  };
  std::uint64_t failures = 0;
  for (const auto& failure : breaks) {
    stage_.upstream().behave(failure.behaviour);
    const std::string remark = std::string(failure.remark) + " (failure " + std::to_string(failures + 1) + " of 5)";
    const DemoAnswer answer = send("POST", kWrite, remark.c_str());
    expect(answer.status == failure.status, std::string(failure.remark) + ": a " + std::to_string(failure.status));
    expect(stage_.breaker().totals.failure == ++failures, "each of them is one failure for the breaker");
  }
}

void Story::circuit_opens() {
  const std::uint64_t before = stage_.upstream().requests();
  const DemoAnswer answer = send("POST", kWrite);
  narrator_.say("\"" + member(answer.body, "detail") + "\"");
  narrator_.say("Retry-After: " + answer.field("Retry-After") + ", and the upstream was left alone: it has seen " +
                std::to_string(stage_.upstream().requests()) + " requests, as before.");
  expect(answer.status == 503 && member(answer.body, "error") == "CircuitBreakerOpen", "a 503 CircuitBreakerOpen");
  expect(!answer.field("Retry-After").empty(), "a Retry-After");
  expect(stage_.upstream().requests() == before, "nothing is sent to the upstream");
  expect_state(breaker::State::open, "open, reason consecutive_failures");
  const auto trip = stage_.breaker().last_trip;
  expect(trip && trip->reason == breaker::Reason::consecutive_failures, "the reason is consecutive_failures");
}

void Story::stale_answers() {
  narrator_.say("Reads are answered from what the proxy remembers:");
  DemoAnswer answer;
  for (int i = 0; i < 3; ++i) {
    answer = send("GET", kRead);
    expect(answer.status == 200, "a read is answered 200 while the circuit is open");
  }
  const std::string cache = answer.field("Cache-Status");
  narrator_.say("Age: " + answer.field("Age") + "   Cache-Status: " + cache);
  expect(cache.rfind("fusewire; hit; ttl=-", 0) == 0 && cache.find("detail=circuit-open") != std::string::npos,
         "Cache-Status tells a stale hit because of the open circuit");
  expect(!answer.field("Age").empty(), "the answer tells its age");
}

void Story::upstream_heals() {
  stage_.upstream().behave(Behaviour::ok);
  narrator_.say("It answers again. The proxy does not know yet: the next trial is in " +
                seconds_text(stage_.breaker().open_remaining) + ".");
  expect(stage_.breaker().state == breaker::State::open, "the circuit is still open when the upstream heals");
  while (true) {
    const milliseconds left = stage_.breaker().open_remaining;
    if (left <= milliseconds(0)) break;
    pause(std::min(left, milliseconds(1000)));
    if (left > milliseconds(1000)) narrator_.say("… " + seconds_text(stage_.breaker().open_remaining));
  }
}

void Story::half_open() {
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const DemoAnswer answer = send("GET", kRead);
    expect(answer.status == 200 && answer.field("Cache-Status").empty(), "a trial is answered by the upstream itself");
    if (i == 3) break;
    expect_state(breaker::State::half_open, ("half-open, " + std::to_string(i) + " of 3 successes").c_str());
    expect(stage_.breaker().half_open.successes == i, "each trial is one success");
  }
  expect_state(breaker::State::closed, "closed, after 3 of 3 successes");
}

void Story::closed_again() {
  expect(send("POST", kWrite).status == 201, "a write is a 201 again");
  expect(send("GET", kRead).status == 200, "a read is a 200 again");
  narrator_.say("What happened, as /admin/events tells it:");
  const auto events = stage_.transitions();
  for (const auto& event : events) {
    const auto after = std::chrono::duration_cast<milliseconds>(event.at - events.front().at);
    std::string line = "+" + seconds_text(after) + "  " + std::string(breaker::to_string(event.event.from)) + " -> " +
                       std::string(breaker::to_string(event.event.to));
    if (event.event.trip) line += "  (" + std::string(breaker::to_string(event.event.trip->reason)) + ")";
    narrator_.say(line);
  }
  expect(events.size() == 3, "three transitions: open, half-open, closed");
}

DemoAnswer Story::send(const char* method, const char* target, const char* remark) {
  DemoAnswer answer = ask(stage_.port(), method, target);
  narrator_.request(method, target, answer, remark ? remark : remark_on(answer));
  pause(kBeat);
  return answer;
}

void Story::expect(bool happened, const std::string& what) {
  if (!happened) differences_.push_back("chapter " + std::to_string(chapter_) + ": it should have been that " + what);
}

void Story::expect_state(breaker::State wanted, const char* remark) {
  const breaker::State state = stage_.breaker().state;
  narrator_.state(state == wanted ? remark : std::string(breaker::to_string(state)));
  expect(state == wanted, std::string("the circuit is ") + std::string(breaker::to_string(wanted)));
}

void Story::pause(milliseconds duration) const { std::this_thread::sleep_for(duration); }

}  // namespace fusewire::cli
