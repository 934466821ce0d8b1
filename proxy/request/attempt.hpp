// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "filters/attempt_chain.hpp"
#include "filters/breaker/rejection.hpp"
#include "proxy/upstream/forward.hpp"
#include "proxy/upstream/pooled_streams.hpp"

namespace fusewire::proxy {

// What the attempts of a call have in common. All of it outlives them.
struct CallParts {
  WorkerContext& worker;
  Inbound& inbound;
  const Upstream& upstream;
  const ChainContext& context;
  std::string_view via;
  Call& call;
  CallChain& chain;

  // A route's own breaker stands in the place of those of addresses.
  bool asks_endpoint_breakers() const { return context.above_breaker == nullptr; }
};

// What is left of an attempt that is over while its call goes on.
struct EndedAttempt {
  Exchange x;  // its response is gone
  std::shared_ptr<EndpointState> endpoint;
  BackendPtr backend;  // nullptr: no address was known
  unsigned tries = 0;  // on so many connections
};

// One try of a call at one endpoint of its upstream: the exchange, its filters and the forwarding. Attempts or a Hedge
// owns it, on its worker's thread. Use: lead(), unless it runs beside another one; begin(); where no filter has
// answered, what Forward says of its use.
class Attempt {
 public:
  // `tried`: where earlier attempts of the call went.
  Attempt(const CallParts& of, const Balancer::Tried& tried)
      : filters(of.context),
        streams(of.worker, of.inbound, news, of.upstream, tried, of.asks_endpoint_breakers()),
        forward(of.worker, of.inbound, news, of.upstream, of.via, of.call, x, {of.chain, filters, x}, streams),
        call_(of.call) {}
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // From here on it is the one that the call's filters see, and hears of its client and of what else sets the driver's
  // event.
  void lead(Event& driver) {
    call_.exchange = &x;
    news.wait_beside(driver);
  }

  // Chooses the endpoint and asks the filters about it. After an Answer nothing is sent to it.
  Step begin(Reply& reply, Time now) {
    x.begun = now;
    if (!forward.choose_endpoint()) return Proceed{};
    if (!streams.endpoint()) {
      const auto retry_after = streams.retry_after(now);
      call_.note(Decision::endpoints_open, now, 0, 0, retry_after ? retry_after->count() : -1);
      reply = endpoints_rejection_reply(*call_.upstream, retry_after);
      return Answer{};
    }
    x.endpoint = streams.context();
    return filters.on_endpoint(call_, x, reply, now);
  }

  // When its endpoint's part ended: what falls due together is reported with its own times.
  Time ended_at(Time now) const { return x.response_end != kNever ? x.response_end : now; }
  EndedAttempt ended() const { return {x, streams.endpoint(), streams.backend(), forward.attempts()}; }

  Exchange x;
  Event news;  // what its coroutine waits for
  AttemptChain filters;
  PooledStreams streams;
  Forward forward;

 private:
  Call& call_;
};

}  // namespace fusewire::proxy
