// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "filters/attempt_chain.hpp"
#include "proxy/upstream/forward.hpp"
#include "proxy/upstream/pooled_streams.hpp"

namespace fusewire::proxy {

// One try of a call at one endpoint of its upstream: the exchange, its filters and the forwarding. Its CallRunner owns
// it, on its worker's thread. Use: begin(); where no filter has answered, what Forward says of its use.
class Attempt {
 public:
  Attempt(WorkerContext& worker, Inbound& inbound, const Upstream& upstream, std::string_view via, Call& call,
          CallChain& calls)
      : streams(worker, inbound, upstream),
        forward(worker, inbound, upstream, via, call, x, calls, streams),
        call_(call) {
    call.exchange = &x;
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Chooses the endpoint and asks the filters about it. After an Answer it is not to be asked.
  Step begin(Reply& reply, Time now) {
    x.begun = now;
    return forward.choose_endpoint() ? chain_.on_endpoint(call_, x, reply, now) : Proceed{};
  }

  Exchange x;
  PooledStreams streams;
  Forward forward;

 private:
  Call& call_;
  AttemptChain chain_;
};

}  // namespace fusewire::proxy
