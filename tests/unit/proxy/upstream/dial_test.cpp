// SPDX-License-Identifier: Apache-2.0
// A slot and a connection for one request, in plain text.
#include "proxy/upstream/dial.hpp"

#include <doctest/doctest.h>

#include "tests/unit/proxy/net/few_descriptors.hpp"
#include "tests/unit/proxy/upstream/dial_scene.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using fusewire::testing::DialScene;
using namespace std::chrono_literals;

// ------------------------------------------------------------------------------------------------------ a slot

TEST_CASE("there is a slot at once while the upstream has fewer connections than it may have") {
  DialScene scene;
  scene.acquire();
  CHECK(scene.placed == true);
  CHECK(scene.slots() == 1);
  scene.leave_all();
}

TEST_CASE("where all slots are taken an idle connection of the upstream's makes room") {
  DialScene scene;
  scene.park();
  scene.park();
  scene.acquire();
  CHECK(scene.placed == true);
  CHECK(scene.slots() == 2);
  scene.leave_one();
}

TEST_CASE("where all slots are in use, one is looked for once more and then there is none") {
  DialScene scene;
  scene.take_all();
  scene.acquire();
  CHECK_FALSE(scene.placed);
  scene.time_passes();
  CHECK(scene.placed == false);
  CHECK(scene.slots() == 2);
  scene.leave_all();
}

TEST_CASE("a slot that becomes free before the second look is taken") {
  DialScene scene;
  scene.take_all();
  scene.acquire();
  scene.leave_one();
  scene.time_passes();
  CHECK(scene.placed == true);
  scene.leave_all();
}

TEST_CASE("while another worker has idle connections it is asked for room, until it has made some") {
  DialScene scene;
  int asked = 0;
  scene.upstream.state->evict_elsewhere = [&] { ++asked; };
  Cell& idle_elsewhere = scene.upstream.state->cells.of(1).connections_idle;
  idle_elsewhere.add();
  scene.take_all();
  scene.acquire();
  CHECK(asked == 1);
  for (int looks = 0; looks < 3; ++looks) scene.time_passes();
  CHECK(asked == 4);
  CHECK_FALSE(scene.placed);
  idle_elsewhere.subtract();
  scene.leave_one();
  scene.time_passes();
  CHECK(scene.placed == true);
  scene.leave_all();
}

TEST_CASE("a wait for a slot that is given up takes none, also where one is free by then") {
  DialScene scene;
  scene.take_all();
  scene.acquire();
  scene.leave_one();
  scene.give_up();
  CHECK(scene.placed == false);
  CHECK(scene.slots() == 1);
  scene.leave_all();
}

// ------------------------------------------------------------------------------------------------------ the way there

TEST_CASE("a connection has its slot for as long as it lives") {
  DialScene scene;
  scene.connect();
  CHECK_FALSE(scene.is_over);
  scene.turn();
  REQUIRE(scene.connection);
  CHECK(scene.dial.outcome() == Outcome::pending);
  CHECK_FALSE(scene.connection->reused());
  CHECK(scene.slots() == 1);
  scene.connection.reset();
  CHECK(scene.slots() == 0);
}

TEST_CASE("where there is no connection its slot is free again, and the address is passed over for a while") {
  DialScene scene(false);
  scene.connect();
  scene.turn();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.connection);
  CHECK(scene.dial.outcome() == Outcome::connect_refused);
  CHECK(scene.slots() == 0);
  CHECK(scene.is_blamed());
}

TEST_CASE("an address that was passed over is not any more when it has been reached") {
  DialScene scene;
  scene.connect();
  scene.choice.backend->state->mark_unreachable(steady_now());
  scene.turn();
  REQUIRE(scene.connection);
  CHECK_FALSE(scene.is_blamed());
}

TEST_CASE("an address that has all the time to connect and is not reached is passed over for a while") {
  DialScene scene;
  scene.connect({.time = steady_now() - 1ms, .limited_by_connect_timeout = true});
  scene.give_up();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.connection);
  CHECK(scene.dial.outcome() == Outcome::pending);
  CHECK(scene.slots() == 0);
  CHECK(scene.is_blamed());
}

TEST_CASE("an address that the client's own deadline has left too little time is not blamed") {
  DialScene scene;
  scene.connect({.time = steady_now() - 1ms, .limited_by_connect_timeout = false});
  scene.give_up();
  CHECK(scene.is_over);
  CHECK(scene.slots() == 0);
  CHECK_FALSE(scene.is_blamed());
}

TEST_CASE("a dial that is cancelled has not reached its address") {
  DialScene scene;
  scene.connect();
  scene.choice.backend->state->mark_unreachable(steady_now());
  scene.dial.cancel();
  scene.give_up();
  CHECK(scene.is_over);
  CHECK(scene.is_blamed());
  CHECK(scene.slots() == 0);
}

