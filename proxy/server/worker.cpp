// SPDX-License-Identifier: Apache-2.0
#include "proxy/server/worker.hpp"

#include "proxy/downstream/session.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::chrono::seconds kStopBackstop{1};
constexpr std::chrono::seconds kTrim{10};

}  // namespace

Worker::Worker(std::size_t index, WorkerCells& cells, DnsCache& dns)
    : context_(index, cells, dns, [this] { end_if_stopped(); }),
      prober_(context_),
      backstop_(context_.deadlines(), [this] { context_.loop().stop(); }),
      trim_(context_.deadlines(), [this] { trim(); }) {}

Worker::~Worker() {
  stop();
  join();
}

void Worker::trim() {
  context_.buffers().trim();
  trim_.arm(steady_now() + kTrim);
}

void Worker::start() {
  trim();
  thread_ = std::thread([this] {
    FramePool::use(&context_.frames());
    context_.loop().run();
    context_.access_log().flush();  // of those that were cut off last
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::publish(std::shared_ptr<const Snapshot> snapshot) {
  context_.loop().post([this, snapshot = std::move(snapshot)] {
    context_.adopt(snapshot);
    prober_.adopt(context_.snapshot());
  });
}

void Worker::accept(int fd, std::shared_ptr<ListenerGate> gate, bool refuse) {
  gate->arriving.fetch_add(1, std::memory_order_relaxed);
  context_.loop().post([this, fd, gate = std::move(gate), refuse] {
    spawn(Session::run(std::make_shared<Session>(context_, fd, gate, refuse)), "session");
    gate->arriving.fetch_sub(1, std::memory_order_relaxed);
  });
}

void Worker::part_with_client(std::shared_ptr<ListenerGate> gate, std::function<void(bool made)> done) {
  context_.loop().post([this, gate = std::move(gate), done = std::move(done)] {
    done(gate->waiting.of(context_.index()).part_with_one(steady_now()));
  });
}

void Worker::part_with_idle(std::function<void(bool made)> done) {
  context_.loop().post([this, done = std::move(done)] { done(context_.pool().evict_longest()); });
}

void Worker::evict_idle(const UpstreamState* state) {
  context_.loop().post([this, state] { context_.pool().evict_one(*state); });
}

void Worker::on_resolved(const ResolvedName& found) {
  context_.loop().post([this, found] {
    context_.balancer().on_resolved(found, steady_now());
    prober_.addresses_changed(found.endpoint_id);
  });
}

void Worker::drain() {
  context_.loop().post([this] {
    context_.begin_drain();
    prober_.stop();
    context_.connections().for_each(&WorkerTask::drain);
    drain_begun_ = true;
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  context_.loop().post([this] {
    context_.begin_drain();
    prober_.stop();
    context_.connections().for_each(&WorkerTask::stop);
    context_.refreshes().for_each(&WorkerTask::stop);
    context_.own_requests().for_each(&WorkerTask::stop);
    context_.access_log().flush();
    context_.pool().close_all();
    stopping_ = true;
    end_if_stopped();
    // They end by themselves now; should one not, the process must end all the same.
    backstop_.arm(steady_now() + kStopBackstop);
  });
}

void Worker::end_if_stopped() {
  const bool ended = context_.connections().empty() && context_.refreshes().empty() && context_.own_requests().empty();
  if (stopping_ && ended) context_.loop().stop();
}

}  // namespace fusewire::proxy
