// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/dial.hpp"

#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/tls/client_context.hpp"

namespace fusewire::proxy {

namespace {

constexpr milliseconds kSlotPoll{5};  // until another worker has made room

std::uint64_t idle_connections(const UpstreamState& state) {
  return state.cells.sum([](const UpstreamCells& cells) { return cells.connections_idle.value(); });
}

}  // namespace

// Where all are taken and some are idle, an idle one makes room: ours at once, or another worker's a moment later. One
// look more where none is idle: another worker may have sent its response's last byte and not have come to give the
// connection back.
Task<bool> Dial::acquire_slot(const GiveUp& give_up) {
  UpstreamState& state = *upstream_.state;
  const std::uint32_t max = upstream_.config->limits.max_connections;
  Deadline look_again(worker_.deadlines(), [this] { news_.set(); });
  bool taken = UpstreamConnection::acquire_slot(state, max);
  bool waited = false;
  while (!taken) {
    if (!worker_.pool().evict_one(state)) {
      const auto idle = idle_connections(state);
      if ((idle == 0 && waited) || give_up()) co_return false;
      if (idle > 0 && state.evict_elsewhere) state.evict_elsewhere();
      waited = true;
      look_again.arm(steady_now() + kSlotPoll);
      co_await news_.wait();
      if (give_up()) co_return false;
    }
    taken = UpstreamConnection::acquire_slot(state, max);
  }
  co_return true;
}

Task<std::unique_ptr<UpstreamConnection>> Dial::connect(Balancer::Choice& choice, Time now, const Until& until,
                                                        const GiveUp& give_up) {
  outcome_ = Outcome::pending;
  held_ = {};
  if (!choice.backend) co_await resolve(choice, now, give_up);
  const BackendPtr backend = choice.backend = worker_.balancer().address_of(choice, now);
  ConnectorPtr connector;
  if (!backend)
    outcome_ = Outcome::dns_error;
  else
    connector = co_await reach(*backend, until, give_up);
  if (!connector) {
    upstream_.state->connections.fetch_sub(1, std::memory_order_relaxed);
    co_return nullptr;
  }
  auto connection = std::make_unique<UpstreamConnection>(
      ChannelPtr(new Channel(worker_.loop(), connector->take_descriptor(), worker_.buffers())), backend,
      upstream_.state, worker_.index());
  if (connection->channel().was_reset()) {  // the loop has no room for it
    outcome_ = Outcome::resource_exhausted;
    connection.reset();
  }
  if (!connection || !(*choice.endpoint)->tls) co_return connection;
  const bool secured = co_await secure(connection->channel(), **choice.endpoint, give_up);
  if (!secured) {
    if (outcome_ == Outcome::tls_error) backend->state->mark_unreachable(steady_now());
    connection.reset();
  }
  co_return connection;
}

// Until something is known of the endpoint's name.
Task<void> Dial::resolve(const Balancer::Choice& choice, Time now, const GiveUp& give_up) {
  const Balancer::Wait wait(worker_.balancer(), *choice.endpoint, upstream_.config->dns_refresh, now, watcher_);
  resolving_ = true;
  bool given_up = give_up();
  while (!wait.is_over() && !given_up) {
    co_await news_.wait();
    given_up = give_up();
  }
  resolving_ = false;
}

// Gives the connector that has reached it: where the address is silent, one of its trials.
Task<ConnectorPtr> Dial::reach(Backend& backend, const Until& until, const GiveUp& give_up) {
  const Time begun = steady_now();
  DialGate::Pass pass(backend.dials, backend.state->dials, until.connect_within, worker_.loop(), watcher_, begun);
  bool given_up = give_up();
  const bool waits = !pass.is_granted();
  if (waits) upstream_.state->cells.of(worker_.index()).dials_held.add();
  while (!pass.is_granted() && !given_up) {
    co_await news_.wait();
    given_up = give_up();
  }
  if (waits) held_ = steady_now() - begun;
  const ConnectorPtr reached = pass.take_connector();
  if (!reached && !given_up) co_return co_await dial(backend, until, give_up, pass);
  remember(backend, reached != nullptr, until);
  co_return given_up ? nullptr : reached;
}

ConnectorPtr Dial::begin(const Backend& backend, const Until& until, DialGate::Pass& pass) {
  cancel();
  connector_.reset(new Connector(worker_.loop()));
  pass.begin(steady_now());
  connector_->start({backend.address}, until.time, watcher_);
  return connector_;
}

// A trial's, in the place of the one that is under way.
ConnectorPtr Dial::take(const ConnectorPtr& reached) {
  cancel();
  return connector_ = reached;
}

// nullptr: outcome_ says why, and is `pending` where it was given up.
Task<ConnectorPtr> Dial::dial(const Backend& backend, const Until& until, const GiveUp& give_up, DialGate::Pass& pass) {
  ConnectorPtr connector = begin(backend, until, pass);
  const bool had_time = held_ == Time::duration::zero() || pass.has_time_until(until.time);
  bool of_trial = false;
  bool given_up = give_up();
  while (!connector->done() && !given_up) {
    co_await news_.wait();
    given_up = give_up();
    if (!pass.takes_new_connector() || given_up || connector->is_connected()) continue;
    const ConnectorPtr reached = pass.take_connector();
    of_trial = reached != nullptr;
    if (of_trial)
      connector = take(reached);
    else if (!connector->done())
      connector = begin(backend, until, pass);
  }
  outcome_ = connector->outcome();
  if (connector->is_connected() && !of_trial)
    pass.connected(steady_now());
  else if (outcome_ == Outcome::connect_refused || outcome_ == Outcome::connect_unreachable)
    pass.refused(outcome_, steady_now());
  const bool reached = !given_up && outcome_ == Outcome::pending;
  remember(backend, reached, had_time ? until : Until{.time = until.time, .limited_by_connect_timeout = false});
  if (reached)
    connector_.reset();
  else
    cancel();
  co_return reached ? connector : nullptr;
}

// If the client's own deadline cut the attempt short, or the wait for an address that was silent, the address is not
// blamed.
void Dial::remember(const Backend& backend, bool reached, const Until& until) const {
  const Time now = steady_now();
  const bool unreachable = outcome_ != Outcome::pending && outcome_ != Outcome::resource_exhausted;
  if (reached)
    backend.state->mark_reachable();
  else if (unreachable || (until.limited_by_connect_timeout && now >= until.time))
    backend.state->mark_unreachable(now);
}

// The handshake. False: outcome_ and tls_fault_ say why not, as connect() does.
Task<bool> Dial::secure(Channel& channel, const EndpointState& endpoint, const GiveUp& give_up) {
  channel.watch(&watcher_);
  channel.start_tls(upstream_.tls->connect(worker_.index(), endpoint.id, endpoint.server_name));
  bool given_up = give_up();
  while (channel.is_handshaking() && !channel.ended() && !given_up) {
    channel.start_read();
    co_await news_.wait();
    given_up = give_up();
  }
  TlsCells& cells = upstream_.state->cells.of(worker_.index()).tls;
  channel.watch(nullptr);
  if (channel.is_ready() && !given_up) {
    cells.done(channel.tls()->resumed());
    co_return true;
  }
  cells.failed.add();
  if (given_up) co_return false;
  outcome_ = Outcome::tls_error;
  tls_fault_ = channel.tls()->fault();
  if (worker_.upstream_complaints().pass(steady_now()))
    log::warn("TLS handshake with an upstream failed", {{"upstream", upstream_.config->name},
                                                        {"endpoint", endpoint.url},
                                                        {"error", tls_fault_.error},
                                                        {"reason", tls_fault_.reason}});
  co_return false;
}

void Dial::cancel() {
  if (connector_) connector_->cancel();
  connector_.reset();
}

}  // namespace fusewire::proxy
