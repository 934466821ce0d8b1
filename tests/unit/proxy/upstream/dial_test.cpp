// SPDX-License-Identifier: Apache-2.0
// A place and a connection for one request, step by step: at the other end is a socket in the file system that the
// test listens at, or does not; names are looked up by the test.
#include "proxy/upstream/dial.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/net/few_descriptors.hpp"
#include "tests/unit/proxy/upstream/no_names.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

// It is bound, and refuses; or it listens.
class Origin {
 public:
  explicit Origin(bool listens) {
    const boost::asio::local::stream_protocol::endpoint where(path);
    ::unlink(path.c_str());
    REQUIRE(::bind(socket_, where.data(), static_cast<socklen_t>(where.size())) == 0);
    if (listens) REQUIRE(::listen(socket_, 8) == 0);
  }
  ~Origin() {
    ::close(socket_);
    ::unlink(path.c_str());
  }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  const std::string path = "/tmp/fusewire-dial-" + std::to_string(::getpid());

 private:
  const int socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

struct Scene final : Watcher {
  explicit Scene(bool listens = true, bool by_name = false)
      : origin(listens), rig(setting(by_name ? "http://orders.example" : "unix:" + origin.path)) {}
  ~Scene() {
    give_up();
    connection.reset();
    worker.pool().close_all();
    for (const int peer : peers) ::close(peer);
    CHECK(upstream.state->connections == 0);
    dns.stop();
  }
  static std::string setting(const std::string& endpoint) {
    return "listen: 127.0.0.1:0\nlog: {level: off}\nupstreams:\n"
           "  orders: {endpoints: [\"" +
           endpoint + "\"], limits: {max_connections: 2}}\n";
  }
  void on_activity() override { news.set(); }

  void turn() { worker.loop().turn(Time{}); }
  void acquire() {
    placed.reset();
    spawn(run_acquire(), "acquire");
  }
  // With a slot.
  void connect(const Dial::Until& until = {}) {
    REQUIRE(UpstreamConnection::acquire_slot(*upstream.state, 2));
    choice = worker.balancer().choose(upstream, steady_now(), {});
    spawn(run_connect(until), "connect");
  }
  void give_up() {
    given_up = true;
    news.set();
  }
  void time_passes() {
    worker.deadlines().tick(steady_now() + (passed += 1s));
    turn();
  }
  void name_is(std::vector<SocketAddress> found) {
    worker.balancer().on_resolved(
        {upstream.endpoints.front()->id, std::make_shared<const std::vector<SocketAddress>>(std::move(found)),
         steady_now() + 1h},
        steady_now());
  }
  // All places are taken, by nobody in particular.
  void take_all() { upstream.state->connections = 2; }
  void leave_one() { --upstream.state->connections; }
  void leave_all() { upstream.state->connections = 0; }
  void park() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(UpstreamConnection::acquire_slot(*upstream.state, 2));
    peers.push_back(ends[1]);
    worker.pool().give_back(
        std::make_unique<UpstreamConnection>(ChannelPtr(new Channel(worker.loop(), ends[0], worker.buffers())),
                                             BackendPtr(new Backend(SocketAddress())), upstream.state, 0),
        steady_now(), 60s);
  }
  std::uint32_t slots() const { return upstream.state->connections; }
  bool is_blamed() const { return choice.backend->state->is_avoided(steady_now()); }

  const Origin origin;
  testing::ControlRig rig;
  std::shared_ptr<const Snapshot> snapshot = rig.control.snapshot();
  const Upstream& upstream = *snapshot->upstreams.front();
  testing::NoNames dns;
  WorkerCells cells;
  WorkerContext worker{0, cells, dns, [] {}};
  Event news;
  Dial dial{worker, upstream, news, *this};
  Balancer::Choice choice;
  std::vector<int> peers;
  std::chrono::seconds passed{0};
  bool given_up = false;
  std::optional<bool> placed;  // what acquire() ended with
  bool is_over = false;        // connect() has ended, with this
  std::unique_ptr<UpstreamConnection> connection;

 private:
  Task<void> run_acquire() {
    placed = co_await dial.acquire_slot([this] { return given_up; });
  }
  Task<void> run_connect(Dial::Until until) {
    connection = co_await dial.connect(choice, steady_now(), until, [this] { return given_up; });
    is_over = true;
  }
};

}  // namespace

