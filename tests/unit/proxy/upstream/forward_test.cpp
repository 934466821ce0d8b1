// SPDX-License-Identifier: Apache-2.0
// What a forward makes of what its upstream does, whatever protocol that speaks.
#include "tests/unit/proxy/upstream/forward_scene.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;
using namespace std::chrono_literals;

// ------------------------------------------------------------------------------------------------------ a response

TEST_CASE("a response goes from its stream to the client, and the stream goes back to be used again") {
  ForwardScene scene;
  scene.fetch();
  CHECK(scene.kept.request == "GET|");
  CHECK(scene.kept.request_ended);
  CHECK_FALSE(scene.fetched);
  scene.kept.head(200);
  scene.wake();
  REQUIRE(scene.forward.has_head());
  CHECK(scene.x.upstream_status == 200);
  CHECK(scene.forward.next_piece().empty());
  scene.wait();
  scene.kept.pieces = {{UpstreamStream::BodyRead::piece, "hel"}, {UpstreamStream::BodyRead::last, "lo"}};
  scene.wake();
  REQUIRE(scene.waited);
  CHECK(scene.forward.next_piece() == "hel");
  CHECK(scene.x.outcome == Outcome::pending);
  CHECK(scene.forward.next_piece() == "lo");
  CHECK(scene.x.outcome == Outcome::complete);
  scene.finish();
  CHECK(scene.source.end->reusable);
  CHECK(scene.source.end->answered);
  CHECK_FALSE(scene.kept.cancelled);
}

TEST_CASE("a response that ends with its head is complete with it") {
  ForwardScene scene;
  scene.kept.head(204, true);
  scene.fetch();
  CHECK(scene.fetched);
  CHECK(scene.x.outcome == Outcome::complete);
}

TEST_CASE("trailers are there when the body has ended") {
  ForwardScene scene;
  scene.kept.head(200);
  scene.kept.pieces = {{UpstreamStream::BodyRead::last, ""}};
  scene.kept.trailer_fields.add("grpc-status", "0");
  scene.fetch();
  CHECK(scene.forward.next_piece().empty());
  CHECK(scene.x.outcome == Outcome::complete);
  CHECK(scene.forward.trailers().find("grpc-status") == "0");
}

TEST_CASE("interim responses are relayed one after the other, before the final one") {
  ForwardScene scene;
  scene.kept.heads = {{UpstreamStream::HeadRead::interim, 100}, {UpstreamStream::HeadRead::interim, 103}};
  scene.fetch();
  CHECK(scene.client.received == "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 \r\n\r\n");
  CHECK_FALSE(scene.fetched);
  scene.kept.head(200);
  scene.wake();
  CHECK(scene.forward.response().status == 200);
}

TEST_CASE("a client that takes no interim response keeps the final one waiting, and is not the upstream's fault") {
  ForwardScene scene;
  scene.client.takes = false;
  scene.kept.heads = {{UpstreamStream::HeadRead::interim, 103}};
  scene.fetch();
  CHECK(scene.x.waits.waiting());
  scene.kept.head(200);
  scene.client.takes = true;
  scene.client.taken.set();
  CHECK_FALSE(scene.x.waits.waiting());
  CHECK(scene.forward.has_head());
}

TEST_CASE("a client of HTTP/1.0 hears of no interim response") {
  ForwardScene scene;
  scene.inbound.request.minor_version = 0;
  scene.kept.heads = {{UpstreamStream::HeadRead::interim, 103}};
  scene.kept.head(200);
  scene.fetch();
  CHECK(scene.client.received.empty());
  CHECK(scene.forward.has_head());
}

TEST_CASE("a response that authenticates its connection makes it the client's own") {
  ForwardScene scene;
  scene.call.connection_bound = true;
  scene.kept.head(401, true);
  scene.fetch();
  CHECK(scene.source.bound_to_client);
  scene.finish();
  CHECK(scene.source.end->bound);
}

// ------------------------------------------------------------------------------------------------------ connections

TEST_CASE("a request whose kept connection turns out closed is sent once more, on a new one") {
  ForwardScene scene;
  scene.fetch();
  scene.kept.has_ended = true;
  scene.wake();
  CHECK(scene.source.discarded == 1);
  CHECK(scene.fresh.request == "GET|");
  CHECK(scene.forward.attempts() == 2);
  scene.fresh.head(200, true);
  scene.wake();
  CHECK(scene.x.outcome == Outcome::complete);
  CHECK_FALSE(scene.x.stale_connection);
}

TEST_CASE("a new connection that is reset before the response is the upstream's failure") {
  OnFreshConnection scene;
  scene.fetch();
  scene.fresh.has_ended = true;
  scene.wake();
  CHECK(scene.fetched);
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK(scene.forward.attempts() == 1);
  CHECK_FALSE(scene.x.stale_connection);
}

TEST_CASE("a request is sent twice, not three times") {
  ForwardScene scene;
  scene.kept.has_ended = scene.fresh.has_ended = true;
  scene.fresh.idle_before = steady_now();
  scene.fetch();
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK(scene.forward.attempts() == 2);
}

TEST_CASE("a request that is not idempotent is not repeated once a byte of it is on its way") {
  ForwardScene scene("POST", "pay", 3);
  scene.kept.has_ended = scene.kept.closed_for_age = true;
  scene.fetch();
  CHECK(scene.kept.request == "POST|pay|");
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK(scene.forward.attempts() == 1);
  CHECK(scene.x.stale_connection);  // so that it says nothing of the upstream
}

TEST_CASE("a kept connection that ends in the middle of a response is not tried again") {
  ForwardScene scene;
  scene.kept.heads = {{UpstreamStream::HeadRead::interim, 103}};
  scene.kept.has_ended = true;
  scene.fetch();
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK(scene.forward.attempts() == 1);
}

TEST_CASE("a leg of a handshake is not tried on another connection") {
  ForwardScene scene;
  scene.source.bound = true;
  scene.kept.has_ended = true;
  scene.fetch();
  CHECK(scene.x.outcome == Outcome::reset);
  CHECK(scene.source.discarded == 0);
}

TEST_CASE("why there is no connection is the outcome") {
  OnFreshConnection scene;
  scene.source.fresh = nullptr;
  SUBCASE("its upstream refuses it") {
    scene.fetch();
    CHECK(scene.x.outcome == Outcome::connect_refused);
  }
  SUBCASE("there is no slot for it") {
    scene.source.has_slot = false;
    scene.fetch();
    CHECK(scene.x.outcome == Outcome::overload);
  }
  SUBCASE("its client leaves meanwhile") {
    scene.source.dials.emplace();
    scene.fetch();
    scene.client.has_left = true;
    scene.source.dials->set();
    CHECK(scene.x.outcome == Outcome::client_gone);
  }
  CHECK(scene.fetched);
  CHECK(scene.call.nothing_sent);
  scene.finish();
  CHECK_FALSE(scene.source.end->reusable);
}
