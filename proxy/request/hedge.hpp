// SPDX-License-Identifier: Apache-2.0
// One more attempt of a call beside its own, when that has not answered in time (retries.hedge): two attempts and one
// wait.
#pragma once

#include <memory>

#include "proxy/net/deadlines.hpp"
#include "proxy/request/attempt.hpp"

namespace fusewire::proxy {

// A part of the call's Attempts, made for one attempt that may be hedged; on its thread. The first attempt runs in the
// driver's coroutine, and the hedge, once it has begun, in one of its own, with an event of its own: the driver waits
// for the first one's fetch_head(), which also returns when the hedge has answered well (has_won()). Then it either
// drops the hedge, or takes its attempt over, which leads the call from then on. Until that the hedge hears nothing of
// the client. Invariants: a good answer, or an interim response on its way to the client, decides at once; what fails
// beside a running attempt decides nothing; after drop() and wait_for_end() no coroutine of it runs.
class Hedge {
 public:
  // It begins at `at`, where the filters then ask for it. `first` and `tried` outlive it.
  Hedge(const CallParts&, Attempt& first, const Balancer::Tried& tried, Time at);
  Hedge(const Hedge&) = delete;
  Hedge& operator=(const Hedge&) = delete;

  // It begins no more.
  void disarm() { timer_.disarm(); }
  bool has_begun() const { return attempt_ != nullptr; }
  bool is_running() const { return running_; }
  // It has answered first; the first attempt is superseded.
  bool has_won() const { return won_; }

  Attempt& attempt() { return *attempt_; }
  // Until its attempt, which leads by now, has a head, an interim response or an outcome.
  Task<void> wait_for_end();
  // Ends its attempt, if it has not ended; `why` is its outcome then.
  Task<void> drop(Outcome why, HedgeResult);

 private:
  void begin();
  Task<void> run();
  void on_end();
  bool has_good_answer() const;
  void conclude(HedgeResult);
  void note(HedgeResult, Time now);

  const CallParts of_;
  Attempt& first_;
  Balancer::Tried tried_;
  Deadline timer_;
  std::unique_ptr<Attempt> attempt_;
  Event done_;            // its coroutine has ended, and the driver waits for that
  bool running_ = false;  // its coroutine
  bool awaited_ = false;  // by the driver
  bool won_ = false;
  bool concluded_ = false;  // its attempt's filters have heard of its end
};

}  // namespace fusewire::proxy
