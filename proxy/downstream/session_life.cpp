// SPDX-License-Identifier: Apache-2.0
// What happens to a client's connection from outside its requests: a new configuration, the drain, a new client that
// needs its place, the end.
#include <algorithm>

#include "proxy/downstream/session.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/tls/server_context.hpp"

namespace fusewire::proxy {

namespace {

const config::ListenerLimits kDefaults;

}  // namespace

// ------------------------------------------------------------------------------------------------------ configuration

// The configuration that admits the next request. A connection whose listener is gone, or admits others now, gets no
// other: what it has begun, or has on its way, is served as it was admitted.
void Session::adopt_snapshot() {
  if (snapshot_ == worker_.snapshot()) return;
  route_ = nullptr;  // it points into the old one
  const Listener* listener = worker_.snapshot()->listener(gate_->name);
  if (listener == nullptr || has_other_security(*listener)) {
    leaving_ = true;
    if (listener != nullptr && is_insecure_for(*listener)) close_ = true;
    if (snapshot_) return;
  }
  snapshot_ = worker_.snapshot();
  listener_ = listener;
  client_->allow_half_close(listener != nullptr && listener->config->client_half_close == config::HalfClose::answer);
  inbound_.limits = listener != nullptr ? &listener->config->limits : &kDefaults;
  inbound_.peer.trusted = listener != nullptr && is_trusted(*listener->config);
  if (listener == nullptr || !inbound_.peer.forwarding.empty()) return;
  inbound_.peer.port = port_of(*listener->config);
  inbound_.peer.forwarding = forwarding_of(inbound_.peer);
}

// For the rest of the connection, which may be long: nothing of it is asked any more.
void Session::let_snapshot_go() {
  inbound_.limits = &kDefaults;
  inbound_.upgrades = nullptr;
  route_ = nullptr;
  listener_ = nullptr;
  snapshot_.reset();
}

// An idle connection does not keep the old configuration alive.
void Session::configuration_changed() {
  if (inbound_.bound) inbound_.bound->drop_retired();
  if (tunnel_) return;
  if (idle_) {
    adopt_snapshot();
    if (!leaving_) return;
    if (!close_) return drain();
    client_->close();
    return wake();
  }
  const Listener* const listener = worker_.snapshot()->listener(gate_->name);
  leaving_ = leaving_ || listener == nullptr || has_other_security(*listener);
}

// The name has gone to another address since this connection began, TLS has been turned on or off, or asks more of
// clients.
bool Session::has_other_security(const Listener& listener) const {
  if (!snapshot_) return false;
  const bool moved = listener_ != nullptr && listener.config->address != listener_->config->address;
  return moved || (listener.tls != nullptr) != secure_ || is_insecure_for(listener);
}

// Its client would have to show now what it has not shown: no further request is served.
bool Session::is_insecure_for(const Listener& listener) const {
  if (!snapshot_ || !listener.tls) return false;
  const bool known = secure_ && listener_ != nullptr && listener_->tls != nullptr && client_->tls() != nullptr;
  return !known || !listener.tls->still_admits(*listener_->tls, *client_->tls());
}

// ------------------------------------------------------------------------------------------------------ the end

void Session::drain() {
  if (call_ != nullptr) call_->stop_running_on();
  if (!idle_ && !owes_body_) return;
  client_deadline_.arm(std::min(client_deadline_.due(), steady_now() + kDrainIdle));
}

// Its place in the list is that of its first wait of this kind: a client that drips does not move back.
void Session::wait_in(WaitingList& list, Time since) {
  if (refuse_ || this->list() == &list) return;
  leave();
  list.append(*this, since);
}

bool Session::give_way() {
  if (!lingers_ && client_->has_unread()) return false;
  close_ = true;
  client_->close();
  wake();
  return true;
}

void Session::stop() {
  close_ = true;
  stopped_ = true;
  if (tunnel_) tunnel_->cut();
  cut_client();
  if (call_ != nullptr) call_->cut_off(Outcome::cut_off);
  wake();
}

// What it has of a response must not look whole (RFC 9112 §8).
void Session::cut_client() { until_close_ ? client_->reset() : client_->close(); }

}  // namespace fusewire::proxy
