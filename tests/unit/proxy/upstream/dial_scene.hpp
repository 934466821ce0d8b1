// SPDX-License-Identifier: Apache-2.0
// One request's dial, step by step: at the other end is a socket in the file system that the test listens at, or does
// not; names are looked up by the test.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"
#include "proxy/upstream/dial.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/upstream/no_names.hpp"

namespace fusewire::testing {

using namespace fusewire::proxy;
using namespace std::chrono_literals;

// It is bound, and refuses; or it listens.
class DialOrigin {
 public:
  explicit DialOrigin(bool listens) {
    const boost::asio::local::stream_protocol::endpoint where(path);
    ::unlink(path.c_str());
    REQUIRE(::bind(socket_, where.data(), static_cast<socklen_t>(where.size())) == 0);
    if (listens) REQUIRE(::listen(socket_, 8) == 0);
  }
  ~DialOrigin() {
    ::close(socket_);
    ::unlink(path.c_str());
  }
  DialOrigin(const DialOrigin&) = delete;
  DialOrigin& operator=(const DialOrigin&) = delete;

  // The one that has connected; the caller closes it.
  int accept() const {
    const int connected = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    REQUIRE(connected >= 0);
    return connected;
  }

  bool nobody_else_came() const {
    pollfd watched{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, 0) == 0;
  }

  const std::string path = "/tmp/fusewire-dial-" + std::to_string(::getpid());

 private:
  const int socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

struct DialScene final : Watcher {
  explicit DialScene(bool listens = true, bool by_name = false)
      : origin(listens), rig(setting(by_name ? "http://orders.example" : "unix:" + origin.path)) {}
  // By name, over TLS; `ca`: a file.
  explicit DialScene(const std::string& ca)
      : origin(true), rig(setting("https://orders.example", ", tls: {ca: " + ca + "}")) {}
  ~DialScene() {
    give_up();
    connection.reset();
    worker.pool().close_all();
    for (const int peer : peers) ::close(peer);
    CHECK(upstream.state->connections == 0);
    dns.stop();
  }
  static std::string setting(const std::string& endpoint, const std::string& more = {}) {
    return "listen: 127.0.0.1:0\nlog: {level: off}\nupstreams:\n"
           "  orders: {endpoints: [\"" +
           endpoint + "\"], limits: {max_connections: 2}" + more + "}\n";
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

  const DialOrigin origin;
  ControlRig rig;
  std::shared_ptr<const Snapshot> snapshot = rig.control.snapshot();
  const Upstream& upstream = *snapshot->upstreams.front();
  NoNames dns;
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

}  // namespace fusewire::testing
