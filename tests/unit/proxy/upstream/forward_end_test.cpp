// SPDX-License-Identifier: Apache-2.0
// How an exchange ends that does not end by itself: by time, by its client, by its attempt.
#include "tests/unit/proxy/upstream/forward_scene.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;
using namespace std::chrono_literals;
// ------------------------------------------------------------------------------------------------------ failures

TEST_CASE("an upstream that does not answer in time is cut off") {
  ForwardScene scene;
  scene.fetch();
  scene.x.response_within = 1ms;
  scene.forward.client_took();  // has it look at the time again
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::response_timeout);
  CHECK(scene.x.response_end == scene.x.request_sent + 1ms);
  CHECK(scene.kept.cancelled);
}

TEST_CASE("an upstream that says nothing to a client that waits for 100 (Continue) is late, and not judged for it") {
  ForwardScene scene("POST", "", 3);
  scene.request.fields.add("Expect", "100-continue");
  scene.begin();
  scene.x.response_within = 1ms;
  scene.fetch_begun();
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::response_timeout);
  CHECK(scene.x.client_withheld);  // a client could do so on purpose
}

TEST_CASE("an upstream that breaks off while a client waits for 100 (Continue) is judged as ever") {
  OnFreshConnection scene("POST", "", std::uint64_t{3});
  scene.request.fields.add("Expect", "100-continue");
  scene.fetch();
  scene.fresh.has_ended = true;
  scene.wake();
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK_FALSE(scene.x.client_withheld);
}

TEST_CASE("an upstream that hangs behind a body that came without a 100 (Continue) is judged as ever") {
  ForwardScene scene("POST", "", 3);
  scene.request.fields.add("Expect", "100-continue");
  scene.client.uploads.push_back("pay");
  scene.begin();
  scene.x.response_within = 1ms;
  scene.fetch_begun();
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::response_timeout);
  CHECK_FALSE(scene.x.client_withheld);
}

TEST_CASE("a client that has its 100 (Continue) is waited for, and so is one that sends its body without it") {
  ForwardScene scene("POST", "", 3);
  scene.request.fields.add("Expect", "100-continue");
  SUBCASE("it has it") {
    scene.kept.heads.push_back({UpstreamStream::HeadRead::interim, 100});
    scene.fetch();
  }
  SUBCASE("it goes on without") {
    scene.fetch();
    scene.client.upload("p");
  }
  scene.x.response_within = 0ms;
  scene.forward.client_took();  // has it look at the time again
  for (int turns = 0; turns < 4; ++turns) scene.worker.loop().turn(Time{});
  CHECK(scene.x.outcome == Outcome::pending);
  scene.forward.cut_off(Outcome::cut_off);
  scene.wake();
  scene.wait_for_end();
}

TEST_CASE("an upstream that does not take the request in time is cut off") {
  ForwardScene scene("POST", "pay", 3);
  scene.kept.takes = false;
  scene.begin();
  scene.x.idle_within = 1ms;
  scene.fetch_begun();
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::idle_timeout);
  CHECK(scene.kept.cancelled);
}

TEST_CASE("a client that leaves while its response is waited for takes the stream with it") {
  ForwardScene scene;
  scene.fetch();
  scene.client.has_left = true;
  scene.wake();
  CHECK(scene.fetched);
  CHECK(scene.x.outcome == Outcome::client_gone);
  CHECK_FALSE(scene.call.runs_on);
  CHECK(scene.kept.cancelled);
}

TEST_CASE("what is cut off ends as its cause says") {
  ForwardScene scene;
  scene.fetch();
  scene.forward.cut_off(Outcome::cut_off);
  scene.wake();
  CHECK(scene.x.outcome == Outcome::cut_off);
  CHECK(scene.kept.cancelled);
}

TEST_CASE("a body that breaks off is incomplete") {
  ForwardScene scene;
  scene.kept.head(200);
  scene.kept.pieces = {{UpstreamStream::BodyRead::piece, "hel"}};
  scene.fetch();
  CHECK(scene.forward.next_piece() == "hel");
  scene.kept.has_ended = true;
  CHECK(scene.forward.next_piece().empty());
  CHECK(scene.x.outcome == Outcome::incomplete);
}

TEST_CASE("a malformed response says what is wrong with it, in its head and in its body") {
  ForwardScene scene;
  SUBCASE("head") { scene.kept.heads = {{UpstreamStream::HeadRead::malformed, 0}}; }
  SUBCASE("body") {
    scene.kept.head(200);
    scene.kept.pieces = {{UpstreamStream::BodyRead::malformed, ""}};
  }
  scene.fetch();
  CHECK(scene.forward.next_piece().empty());
  CHECK(scene.x.outcome == Outcome::protocol_error);
  CHECK(scene.x.malformed == "it is scripted so");
  CHECK(scene.kept.cancelled);
}

// ------------------------------------------------------------------------------------------------------ the upload

TEST_CASE("a body that is still coming goes upstream beside the response") {
  ForwardScene scene("POST", "he", 5);
  scene.fetch();
  CHECK(scene.kept.request == "POST|he|");
  CHECK_FALSE(scene.kept.request_ended);
  CHECK_FALSE(scene.call.nothing_sent);
  CHECK(scene.x.waits.waiting());
  scene.kept.head(200);
  scene.wake();
  CHECK(scene.forward.has_head());
  CHECK(scene.x.request_sent == kNever);
  scene.client.upload("llo");
  CHECK(scene.kept.request == "POST|he|llo|");
  CHECK(scene.kept.request_ended);
  CHECK(scene.x.request_sent != kNever);
  CHECK(scene.forward.upload_state() == Upload::State::complete);
}

