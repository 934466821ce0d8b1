// SPDX-License-Identifier: Apache-2.0
// A request is ended at each of its steps, by each of those who can end it. Nothing of it may be left: no slot of the
// breaker's half-open, of max_concurrent_requests or max_connections, no connection, no task of the worker. (Connecting
// takes no time here: trial_without_client_test has a client that leaves meanwhile.)
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/fuzz/exchange/stage.hpp"

using namespace fusewire;
using fuzz::OriginEnd;
using fuzz::Setup;
using fuzz::Stage;
using fuzz::World;
using namespace std::chrono_literals;

namespace {

enum class Ending {
  nothing,
  client_finishes,
  client_leaves,
  client_sends_garbage,
  upstream_finishes,
  upstream_leaves,
  upstream_sends_garbage,
  process_drains,
  process_stops,
};

struct Story {
  const char* name;
  std::string_view request;
  std::string_view answer;
};

constexpr std::array kStories = {
    Story{"GET", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: max-age=60\r\n\r\nhello"},
    Story{"POST", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: "
          "b\r\n\r\n"},
    Story{"upload", "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno"},
    Story{"until close", "GET /a HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello"},
};

// The upstream's breaker, or the endpoint's.
breaker::Breaker& breaker_of(World& world) {
  const auto& upstream = world.snapshot()->upstreams.front();
  const auto addresses = upstream->state->addresses.all();
  const bool by_endpoint = upstream->config->circuit_breaker.scope == config::Scope::endpoint;
  return by_endpoint && !addresses.empty() ? addresses.front()->breaker : world.upstream().breaker;
}

// The breaker is where it would admit one trial, or closed.
void prepare(World& world, bool half_open) {
  breaker::Breaker& breaker = breaker_of(world);
  const Time now = std::chrono::steady_clock::now();
  world.upstream().breaker.reset(now);
  breaker.reset(now);
  if (!half_open) return;
  auto answer = breaker.try_acquire(now - 1h);
  std::get<breaker::Permit>(answer).failure(breaker::FailureKind::reset, now - 1h);
  REQUIRE(breaker.state() == breaker::State::open);
  while (breaker.snapshot(std::chrono::steady_clock::now()).open_remaining >
         0ms) {  // in the breaker's first millisecond
  }
}

void end_by(Ending ending, Stage& stage, OriginEnd* origin) {
  switch (ending) {
    case Ending::nothing:
      return;
    case Ending::client_finishes:
      return stage.client().finish();
    case Ending::client_leaves:
      return stage.client().close();
    case Ending::client_sends_garbage:
      return stage.client().send("\x01\r\n\r\n");
    case Ending::upstream_finishes:
      if (origin != nullptr) origin->finish();
      return;
    case Ending::upstream_leaves:
      if (origin != nullptr) origin->close();
      return;
    case Ending::upstream_sends_garbage:
      if (origin != nullptr) origin->send("\x01\r\n\r\n");
      return;
    case Ending::process_drains:
      stage.context().begin_drain();
      return stage.context().connections().for_each(&proxy::WorkerTask::drain);
    case Ending::process_stops:
      stage.context().begin_drain();
      stage.context().connections().for_each(&proxy::WorkerTask::stop);
      return stage.context().refreshes().for_each(&proxy::WorkerTask::stop);
  }
}

// The first `steps` bytes of both, then the ending, then the rest as far as it can still be said.
void play(Stage& stage, const Story& story, std::size_t steps, Ending ending) {
  stage.open_client();
  const std::size_t asked = std::min(steps, story.request.size());
  const std::size_t said = steps - asked;
  stage.client().send(story.request.substr(0, asked));
  stage.settle();
  if (OriginEnd* const origin = stage.origin()) origin->send(story.answer.substr(0, said));
  stage.settle();
  end_by(ending, stage, stage.origin());
  stage.settle();
  if (stage.client().open()) stage.client().send(story.request.substr(asked));
  stage.settle();
  if (OriginEnd* const origin = stage.origin()) {
    origin->send(story.answer.substr(said));
    origin->finish();
  }
  stage.settle();
}

// One that waits for its answer until a second attempt is sent. `steps` bytes of an answer come from the attempt
// `answering`; then the ending, of an upstream that of the attempt `ending_at`; then the rest, from both.
void play_hedged(Stage& stage, const Story& story, std::size_t steps, Ending ending, std::size_t answering,
                 std::size_t ending_at) {
  stage.open_client();
  stage.client().send(story.request);
  stage.settle();
  stage.pass(35min);
  REQUIRE(stage.connections().size() == 2);
  OriginEnd& origin = stage.connection(answering);
  origin.send(story.answer.substr(0, steps));
  stage.settle();
  end_by(ending, stage, &stage.connection(ending_at));
  stage.settle();
  origin.send(story.answer.substr(steps));
  origin.finish();
  stage.settle();
  OriginEnd& other = stage.connection(1 - answering);
  other.send(story.answer);
  other.finish();
  stage.settle();
}

void check_nothing_is_left(Stage& stage, World& world) {
  for (int n = 0; stage.origin() != nullptr && n < 8; ++n) {
    stage.origin()->close();
    stage.settle();
  }
  stage.client().close();
  stage.settle();
  const Time now = std::chrono::steady_clock::now();
  CHECK(stage.context().connections().size() == 0);
  CHECK(stage.context().refreshes().size() == 0);
  CHECK(world.upstream().limits.limiter.in_use() == 0);
  CHECK(world.upstream().calls_without_client.load() == 0);
  stage.context().pool().close_all();
  CHECK(world.upstream().connections.load() == 0);
  for (const auto& address : world.snapshot()->upstreams.front()->state->addresses.all())
    CHECK(address->health.in_flight() == 0);
  const breaker::Snapshot seen = breaker_of(world).snapshot(now);
  CHECK(seen.half_open.in_flight == 0);
  // A trial is admitted again, at once or after the interval.
  auto answer = breaker_of(world).try_acquire(now + 1h);
  CHECK(std::holds_alternative<breaker::Permit>(answer));
}

void end_at_each_step(Setup setup, bool half_open) {
  World& world = World::of(setup);
  for (const Story& story : kStories)
    for (int ending = 0; ending <= static_cast<int>(Ending::process_stops); ++ending)
      for (std::size_t steps = 0; steps <= story.request.size() + story.answer.size(); ++steps) {
        INFO(std::string(story.name) << ", ending " << ending << ", after byte " << steps);
        prepare(world, half_open);
        Stage stage(world, false);
        play(stage, story, steps, static_cast<Ending>(ending));
        check_nothing_is_left(stage, world);
      }
}

}  // namespace

TEST_CASE("a request that is ended at any of its steps leaves nothing behind") {
  end_at_each_step({.breaker = true}, false);
}

TEST_CASE("a half-open trial that is ended at any of its steps leaves room for the next one") {
  end_at_each_step({.breaker = true}, true);
}

TEST_CASE("a request that may be tried again, and is ended at any of its steps, leaves nothing behind") {
  end_at_each_step({.breaker = true, .retries = true}, false);
}

TEST_CASE("a trial call at an endpoint that is ended at any of its steps leaves room for the next one") {
  end_at_each_step({.breaker = true, .retries = true, .by_endpoint = true}, true);
}

TEST_CASE("a request with two attempts at a time that is ended at any of their steps leaves nothing behind") {
  for (const Setup setup :
       {Setup{.breaker = true, .hedge = true}, Setup{.breaker = true, .retries = true, .hedge = true}}) {
    World& world = World::of(setup);
    for (const Story& story : kStories) {
      if (story.request.starts_with("POST")) continue;
      for (int ending = 0; ending <= static_cast<int>(Ending::process_stops); ++ending)
        for (std::size_t steps = 0; steps <= story.answer.size(); ++steps)
          for (std::size_t who = 0; who < 4; ++who) {
            INFO(std::string(story.name) << ", ending " << ending << ", after byte " << steps << ", case " << who);
            prepare(world, false);
            Stage stage(world, false);
            play_hedged(stage, story, steps, static_cast<Ending>(ending), who % 2, who / 2);
            check_nothing_is_left(stage, world);
          }
    }
  }
}

TEST_CASE("a request behind a cache that is ended at any of its steps leaves nothing behind") {
  end_at_each_step({.cache = true, .serve = true, .breaker = true}, true);
}
