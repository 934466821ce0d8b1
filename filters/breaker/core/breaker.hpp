// SPDX-License-Identifier: Apache-2.0
// What state? The third of the breaker's three questions, and its core: a lock-free state machine for which time is an
// argument. How many is sliding_window.hpp; should it trip is trip_policy.hpp.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <variant>

#include "filters/breaker/core/override_word.hpp"
#include "filters/breaker/core/permit.hpp"
#include "filters/breaker/core/ramp.hpp"
#include "filters/breaker/core/settings.hpp"
#include "filters/breaker/core/silence.hpp"
#include "filters/breaker/core/stable_list.hpp"
#include "filters/breaker/core/state_word.hpp"
#include "filters/breaker/core/tagged.hpp"
#include "filters/breaker/core/trip_log.hpp"
#include "filters/breaker/core/trip_policy.hpp"
#include "filters/breaker/core/types.hpp"

namespace fusewire::breaker {

// Thread-safe, and nothing that a call needs takes a lock; snapshot and last_trip wait for a trip that is just being
// written. force_open, force_closed, release, reset and reconfigure take a mutex: they are for one control thread.
// listen is called before traffic. Its listener runs on the thread that made the event, must not call back into the
// breaker, and what it throws is swallowed.
//
//                     a detector finds its threshold reached (TripPolicy)
//      +----------+ ------------------------------------------------------> +----------+
//      |  closed  |                                                         |   open   |
//      +----------+ <---------------+                    +----------------- +----------+
//                                   |                    |                    ^
//       success_threshold trials    |                    |  first call after  |  enough trials failed or were slow
//       have succeeded              |                    v  the interval      |  (strict_mode: one), or all slots have
//                                   |               +-----------+             |  been held for max_half_open
//                                   +-------------- | half_open | ------------+
//                                                   +-----------+
//
// With recovery.ramp a breaker that has closed by its trials admits a growing share of calls for a while and rejects
// the others (RejectedBy::ramp); it is closed in all other respects. One that was closed by a reset, or is forced
// closed, admits all.
//
// With recovery.probe of type active nobody but try_acquire_probe() gets a trial: calls are rejected until trials have
// closed the breaker. Its owner asks for them again and again (it need not know the state); nothing closes the breaker
// otherwise.
//
// reset() leads from every state to closed. An override stands above the machine and does not move it: forced_open
// rejects all calls, forced_closed admits all, and verdicts that come meanwhile are counted and decide nothing (one
// that is on its way when the override is set may still). Mode `disabled` gives each call an unjudged permit, which
// reaches the totals alone; mode `shadow` gives one to each call that would be rejected.
//
// Who writes which member; calls run on any thread:
//
//   word_             state, generation and half-open counts: by transitions, and by each trial as it begins and ends
//   since_            by the call (or reset) that wins a transition, after it
//   admission_        by the call that takes a half-open slot, before it
//   counted_          by each verdict and each rejection, its rows by verdicts in closed; a reset or a reload ends rows
//   the windows       by calls that end, or turn slow, in closed; the control thread empties them at a reload
//   ramp_             by each call while the admitted share grows after a recovery
//   made_room_        by a call that gives its half-open slot back early
//   would_reject_     by a rejection in shadow mode
//   last_interval_ to last_trip_: by the call (or reset) that wins a transition
//   override_         by the control thread, and by the first call that finds it expired
//   settings_         by the control thread, which keeps the old ones; heard_: by listen
//
// Generations. Each transition and each reset begins a new one. A permit carries the generation of its admission, so a
// late verdict, of a call from before a transition, reaches the totals and moves nothing (a late broke_off does not
// even reach these). Windows, rows and times are tagged with it: a transition empties them by the one write that
// changes word_.
//
// No lock, because all workers ask the same breaker for each request: behind a mutex one preempted thread would hold up
// the others. State and generation fit one word, so a transition is one compare-and-swap; exactly one caller wins it,
// keeps the accounts and emits the event. Admission to a closed breaker reads three words and writes none.
//
// A permit begins with try_acquire and ends once: success, failure, neutral (also by its destructor) or withdraw (there
// was no call; it leaves no trace). Before that, on_slow may count it as slow, and give_back_slot may free its
// half-open slot while it stays a trial. After a success, broke_off may count one more failed call. It must not outlive
// the breaker.
//
// Time is the steady-clock argument `now`, in whole milliseconds since the breaker was made; no timer runs. An
// interval, or an override, that is over is noticed by the next call.
//
//   Breaker breaker(config, now(), seed);
//   auto answer = breaker.try_acquire(now());
//   if (auto* rejection = std::get_if<Rejection>(&answer)) return reject(*rejection);
//   Permit permit = std::get<Permit>(std::move(answer));
//   ask_upstream() ? permit.success(now()) : permit.failure(FailureKind::other, now());
class Breaker {
 public:
  using Listener = std::function<void(const Event&)>;

