// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/admission.hpp"

#include "proxy/tls/server_context.hpp"

namespace fusewire::proxy {

namespace {

const config::ListenerLimits kDefaults;

}  // namespace

Admission::Admission(const WorkerContext& worker, const ListenerGate& gate, Channel& client, Inbound& inbound,
                     Http1Persistence& persistence)
    : worker_(worker),
      gate_(gate),
      client_(client),
      inbound_(inbound),
      persistence_(persistence),
      address_(client.descriptor(), inbound.peer.address) {}

void Admission::adopt_new() {
  const Listener* listener = worker_.snapshot()->listener(gate_.name);
  if (listener == nullptr || has_other_security(*listener)) {
    persistence_.leave();
    if (listener != nullptr && is_insecure_for(*listener)) persistence_.end();
    if (snapshot_) return;
  }
  snapshot_ = worker_.snapshot();
  listener_ = listener;
  client_.allow_half_close(listener != nullptr && listener->config->client_half_close == config::HalfClose::answer);
  inbound_.limits = listener != nullptr ? &listener->config->limits : &kDefaults;
  inbound_.peer.trusted = listener != nullptr && address_.is_in(listener->config->trust_forwarded);
  if (listener == nullptr || !inbound_.peer.forwarding.empty()) return;
  inbound_.peer.port = local_port(client_.descriptor(), listener->config->address);
  inbound_.peer.forwarding = forwarding_of(inbound_.peer);
}

void Admission::look_ahead() {
  const Listener* const listener = worker_.snapshot()->listener(gate_.name);
  if (listener == nullptr || has_other_security(*listener)) persistence_.leave();
}

void Admission::let_go() {
  inbound_.limits = &kDefaults;
  inbound_.upgrades = nullptr;
  inbound_.route = nullptr;
  listener_ = nullptr;
  snapshot_.reset();
}

// The name has gone to another address since this connection began, TLS has been turned on or off, or asks more of
// clients.
bool Admission::has_other_security(const Listener& listener) const {
  if (!snapshot_) return false;
  const bool moved = listener_ != nullptr && listener.config->address != listener_->config->address;
  const bool secure = client_.tls() != nullptr;
  return moved || (listener.tls != nullptr) != secure || is_insecure_for(listener);
}

// Its client would have to show now what it has not shown: no further request is served.
bool Admission::is_insecure_for(const Listener& listener) const {
  if (!snapshot_ || !listener.tls) return false;
  const bool known = listener_ != nullptr && listener_->tls != nullptr && client_.tls() != nullptr;
  return !known || !listener.tls->still_admits(*listener_->tls, *client_.tls());
}

}  // namespace fusewire::proxy