// ------------------------------------------------------------------------------------------------------ a slot

TEST_CASE("there is a slot at once while the upstream has fewer connections than it may have") {
  Scene scene;
  scene.acquire();
  CHECK(scene.placed == true);
  CHECK(scene.slots() == 1);
  scene.leave_all();
}

TEST_CASE("where all slots are taken an idle connection of the upstream's makes room") {
  Scene scene;
  scene.park();
  scene.park();
  scene.acquire();
  CHECK(scene.placed == true);
  CHECK(scene.slots() == 2);
  scene.leave_one();
}

TEST_CASE("where all slots are in use, one is looked for once more and then there is none") {
  Scene scene;
  scene.take_all();
  scene.acquire();
  CHECK_FALSE(scene.placed);
  scene.time_passes();
  CHECK(scene.placed == false);
  CHECK(scene.slots() == 2);
  scene.leave_all();
}

TEST_CASE("a slot that becomes free before the second look is taken") {
  Scene scene;
  scene.take_all();
  scene.acquire();
  scene.leave_one();
  scene.time_passes();
  CHECK(scene.placed == true);
  scene.leave_all();
}

TEST_CASE("while another worker has idle connections it is asked for room, until it has made some") {
  Scene scene;
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
  Scene scene;
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
  Scene scene;
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
  Scene scene(false);
  scene.connect();
  scene.turn();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.connection);
  CHECK(scene.dial.outcome() == Outcome::connect_refused);
  CHECK(scene.slots() == 0);
  CHECK(scene.is_blamed());
}

TEST_CASE("an address that was passed over is not any more when it has been reached") {
  Scene scene;
  scene.connect();
  scene.choice.backend->state->mark_unreachable(steady_now());
  scene.turn();
  REQUIRE(scene.connection);
  CHECK_FALSE(scene.is_blamed());
}

TEST_CASE("an address that has all the time to connect and is not reached is passed over for a while") {
  Scene scene;
  scene.connect({.time = steady_now() - 1ms, .limited_by_connect_timeout = true});
  scene.give_up();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.connection);
  CHECK(scene.dial.outcome() == Outcome::pending);
  CHECK(scene.slots() == 0);
  CHECK(scene.is_blamed());
}

TEST_CASE("an address that the client's own deadline has left too little time is not blamed") {
  Scene scene;
  scene.connect({.time = steady_now() - 1ms, .limited_by_connect_timeout = false});
  scene.give_up();
  CHECK(scene.is_over);
  CHECK(scene.slots() == 0);
  CHECK_FALSE(scene.is_blamed());
}

TEST_CASE("a dial that is cancelled has not reached its address") {
  Scene scene;
  scene.connect();
  scene.choice.backend->state->mark_unreachable(steady_now());
  scene.dial.cancel();
  scene.give_up();
  CHECK(scene.is_over);
  CHECK(scene.is_blamed());
  CHECK(scene.slots() == 0);
}

TEST_CASE("what is given up before its time is nobody's fault") {
  Scene scene;
  scene.connect({.time = steady_now() + 1h, .limited_by_connect_timeout = true});
  scene.give_up();
  CHECK(scene.is_over);
  CHECK(scene.dial.outcome() == Outcome::pending);
  CHECK_FALSE(scene.is_blamed());
}

TEST_CASE("where no descriptor is left for a connection, the address is not blamed") {
  Scene scene;
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

// ------------------------------------------------------------------------------------------------------ a name

TEST_CASE("a name of which nothing is known is waited for, and its address is the connection's") {
  Scene scene(true, true);
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
  Scene scene(true, true);
  scene.connect();
  scene.name_is({});
  CHECK(scene.is_over);
  CHECK(scene.dial.outcome() == Outcome::dns_error);
  CHECK(scene.slots() == 0);
}

TEST_CASE("a wait for a name that is given up leaves the slot to others") {
  Scene scene(true, true);
  scene.connect();
  scene.give_up();
  CHECK(scene.is_over);
  CHECK_FALSE(scene.connection);
  CHECK_FALSE(scene.dial.is_resolving());
  CHECK(scene.slots() == 0);
}
