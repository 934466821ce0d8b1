// SPDX-License-Identifier: Apache-2.0
// Deadlines fire up to a slot of the timing wheel late: what must not begin behind a request's own.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proxy/server/worker.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/request/schedules/virtual_clock.hpp"
#include "tests/unit/proxy/request/schedules/virtual_network.hpp"

using namespace fusewire;
using namespace std::chrono_literals;
using namespace testing;

namespace {

const std::string kRefused =
    "listen: 127.0.0.1:0\n"
    "log: {level: off}\n"
    "upstreams:\n"
    "  orders:\n"
    "    endpoints: [\"http://127.0.0.1:9000\"]\n"
    "    circuit_breaker: {mode: disabled}\n"
    "    retries: {attempts: 10, budget: off, backoff: {base: 5ms, max: 5ms}}\n";

// A request with that deadline, whose upstream refuses each connection.
struct Refused {
  // `seed`: of its back-off.
  Refused(milliseconds deadline, std::uint64_t seed) : clock(seed) {
    network.on_dial = [this](const LinkPtr& link) {
      dials.push_back(clock.now());
      link->refuse();
    };
    gate->connections = 1;
    gate->name = rig.control.snapshot()->listeners.front()->config->name;
    worker.publish(rig.control.snapshot());
    worker.accept(network.open(client), gate, false);
    client->send("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: " + std::to_string(deadline.count()) + "\r\n\r\n");
    settle();
    while (client->received.empty() && clock.now() < begun + 1s) {
      clock.advance_to(worker.context().deadlines().next());
      settle();
    }
    client->reset();
    settle();
  }
  ~Refused() { dns.stop(); }
  void settle() {
    for (int quiet = 0; quiet < 5; quiet = network.deliver() ? 0 : quiet + 1) worker.context().loop().turn(Time{});
  }

  VirtualClock clock;
  VirtualNetwork network;
  ControlRig rig{kRefused};
  proxy::DnsCache dns{proxy::resolve, [](const proxy::ResolvedName&) {}};
  proxy::Worker worker{0, rig.control.worker_cells().of(0), dns};
  std::shared_ptr<proxy::ListenerGate> gate = std::make_shared<proxy::ListenerGate>();
  LinkPtr client = std::make_shared<Link>(std::uint16_t{0});
  const Time begun = clock.now();
  std::vector<Time> dials;
};

}  // namespace

TEST_CASE("no retry begins behind the request's deadline, however late its back-off ends") {
  std::size_t retries = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const milliseconds deadline(1 + seed % 20);
    CAPTURE(seed);
    const Refused request(deadline, seed);
    CHECK(request.client->received.starts_with("HTTP/1.1 50"));
    for (const Time at : request.dials) CHECK(at - request.begun < deadline);
    retries += request.dials.size() - 1;
  }
  CHECK(retries > 40);
}