TEST_CASE("what is given up before its time is nobody's fault") {
  DialScene scene;
  scene.connect({.time = steady_now() + 1h, .limited_by_connect_timeout = true});
  scene.give_up();
  CHECK(scene.is_over);
  CHECK(scene.dial.outcome() == Outcome::pending);
  CHECK_FALSE(scene.is_blamed());
}

TEST_CASE("where no descriptor is left for a connection, the address is not blamed") {
  DialScene scene;
  {
    const testing::FewDescriptors none(0);
    scene.connect();
  }
  scene.turn();
  CHECK(scene.is_over);
  CHECK(scene.dial.outcome() == Outcome::resource_exhausted);
  CHECK(scene.slots() == 0);
  CHECK_FALSE(scene.is_blamed());
}

// ------------------------------------------------------------------------------------------------------ a silence

namespace {

// Two dials to the address have had no answer, and one waits.
struct SilentScene {
  SilentScene() {
    const auto backend = scene.worker.balancer().choose(scene.upstream, steady_now(), {}).backend;
    backend->state->dials.note_connected(steady_now() - 1ms, steady_now());
    for (auto* pass : {&first, &second})
      pass->emplace(backend->dials, backend->state->dials, 1s, scene.worker.loop(), scene, steady_now())
          .begin(steady_now());
    scene.worker.deadlines().tick(steady_now() + 600ms);
  }
  std::uint64_t held() const { return scene.upstream.state->cells.of(0).dials_held.value(); }

  DialScene scene;
  std::optional<DialGate::Pass> first, second;
};

}  // namespace

TEST_CASE("a dial to a silent address waits with its slot, and goes on when the address is heard of") {
  SilentScene silent;
  DialScene& scene = silent.scene;
  scene.connect();
  scene.turn();
  CHECK_FALSE(scene.is_over);
  CHECK(scene.slots() == 1);
  silent.first->connected(steady_now());
  for (int i = 0; i < 3; ++i) scene.turn();
  REQUIRE(scene.connection);
  CHECK(silent.held() == 1);
  CHECK(scene.dial.held() > 0ns);
  CHECK(scene.slots() == 1);
}

TEST_CASE("a dial that waits for a silent address has the connection of a trial") {
  SilentScene silent;
  DialScene& scene = silent.scene;
  silent.first.reset();
  silent.second.reset();
  scene.connect();
  scene.worker.deadlines().tick(steady_now() + 1200ms);  // a trial
  for (int i = 0; i < 3; ++i) scene.turn();
  REQUIRE(scene.connection);
  CHECK(scene.slots() == 1);
  const int accepted = scene.origin.accept();
  ::close(accepted);
  CHECK(scene.origin.nobody_else_came());
}

TEST_CASE("a dial that waits for a silent address until its time is over blames it, and leaves its slot to others") {
  SilentScene silent;
  DialScene& scene = silent.scene;
  scene.connect({.time = steady_now() - 1ms, .limited_by_connect_timeout = true});
  scene.give_up();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.connection);
  CHECK(scene.dial.outcome() == Outcome::pending);
  CHECK(scene.is_blamed());
  CHECK(scene.slots() == 0);
}

TEST_CASE("a dial that is let go when its time is nearly over does not blame the address") {
  SilentScene silent;
  DialScene& scene = silent.scene;
  scene.connect({.time = steady_now() - 1ms, .limited_by_connect_timeout = true});
  silent.first->refused(Outcome::connect_refused, steady_now());
  scene.worker.loop().turn(Time{});  // it goes on
  scene.give_up();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.is_blamed());
  CHECK(scene.slots() == 0);
}

// ------------------------------------------------------------------------------------------------------ a name

TEST_CASE("a name of which nothing is known is waited for, and its address is the connection's") {
  DialScene scene(true, true);
  scene.connect();
  CHECK(scene.dial.is_resolving());
  const SocketAddress found = boost::asio::local::stream_protocol::endpoint(scene.origin.path);
  scene.name_is({found});
  CHECK_FALSE(scene.dial.is_resolving());
  scene.turn();
  REQUIRE(scene.connection);
  CHECK(scene.connection->backend().address == found);
  CHECK(scene.choice.backend->address == found);
}

TEST_CASE("a name without an address is an error of its own, and leaves the slot to others") {
  DialScene scene(true, true);
  scene.connect();
  scene.name_is({});
  CHECK(scene.is_over);
  CHECK(scene.dial.outcome() == Outcome::dns_error);
  CHECK(scene.slots() == 0);
}

TEST_CASE("a wait for a name that is given up leaves the slot to others") {
  DialScene scene(true, true);
  scene.connect();
  scene.give_up();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.connection);
  CHECK_FALSE(scene.dial.is_resolving());
  CHECK(scene.slots() == 0);
}
