// SPDX-License-Identifier: Apache-2.0
// A worker whose loop is turned by the test; where it must have a thread of its own to end, it has one.
#include "proxy/server/worker.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <memory>
#include <string_view>

#include "proxy/net/clock.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/upstream/no_names.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

const std::string kSetting =
    "log: {level: off, access: off}\n"
    "listeners:\n"
    "  - {name: main, address: \"127.0.0.1:0\", routes: [{match: {path: /only}, upstream: orders}]}\n"
    "upstreams:\n"
    "  orders: {endpoints: [\"http://orders.example\"]}\n"
    "  users: {endpoints: [\"http://127.0.0.1:9001\"]}\n";

constexpr std::string_view kUnknown = "GET /unknown HTTP/1.1\r\nHost: h\r\n\r\n";

struct Rig {
  ~Rig() {
    for (const int client : clients) ::close(client);
    worker.context().pool().close_all();
    settle();
    dns.stop();
  }
  void turn() { worker.context().loop().turn(Time{}); }
  void settle() {
    for (int turns = 0; turns < 5; ++turns) turn();
  }
  void publish() {
    worker.publish(snapshot);
    turn();
  }
  // The client's end.
  int accept() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    gate->connections.fetch_add(1);
    worker.accept(ends[0], gate, false);
    clients.push_back(ends[1]);
    return ends[1];
  }
  // It has been answered, and may ask again.
  int idle_client() {
    const int client = accept();
    REQUIRE(::send(client, kUnknown.data(), kUnknown.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(kUnknown.size()));
    settle();
    char answer[4096];
    REQUIRE(::recv(client, answer, sizeof answer, 0) > 0);
    return client;
  }
  std::size_t open() { return worker.context().connections().size(); }
  // Something of the upstream's, idle.
  void park(const Upstream& of, const BackendPtr& at) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(UpstreamConnection::acquire_slot(*of.state, 100));
    clients.push_back(ends[1]);
    WorkerContext& context = worker.context();
    context.pool().give_back(std::make_unique<UpstreamConnection>(
                                 ChannelPtr(new Channel(context.loop(), ends[0], context.buffers())), at, of.state, 0),
                             steady_now(), 60s);
  }

  testing::ControlRig control{kSetting};
  std::shared_ptr<const Snapshot> snapshot = control.control.snapshot();
  testing::NoNames dns;
  WorkerCells cells;
  std::shared_ptr<ListenerGate> gate = [] {
    auto made = std::make_shared<ListenerGate>();
    made->name = "main";
    return made;
  }();
  std::vector<int> clients;
  Worker worker{0, cells, dns};
};

bool is_hung_up_on(int client) {
  char byte = 0;
  return ::recv(client, &byte, 1, MSG_PEEK) == 0 || errno == ECONNRESET;
}

// One of the worker's tasks, which ends when it is asked to, or does not.
class Job final : public WorkerTask {
 public:
  Job(WorkerTasks& all, bool ends) : all_(all), ends_(ends) { all_.add(*this); }
  void stop() override {
    stopped_at_ = steady_now();
    if (on_stop) on_stop();
    if (ends_) all_.remove(*this);
  }
  std::function<void()> on_stop;  // on the worker's thread
  bool was_stopped() const { return stopped_at_ != Time{}; }
  Time stopped_at() const { return stopped_at_; }

 private:
  WorkerTasks& all_;
  const bool ends_;
  Time stopped_at_{};
};

}  // namespace

// ------------------------------------------------------------------------------------------------------ what is posted

TEST_CASE("a worker has a snapshot from the turn on that follows its publication") {
  Rig rig;
  rig.worker.publish(rig.snapshot);
  CHECK(rig.worker.context().snapshot() == nullptr);
  rig.turn();
  CHECK(rig.worker.context().snapshot() == rig.snapshot);
}

TEST_CASE("a connection counts as arriving until its worker has begun with it") {
  Rig rig;
  rig.publish();
  rig.accept();
  CHECK(rig.gate->arriving == 1);
  CHECK(rig.open() == 0);
  rig.turn();
  CHECK(rig.gate->arriving == 0);
  CHECK(rig.open() == 1);
  CHECK(rig.cells.connections_accepted.value() == 1);
}

TEST_CASE("a connection that ends leaves its listener's place to another one") {
  Rig rig;
  rig.publish();
  ::shutdown(rig.idle_client(), SHUT_RDWR);
  rig.settle();
  CHECK(rig.open() == 0);
  CHECK(rig.gate->connections == 0);
  CHECK(rig.cells.connections_open.value() == 0);
}

TEST_CASE("a worker that is asked to part with a client says whether it had one that waits") {
  Rig rig;
  rig.publish();
  std::optional<bool> made;
  const auto note = [&](bool parted) { made = parted; };
  rig.worker.part_with_client(rig.gate, note);
  rig.turn();
  CHECK(made == false);
  const int longest = rig.idle_client();
  const int shorter = rig.idle_client();
  rig.worker.part_with_client(rig.gate, note);
  rig.settle();
  CHECK(made == true);
  CHECK(is_hung_up_on(longest));
  CHECK_FALSE(is_hung_up_on(shorter));
}

