// SPDX-License-Identifier: Apache-2.0
// Streams on the worker's own connections: its pool's, those that are the client's own, and new ones.
#pragma once

#include <memory>
#include <optional>

#include "proxy/upstream/http1_exchange.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/injected_stream.hpp"
#include "proxy/upstream/stream_source.hpp"

namespace fusewire::proxy {

// Made without allocation, a part of its attempt. All connections speak HTTP/1.1 so far, so that its stream is one of
// that protocol, in place.
class PooledStreams final : public StreamSource, private Watcher {
 public:
  // All of them outlive it. Its streams, and what is waited for on the way to one, set `news`.
  // `tried`: the endpoints that are not to be chosen; `ask_breakers`: as for the balancer.
  PooledStreams(WorkerContext& worker, Inbound& inbound, Event& news, const Upstream& upstream,
                const Balancer::Tried& tried, bool ask_breakers)
      : worker_(worker),
        inbound_(inbound),
        news_(news),
        upstream_(upstream),
        tried_(tried),
        ask_breakers_(ask_breakers),
        dial_(worker, upstream, news, *this) {}
  PooledStreams(const PooledStreams&) = delete;
  PooledStreams& operator=(const PooledStreams&) = delete;

  bool choose_endpoint(Time now) override;
  const std::shared_ptr<EndpointState>& endpoint() const override;
  // Of the endpoint that was chosen.
  EndpointContext context() const;
  const void* id() const { return choice_.id(); }
  const EndpointState* endpoint_state() const {
    return choice_.endpoint != nullptr ? choice_.endpoint->get() : nullptr;
  }
  const BackendPtr& backend() const { return choice_.backend; }  // nullptr: no address of it is known
  // Where none could be chosen: until one can.
  std::optional<milliseconds> retry_after(Time now) { return worker_.balancer().retry_after(upstream_, now); }

  UpstreamStream* reuse(Time now, milliseconds keep_alive) override;
  UpstreamStream* inject(std::uint16_t abort) override;
  Task<bool> acquire_slot(const Dial::GiveUp& give_up) override { return dial_.acquire_slot(give_up); }
  Task<UpstreamStream*> connect(Time now, const Dial::Until&, const Dial::GiveUp&) override;
  Outcome failure() const override { return dial_.outcome(); }
  const TlsFault& tls_fault() const override { return dial_.tls_fault(); }
  bool is_resolving() const override { return dial_.is_resolving(); }
  Time::duration held() const override { return dial_.held(); }
  void cancel_connect() override { dial_.cancel(); }

  bool needs_this_connection() const override { return own_ && inbound_.connection_bound; }
  void bind_to_client() override;
  void discard() override;

  void finish(const End&) override;
  std::unique_ptr<UpstreamConnection> take_connection() override;

 private:
  void on_activity() override { news_.set(); }
  bool take_own_connection();
  std::uint64_t hash_key() const;
  UpstreamStream* begin();

  WorkerContext& worker_;
  Inbound& inbound_;
  Event& news_;  // the attempt's
  const Upstream& upstream_;
  const Balancer::Tried& tried_;
  const bool ask_breakers_;
  Dial dial_;
  Balancer::Choice choice_{};
  std::unique_ptr<UpstreamConnection> connection_;
  std::optional<Http1Exchange> exchange_;     // on it
  std::unique_ptr<InjectedStream> injected_;  // in its place
  bool own_ = false;                          // the connection has been the client's own before this request
};

}  // namespace fusewire::proxy
