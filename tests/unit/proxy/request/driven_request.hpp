// SPDX-License-Identifier: Apache-2.0
// A request without a client's connection: a scripted client at one end, an origin's socket at the other, and a worker
// that moves only when the test says so.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/net/spawn.hpp"
#include "proxy/request/request_runner.hpp"
#include "tests/fuzz/exchange/stage.hpp"
#include "tests/unit/proxy/request/scripted_client.hpp"

namespace fusewire::testing {

using fuzz::Setup;
using fuzz::Stage;
using fuzz::World;
using proxy::RequestRunner;

class Driven {
 public:
  explicit Driven(Setup setup = {}) : Driven(World::of(setup), nullptr) {}
  // Another client's request at the same worker. It must end before this one does.
  Driven beside() const { return Driven(world, shared_); }
  Driven(const Driven&) = delete;
  ~Driven() {
    if (!ended_) client_leaves();
    if (shared_.use_count() == 1) stage.end();
  }
  Driven& operator=(const Driven&) = delete;

  // A head and as much of its body as is in `text`.
  void comes(std::string_view text) {
    text_ = text;
    const auto head = proxy::http::parse_request_head(text_, {}, inbound.request);
    REQUIRE(head.parsed == proxy::http::Parsed::complete);
    inbound.connection = head.connection;
    inbound.request_id = "the-id";
    inbound.body = proxy::http::BodyDecoder(inbound.request.body, inbound.request.content_length);
    inbound.buffered_body = inbound.body.decode(text_.data() + head.size, text_.size() - head.size).data;
    runner_.emplace(stage.context(), inbound,
                    RequestRunner::Admitted{.snapshot = snapshot,
                                            .listener = listener,
                                            .listener_name = "main",
                                            .started = std::chrono::steady_clock::now(),
                                            .wall = {}});
    proxy::spawn(run(), "request");
    stage.settle();
  }
  void origin_sends(std::string_view bytes) {
    REQUIRE(stage.origin() != nullptr);
    stage.origin()->send(bytes);
    stage.settle();
  }
  void origin_finishes() {
    stage.origin()->finish();
    stage.settle();
  }
  // Of several connections to the origin.
  void origin_sends(std::size_t connection, std::string_view bytes) {
    stage.connection(connection).send(bytes);
    stage.settle();
  }
  // By the proxy, or it was closed by the test.
  bool is_cut_off(std::size_t connection) {
    return !stage.connection(connection).open() || stage.connection(connection).ended;
  }
  void client_leaves() {
    client.leave();
    if (runner_) runner_->client_left();
    inbound.event.set();
    stage.settle();
  }
  void client_takes_again() {
    client.take_again();
    stage.settle();
  }
  void process_stops() {
    runner_->stop();
    inbound.event.set();
    stage.settle();
  }

  bool has_ended() const { return ended_; }
  std::size_t reached_the_origin() const { return stage.arrivals().size(); }
  // In the route's cells, with or without an answer, or in the listener's.
  std::uint64_t recorded() const { return recorded_ever() - recorded_before_; }

  World& world;

 private:
  Driven(World& of, std::shared_ptr<Stage> on)
      : world(of),
        shared_(on ? std::move(on) : std::make_shared<Stage>(of, false)),
        stage(*shared_),
        snapshot(of.snapshot()) {
    listener = snapshot->listeners.front().get();
    inbound.session = alive_;
    inbound.limits = &listener->config->limits;
    recorded_before_ = recorded_ever();
  }

  std::shared_ptr<Stage> shared_;

 public:
  Stage& stage;
  std::shared_ptr<const proxy::Snapshot> snapshot;
  const proxy::Listener* listener = nullptr;
  ScriptedClient client;
  proxy::Event event;
  proxy::Inbound inbound{.client = client, .event = event, .session = {}};

 private:
  proxy::Task<void> run() {
    co_await runner_->serve();
    ended_ = true;
  }
  std::uint64_t recorded_ever() const {
    std::uint64_t sum = 0;
    const proxy::Listener& own = *snapshot->listeners.front();
    for (const auto* cells : {&own.routes.front().cells->of(0), &own.unrouted_cells->of(0)})
      for (const auto& cell : cells->by_class) sum += cell.value();
    return sum;
  }

  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::string text_;
  std::optional<RequestRunner> runner_;
  std::uint64_t recorded_before_ = 0;
  bool ended_ = false;
};

}  // namespace fusewire::testing
