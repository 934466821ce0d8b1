// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "filters/attempt_chain.hpp"
#include "filters/breaker/rejection.hpp"
#include "proxy/upstream/forward.hpp"
#include "proxy/upstream/pooled_streams.hpp"

namespace fusewire::proxy {

// What is left of an attempt that another one has followed.
struct EndedAttempt {
  Exchange x;  // its response is gone
  std::shared_ptr<EndpointState> endpoint;
  BackendPtr backend;  // nullptr: no address was known
  unsigned tries = 0;  // on so many connections
};

// One try of a call at one endpoint of its upstream: the exchange, its filters and the forwarding. Its CallRunner owns
// it, on its worker's thread. Use: begin(); where no filter has answered, what Forward says of its use.
class Attempt {
 public:
  // `tried`: where earlier attempts of the call went.
  Attempt(WorkerContext& worker, Inbound& inbound, const Upstream& upstream, std::string_view via, Call& call,
          CallChain& calls, const Balancer::Tried& tried)
      : filters(upstream.chain),
        streams(worker, inbound, upstream, tried),
        forward(worker, inbound, upstream, via, call, x, {calls, filters}, streams),
        call_(call) {
    call.exchange = &x;
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Chooses the endpoint and asks the filters about it. After an Answer nothing is sent to it.
  Step begin(Reply& reply, Time now) {
    x.begun = now;
    if (!forward.choose_endpoint()) return Proceed{};
    if (!streams.endpoint()) {
      call_.set(Flag::circuit_open);
      const auto retry_after = streams.retry_after(now);
      call_.note(Decision::endpoints_open, now, 0, 0, retry_after ? retry_after->count() : -1);
      reply = endpoints_rejection_reply(*call_.upstream, retry_after);
      return Answer{};
    }
    x.endpoint = streams.context();
    return filters.on_endpoint(call_, x, reply, now);
  }

  EndedAttempt ended() const { return {x, streams.endpoint(), streams.backend(), forward.attempts()}; }

  Exchange x;
  AttemptChain filters;
  PooledStreams streams;
  Forward forward;

 private:
  Call& call_;
};

}  // namespace fusewire::proxy
