// SPDX-License-Identifier: Apache-2.0
// The attempts of one call, one after the other, and now and then two at a time: where they go, and how each ends.
#pragma once

#include <optional>
#include <vector>

#include "filters/reply.hpp"
#include "proxy/request/hedge.hpp"

namespace fusewire::proxy {

// A part of its CallRunner, which drives it: begin() and, where no filter has answered, fetch_head(); end() before the
// next begin(). On its worker's thread. Invariants: current() is the attempt whose exchange is the call's; when
// fetch_head() has returned no other attempt runs, and what it had of its upstream has been given back.
class Attempts {
 public:
  explicit Attempts(const CallParts& of) : of_(of) {}
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;

  Attempt* current() const { return current_; }  // nullptr: there has been none
  // All others, in the order in which they ended.
  const std::vector<EndedAttempt>& ended() const { return ended_; }
  unsigned count() const { return before_ + (current_ != nullptr ? current_->forward.attempts() : 0); }

  Step begin(Reply&, Time now);
  // Until there is a head, or the outcome says why not.
  Task<void> fetch_head();
  // The endpoint's part is over; the call goes on with another attempt.
  Task<void> end(Time now);

  // Whether another endpoint is to be asked at once: this one was sent nothing, which is no retry, whatever the method.
  bool may_go_elsewhere();
  // The current attempt is followed by another one: elsewhere, if it has failed and there is another endpoint.
  void note_failure() { note_failure(*current_); }
  void forget_failures_of_all(Time now);
  // Where the reply may be followed by another attempt: whether that has somewhere to go.
  void note_endpoints(const Reply&, Time now);

 private:
  Task<void> fetch_hedged(Time at);
  Task<void> take_over();
  Task<void> end(Attempt&, Time now);
  void note_failure(const Attempt&);
  void keep(const Attempt&);
  bool decides(const Attempt& first) const;
  bool can_choose(Time now, const Balancer::Tried& tried) const {
    return of_.worker.balancer().can_choose(of_.upstream, now, tried, of_.asks_endpoint_breakers());
  }

  const CallParts of_;
  Balancer::Tried tried_;  // the endpoints of attempts that have failed
  std::optional<Attempt> own_;
  std::optional<Hedge> hedge_;  // of own_
  Attempt* current_ = nullptr;  // own_, or the hedge's
  std::vector<EndedAttempt> ended_;
  unsigned before_ = 0;  // attempts of those that are over
};

}  // namespace fusewire::proxy