  // `seed` makes the jitter reproducible. Settings are taken as validated (why_invalid, config/validate.hpp).
  Breaker(const config::CircuitBreaker&, Time now, std::uint64_t seed);
  ~Breaker();
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;

  std::variant<Permit, Rejection> try_acquire(Time now) noexcept;
  // A half-open slot for a trial of the prober's own. Nothing while there is none to be had: the breaker is closed, its
  // interval runs, all slots are held, or it has an override or mode disabled. It is no rejection.
  std::optional<Permit> try_acquire_probe(Time now) noexcept;
  // Permit::broke_off for a judged permit that is gone: a new, failed call of its generation.
  void broke_off(std::uint32_t generation, FailureKind, Time now) noexcept;

  // The caller itself rejects a call, as open, for a reason that this breaker does not know: for the totals.
  void count_rejection(milliseconds retry_after, Time now) noexcept {
    refuse(context(now), {RejectedBy::open, retry_after});
  }

  // As the machine is, overrides and expiry of the open interval aside.
  State state() const noexcept { return load().state(); }
  // Whether a call would be admitted or the interval is over: for `requires` and `split`.
  bool available(Time now) const noexcept;
  // Whether an operator rejects all calls; never in another mode than enforce.
  bool is_forced_open(Time now) const noexcept;
  // Whether the next call would be a trial, or would find that the trials have taken too long. False under an override
  // and in another mode than enforce: there, nobody waits for a trial.
  bool wants_trial(Time now) const noexcept;
  // Ends an open interval early: the next calls are trials. For a caller that has nowhere else to go, or knows that it
  // is over. False, and nothing changes, in another state, in another mode than enforce, under an override, or where
  // trials are the prober's. Trials that fail then do not make the next interval longer: that may happen several times
  // a second.
  bool end_interval(Time now) noexcept;
  bool can_end_interval(Time now) const noexcept;
  // How long a call that comes now has to wait, as in Snapshot.
  std::optional<milliseconds> retry_after(Time now) const noexcept;
  // Whether a call that was admitted in that generation may be tried again: the breaker is still closed in it, and not
  // forced open.
  bool still_closed(std::uint32_t generation, Time now) const noexcept;
  Snapshot snapshot(Time now) const;
  std::optional<Trip> last_trip() const { return last_trip_.read(); }

  void force_open(Time now, std::optional<milliseconds> for_ = std::nullopt);
  void force_closed(Time now, std::optional<milliseconds> for_ = std::nullopt);
  void release(Time now);
  void reset(Time now);
  Reconfigured reconfigure(const config::CircuitBreaker&, Time now);

  // The kinds of events that reach the listener; an event that is not subscribed to costs nothing. Set before traffic.
  struct Subscription {
    bool transitions = true;  // and overrides, resets
    bool rejections = false;
    bool results = false;
  };
  void listen(Listener, Subscription);

 private:
  friend class Permit;

  // What one call of the breaker works with: one reading of the settings and of the time.
  struct CallContext {
    const Settings& settings;
    Time now;
    Millis at;
  };
  using Answer = std::variant<Permit, Rejection>;

  CallContext context(Time now) const noexcept;
  StateWord load() const noexcept { return StateWord(word_.load(std::memory_order_acquire)); }
  bool exchange(StateWord& word, StateWord wanted) noexcept;
  Millis left(StateWord open, Millis at) const noexcept { return open.left(at, since_.of(open.generation())); }

  // breaker.cpp: admission
  OverrideWord current_override(const CallContext&) noexcept;
  Answer acquire_overridden(const CallContext&, OverrideWord) noexcept;
  Answer acquire_by_state(const CallContext&, StateWord) noexcept;
  std::optional<Answer> acquire_slot(const CallContext&, StateWord& open_or_half_open) noexcept;
  Rejection why_not(const CallContext&, StateWord open_or_half_open) const noexcept;
  Answer acquire_closed(const CallContext&, StateWord) noexcept;
  std::optional<RampShare> ramp_share(const CallContext&, StateWord closed) const noexcept;
  bool half_open(const CallContext&, StateWord& open) noexcept;
  bool take_slot(const CallContext&, StateWord& half_open) noexcept;
  Answer refuse(const CallContext&, Rejection) noexcept;
  Permit permit(const CallContext&, StateWord, bool slot = false) noexcept;
  Permit unjudged(const CallContext&) noexcept;
  Millis waited(const CallContext&, StateWord half_open) const noexcept;
  std::uint32_t slots(const CallContext&, StateWord half_open) const noexcept;