TEST_CASE("a client that leaves in the middle of its upload ends the exchange") {
  ForwardScene scene("POST", "he", 5);
  scene.fetch();
  scene.client.has_left = true;
  scene.client.upload("");
  scene.wait_for_end();
  CHECK(scene.x.outcome == Outcome::client_gone);
  CHECK(scene.kept.cancelled);
}

TEST_CASE("an exchange that ends waits for its upload, which the stream's end ends") {
  ForwardScene scene("POST", "he", 5);
  scene.kept.head(200, true);
  scene.kept.reusable = false;
  scene.fetch();
  scene.kept.takes = false;
  scene.client.upload("l");
  CHECK(scene.kept.write_blocked());
  spawn(ForwardScene::run(scene.forward.finish(), scene.ended), "finish");
  CHECK_FALSE(scene.ended);
  CHECK(scene.kept.finished);
  for (int turns = 0; !scene.ended && turns < 4; ++turns) scene.worker.loop().turn(Time{});
  CHECK(scene.ended);
  CHECK_FALSE(scene.source.end->reusable);
  scene.chain.on_done(scene.call, steady_now());
}

// ------------------------------------------------------------------------------------------------------ without a
// client

namespace {

// The breaker admits one trial, which is this request, two seconds from now.
struct Trial : ForwardScene {
  Trial() {
    rig.trip("orders", steady_now());
    fetch(steady_now() + 2s);
    REQUIRE(upstream.state->breaker.state() == breaker::State::half_open);
  }
  void leave() {
    client.has_left = true;
    wake();
    REQUIRE(call.runs_on);
    spawn(run(forward.run_on(), ran), "run_on");
  }
  void judge() { chain.on_verdict(call, steady_now() + 2s); }
  bool ran = false;
};

}  // namespace

TEST_CASE("a half-open trial whose client has left runs on until its upstream has answered") {
  Trial scene;
  scene.leave();
  CHECK_FALSE(scene.kept.cancelled);
  CHECK_FALSE(scene.ran);
  scene.kept.head(200, true);
  scene.wake();
  CHECK(scene.ran);
  CHECK(scene.x.outcome == Outcome::complete);
  scene.judge();
  CHECK(scene.upstream.state->breaker.state() == breaker::State::closed);
}

TEST_CASE("a trial that runs on needs the head alone, and relays nothing") {
  Trial scene;
  scene.leave();
  scene.kept.heads = {{UpstreamStream::HeadRead::interim, 103}};
  scene.kept.head(200);
  scene.wake();
  CHECK(scene.ran);
  CHECK(scene.client.received.empty());
  CHECK(scene.x.outcome == Outcome::abandoned);
  CHECK(scene.kept.cancelled);
  scene.judge();
}

TEST_CASE("a trial that runs on is not tried again") {
  Trial scene;
  scene.leave();
  scene.kept.has_ended = true;
  scene.wake();
  CHECK(scene.ran);
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK(scene.forward.attempts() == 1);
  scene.judge();
}

TEST_CASE("a drain ends a trial that runs on") {
  Trial scene;
  scene.leave();
  scene.forward.stop_running_on();
  for (int turns = 0; !scene.ran && turns < 4; ++turns) scene.worker.loop().turn(Time{});
  CHECK(scene.ran);
  CHECK(scene.x.outcome == Outcome::cut_off);
  scene.judge();
}

TEST_CASE("a response that its client leaves was moving if something of it came just before") {
  ForwardScene scene;
  scene.kept.head(200);
  scene.fetch();
  SUBCASE("its rest was at hand") {
    scene.kept.pieces = {{UpstreamStream::BodyRead::last, "rest"}};
    scene.forward.abandon(Outcome::client_gone);
    CHECK(scene.x.was_moving);
  }
  SUBCASE("a piece of it has just come") {
    scene.kept.pieces = {{UpstreamStream::BodyRead::piece, "hel"}};
    CHECK(scene.forward.next_piece() == "hel");
    scene.forward.abandon(Outcome::client_gone);
    CHECK(scene.x.was_moving);
  }
  CHECK(scene.x.outcome == Outcome::client_gone);
}

// ------------------------------------------------------------------------------------------------------ put aside

TEST_CASE("a response that was put aside goes on where it was") {
  ForwardScene scene;
  scene.kept.head(503);
  scene.kept.pieces = {{UpstreamStream::BodyRead::last, "no"}};
  scene.fetch();
  scene.forward.suspend();
  CHECK(scene.x.outcome == Outcome::abandoned);
  CHECK(scene.forward.next_piece().empty());
  scene.forward.resume();
  CHECK(scene.forward.next_piece() == "no");
  CHECK(scene.x.outcome == Outcome::complete);
}

TEST_CASE("an abandoned response whose rest is at hand leaves its connection good") {
  ForwardScene scene;
  scene.kept.head(200);
  scene.fetch();
  SUBCASE("its rest has come") {
    scene.kept.pieces = {{UpstreamStream::BodyRead::last, "rest"}};
    scene.forward.abandon(Outcome::abandoned);
    CHECK_FALSE(scene.kept.cancelled);
  }
  SUBCASE("its rest would have to be waited for") {
    scene.forward.abandon(Outcome::abandoned);
    CHECK(scene.kept.cancelled);
  }
  CHECK(scene.x.outcome == Outcome::abandoned);
}