TEST_CASE("a worker closes an idle connection where another one needs its place, and none of another upstream's") {
  Rig rig;
  rig.publish();
  const Upstream& orders = *rig.snapshot->upstream("orders");
  const Upstream& users = *rig.snapshot->upstream("users");
  const BackendPtr theirs(new Backend(SocketAddress()));
  rig.park(users, BackendPtr(new Backend(SocketAddress())));
  rig.park(orders, theirs);
  rig.park(orders, theirs);
  rig.worker.evict_idle(orders.state.get());
  rig.settle();
  CHECK(orders.state->connections == 1);
  CHECK(users.state->connections == 1);
}

TEST_CASE("what a look-up has found is where a worker's requests go from its next turn on") {
  Rig rig;
  rig.publish();
  const Upstream& orders = *rig.snapshot->upstream("orders");
  Balancer& balancer = rig.worker.context().balancer();
  CHECK(balancer.choose(orders, steady_now(), {}).backend == nullptr);
  const SocketAddress where = asio::ip::tcp::endpoint(asio::ip::make_address("10.0.0.1"), 80);
  rig.worker.on_resolved({orders.endpoints.front()->id,
                          std::make_shared<const std::vector<SocketAddress>>(std::vector{where}), steady_now() + 1h});
  rig.turn();
  const auto choice = balancer.choose(orders, steady_now(), {});
  REQUIRE(choice.backend);
  CHECK(choice.backend->address == where);
}

// ------------------------------------------------------------------------------------------------------ a drain

TEST_CASE("a worker is drained when its drain has begun and its last connection has ended") {
  Rig rig;
  rig.publish();
  CHECK_FALSE(rig.worker.drained());
  const int client = rig.accept();
  rig.turn();
  rig.worker.drain();
  CHECK_FALSE(rig.worker.drained());
  rig.settle();
  CHECK_FALSE(rig.worker.drained());
  ::shutdown(client, SHUT_RDWR);
  rig.settle();
  CHECK(rig.worker.drained());
}

TEST_CASE("a connection that was accepted before a drain is one that the drain waits for") {
  Rig rig;
  rig.publish();
  rig.accept();
  rig.worker.drain();
  rig.turn();
  CHECK(rig.open() == 1);
  CHECK_FALSE(rig.worker.drained());
}

TEST_CASE("a drain gives a client whose connection is idle a moment for a request that is on its way") {
  Rig rig;
  rig.publish();
  const int client = rig.idle_client();
  rig.worker.drain();
  rig.settle();
  CHECK_FALSE(is_hung_up_on(client));
  rig.worker.context().deadlines().tick(steady_now() + 1s);
  rig.settle();
  CHECK(is_hung_up_on(client));
  CHECK(rig.worker.drained());
}

// ------------------------------------------------------------------------------------------------------ its end

TEST_CASE("a worker that is stopped cuts off its clients, and its thread ends") {
  Rig rig;
  rig.publish();
  const int client = rig.idle_client();
  rig.worker.start();
  rig.worker.stop();
  rig.worker.join();
  CHECK(is_hung_up_on(client));
  CHECK(rig.open() == 0);
}

TEST_CASE("a worker that is stopped ends refreshes and requests of its own as well, and no idle connection stays") {
  Rig rig;
  rig.publish();
  Job refresh(rig.worker.context().refreshes(), true);
  Job probe(rig.worker.context().own_requests(), true);
  rig.park(*rig.snapshot->upstream("users"), BackendPtr(new Backend(SocketAddress())));
  rig.worker.start();
  rig.worker.stop();
  rig.worker.join();
  CHECK(refresh.was_stopped());
  CHECK(probe.was_stopped());
  CHECK(rig.snapshot->upstream("users")->state->connections == 0);
}

TEST_CASE("a worker's thread ends a second after it was stopped, although a task does not") {
  bool ran_before = false;
  bool ran_behind = false;
  Rig rig;  // its end turns the loop
  Job stubborn(rig.worker.context().refreshes(), false);
  Loop& loop = rig.worker.context().loop();
  stubborn.on_stop = [&] {
    loop.post([&] {
      loop.deadlines().tick(stubborn.stopped_at() + 990ms);
      loop.post([&] {
        ran_before = true;
        loop.deadlines().tick(stubborn.stopped_at() + 1500ms);
        loop.post([&] { ran_behind = true; });
      });
    });
  };
  rig.worker.start();
  rig.worker.stop();
  rig.worker.join();
  CHECK(stubborn.was_stopped());
  CHECK(ran_before);
  CHECK_FALSE(ran_behind);
  rig.worker.context().refreshes().remove(stubborn);
}