  // verdicts.cpp
  void finish(const Permit&, Event::Result, FailureKind, Time now) noexcept;
  bool turned_slow(const Permit&, Time now) noexcept;
  bool is_silent(const Permit&, Time now) noexcept;
  std::uint64_t answered_calls() const noexcept;
  void broke_off(const Permit&, FailureKind, Time now) noexcept;
  void broke_off(std::uint32_t generation, bool probed, FailureKind, Time now) noexcept;
  struct Ended {
    std::optional<FailureKind> failed = std::nullopt;
    bool was_slow = false;
    bool broke_off = false;  // after it had been settled
  };
  void record(const CallContext&, StateWord closed, Ended) noexcept;
  Rows update_rows(const CallContext&, std::uint32_t generation, Ended) noexcept;
  enum class Room : bool { same, one_more };
  void give_back_early(std::uint32_t generation, Room, Time now) noexcept;
  struct Probe {
    bool gives_back = false;  // its slot
    bool succeeded = false;
  };
  void probe_ended(const CallContext&, StateWord half_open, Probe) noexcept;
  void probe_failed(const CallContext&, StateWord half_open, bool gives_back, std::optional<FailureKind>) noexcept;
  void count(const CallContext&, Event::Result, FailureKind) noexcept;

  // transitions.cpp
  bool trip(const CallContext&, StateWord& word, Cause) noexcept;
  std::uint32_t next_row(const CallContext&, StateWord from) const noexcept;
  double jitter_share(std::uint32_t generation) const noexcept;
  void on_transition(const CallContext&, StateWord from, StateWord to, const Trip* = nullptr) noexcept;
  void emit(const Event&) const noexcept;

  // snapshot.cpp
  void show_windows(const CallContext&, StateWord, Snapshot&) const noexcept;
  void show_times(const CallContext&, StateWord, Snapshot&) const noexcept;
  void show_counts(Snapshot&) const noexcept;

  // control.cpp
  void force(Override, Time now, std::optional<milliseconds> for_);
  void end_override(const CallContext&);
  void reset_locked(const CallContext&);
  const Settings& adopt(Settings, const config::CircuitBreaker&, Reconfigured&);

  struct Subscriber {
    Listener listener;
    Subscription hears;
  };

  // Every call reads these; while the breaker is closed, few write them.
  alignas(64) std::atomic<std::uint64_t> word_{0};
  std::atomic<OverrideWord> override_{};
  std::atomic<const Settings*> settings_{nullptr};
  const Time made_;
  const std::uint64_t seed_;
  std::unique_ptr<const Subscriber> heard_;
  Stamp since_;      // when the generation began; written just after its transition
  Stamp admission_;  // the last one of a half-open generation; written just before its slot is taken

  // Written by every call.
  struct alignas(64) Counted {
    std::atomic<std::uint64_t> success{0};
    std::atomic<std::uint64_t> failure{0};
    std::atomic<std::uint64_t> neutral{0};
    std::atomic<std::uint64_t> rejected{0};
    Streak failures;  // in a row
    Streak slow_calls;
  } counted_;
  static_assert(sizeof(Counted) == 64);

  // Slots of a half-open generation that give_back_slot freed: each makes room for one more, unless its trial was slow.
  TaggedCount made_room_;

  Silence silence_;

  Ramp ramp_;

  // Written by transitions, but for the first, which shadow mode counts.
  std::atomic<std::uint64_t> would_reject_{0};
  std::atomic<Millis> last_interval_{0};    // of the last trip
  std::atomic<Millis> override_set_at_{0};  // written by the control thread before override_
  std::array<std::atomic<Millis>, 3> time_in_{};
  std::array<std::atomic<std::uint32_t>, kReasons> trips_{};
  std::atomic<std::uint32_t> half_opened_{0};
  std::atomic<std::uint32_t> recovered_{0};         // half_open -> closed
  std::atomic<std::uint32_t> reset_while_open_{0};  // open -> closed, by a reset
  TripLog last_trip_;

  // The control thread's. Settings that a reload replaced stay until the breaker is destroyed, because a call may still
  // read them; a later reload that asks for the same ones reuses them.
  std::mutex control_;
  StableList<Settings> all_settings_;
  StableList<SlidingWindow> windows_;
  StableList<FailureWindow> failure_windows_;
};

}  // namespace fusewire::breaker
