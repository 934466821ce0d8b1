// SPDX-License-Identifier: Apache-2.0
// A request that a forward brings to its upstream: client, connections and stream are scripted, the filters are the
// real ones.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "filters/attempt_chain.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"
#include "proxy/upstream/forward.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/upstream/no_names.hpp"
#include "tests/unit/proxy/upstream/scripted_streams.hpp"

namespace fusewire::testing {

using namespace proxy;

inline const std::string kOneUpstream =
    "listen: 127.0.0.1:0\n"
    "log: {level: off}\n"
    "upstreams:\n"
    "  orders:\n"
    "    endpoints: [\"http://127.0.0.1:9000\"]\n"
    "    circuit_breaker: {transitions: {open_timeout: 1s}, recovery: {half_open_max_calls: 1, success_threshold: "
    "1}}\n";

// A client that has sent a request, and all that forwards it.
struct ForwardScene {
  explicit ForwardScene(std::string_view method = "GET", std::string_view body = {}, std::uint64_t length = 0) {
    client.body = &inbound.body;
    request.method = method;
    request.path = request.target = "/";
    if (length != 0) {
      request.body = BodyKind::length;
      request.content_length = length;
      first_of_body = body;
      inbound.body = http::BodyDecoder(BodyKind::length, length);
      inbound.buffered_body = inbound.body.decode(first_of_body.data(), first_of_body.size()).data;
    }
    inbound.route = &snapshot->listeners.front()->routes.front();
    inbound.request_id = "id";
    context = {.request = &request, .started = steady_now(), .body_replayable = inbound.body.done()};
    call.context = &context;
    call.exchange = &x;
    call.upstream = upstream.config;
    call.timeouts = &upstream.config->timeouts;
    call.fallback = &upstream.config->fallback;
    call.retries = &upstream.config->retries;
    call.circuit_breaker = &upstream.config->circuit_breaker;
    source.kept = &kept;
    source.fresh = &fresh;
    kept.idle_before = steady_now();
    worker.loop().turn(Time{});
  }
  ~ForwardScene() {
    if (!ended) finish();
    dns.stop();
  }

  // The filters let it pass, and the endpoint is chosen.
  void begin(Time now = steady_now()) {
    Reply reply;
    REQUIRE(proceeds(chain.on_request(call, reply, now)));
    x.begun = now;
    REQUIRE(forward.choose_endpoint());
    REQUIRE(proceeds(filters.on_endpoint(call, x, reply, now)));
  }
  // Until the head is there, or will not come, or something is waited for.
  void fetch(Time now = steady_now()) {
    begin(now);
    call.total_at = kNever;
    fetch_begun();
  }
  // The same behind begin(), with what the test has set meanwhile.
  void fetch_begun() { spawn(run(forward.fetch_head(), fetched), "fetch_head"); }
  void wake() { event.set(); }
  // Turns until the head is there, or will not come.
  void wait_for_end() {
    const Time patience = steady_now() + std::chrono::seconds(10);
    while (!fetched && steady_now() < patience) worker.loop().turn(patience);
    REQUIRE(fetched);
  }
  void wait() {
    waited = false;
    spawn(run(forward.wait(), waited), "wait");
  }
  void finish() {
    chain.on_done(call, steady_now());
    spawn(run(forward.finish(), ended), "finish");
    if (!ended) worker.loop().turn(Time{});
    REQUIRE(ended);
  }
  static Task<void> run(Task<void> task, bool& done) {
    co_await task;
    done = true;
  }

  ControlRig rig{kOneUpstream};
  std::shared_ptr<const Snapshot> snapshot = rig.control.snapshot();
  const Upstream& upstream = *snapshot->upstreams.front();
  NoNames dns;
  WorkerCells cells;
  WorkerContext worker{0, cells, dns, [] {}};
  UploadingClient client;
  Event event;
  Inbound inbound{.client = client, .event = event, .session = {}};
  fusewire::Request request;
  std::string first_of_body;
  ScriptedStream kept{worker.loop()};
  ScriptedStream fresh{worker.loop()};
  ScriptedSource source{upstream.endpoints.front()};
  RequestContext context;
  Exchange x;
  fusewire::Call call;
  CallChain chain{upstream.chain};
  AttemptChain filters{upstream.chain};
  Forward forward{worker, inbound, event, upstream, snapshot->via, call, x, {chain, filters, x}, source};
  bool fetched = false;
  bool waited = false;
  bool ended = false;
};

// Neither is kept: the request goes over a new connection.
struct OnFreshConnection : ForwardScene {
  template <class... Request>
  explicit OnFreshConnection(Request... asked) : ForwardScene(asked...) {
    source.kept = nullptr;
  }
};

}  // namespace fusewire::testing
