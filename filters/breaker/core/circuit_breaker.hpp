// SPDX-License-Identifier: Apache-2.0
// The breaker for embedders: a name, a clock and calls. Coroutines: async_call.hpp.
#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "filters/breaker/core/breaker.hpp"

namespace fusewire::breaker {

using Clock = std::function<Time()>;

// Thrown by call() and async_call() where the breaker admits nothing.
class Rejected : public std::runtime_error {
 public:
  Rejected(const std::string& name, Rejection);
  const Rejection& rejection() const noexcept { return rejection_; }

 private:
  Rejection rejection_;
};

// A permit that reads the breaker's clock. Dropped means neutral; must not outlive its breaker.
class Call {
 public:
  Call(Permit permit, const Clock& clock) : permit_(std::move(permit)), clock_(&clock), began_(clock()) {}
  Call(Call&&) noexcept = default;
  Call& operator=(Call&&) noexcept = default;
  ~Call() { neutral(); }

  void success() { permit_.success((*clock_)()); }
  void failure(FailureKind kind = FailureKind::other) { permit_.failure(kind, (*clock_)()); }
  void neutral() {
    if (permit_.active()) permit_.neutral((*clock_)());
  }
  void on_slow() { permit_.on_slow((*clock_)()); }
  // Gives a half-open slot back while the call goes on; false where it holds none.
  bool give_back_slot() { return permit_.give_back_slot((*clock_)()); }
  bool active() const noexcept { return permit_.active(); }
  milliseconds age() const { return std::chrono::floor<milliseconds>((*clock_)() - began_); }

 private:
  Permit permit_;
  const Clock* clock_;  // the breaker's
  Time began_;
};

// Thread-safe, but for on_event and reconfigure (one control thread, on_event before traffic).
//
// A Breaker with a name and a clock, for a program without the proxy. That program owns it, mostly by way of Builder or
// Registry, and keeps it for longer than its calls. Simple calls go through call() or call_with_fallback(); a program
// that needs to say more of an outcome takes a Call from try_acquire() and ends it. What a call throws counts as a
// failure, and no exception is swallowed except where a fallback stands in for it.
class CircuitBreaker {
 public:
  // Throws std::invalid_argument for a config that is out of bounds (why_invalid). The jitter differs by name.
  CircuitBreaker(std::string name, const config::CircuitBreaker&, Clock = &std::chrono::steady_clock::now);

  const std::string& name() const noexcept { return name_; }

  std::variant<Call, Rejection> try_acquire();
  // A trial of the program's own, as Breaker::try_acquire_probe; with recovery.probe of type active there are no
  // others.
  std::optional<Call> try_acquire_probe();

  // Runs `op`: what it throws is a failure and passes on; Rejected without running it. An `op` that took slower_than or
  // longer was slow.
  template <class Op>
  std::invoke_result_t<Op&> call(Op&& op) {
    Call permit = acquire();
    return run(permit, op);
  }

  // `fallback` answers a rejection or a failure; it may take the std::exception_ptr.
  template <class Op, class Fallback>
  std::invoke_result_t<Op&> call_with_fallback(Op&& op, Fallback&& fallback) {
    try {
      return call(op);
    } catch (...) {
      if constexpr (std::is_invocable_v<Fallback&, std::exception_ptr>)
        return fallback(std::current_exception());
      else
        return fallback();
    }
  }

  State state() const noexcept { return core_.state(); }
  Snapshot snapshot() const { return core_.snapshot(clock_()); }
  // Each callback hears every event, in the order of its registration.
  void on_event(Breaker::Listener callback);
  void force_open(std::optional<milliseconds> for_ = std::nullopt) { core_.force_open(clock_(), for_); }
  void force_closed(std::optional<milliseconds> for_ = std::nullopt) { core_.force_closed(clock_(), for_); }
  void release() { core_.release(clock_()); }
  void reset() { core_.reset(clock_()); }
  Reconfigured reconfigure(const config::CircuitBreaker&);

  // The pieces of call(), for call wrappers of another kind (async_call.hpp).
  Call acquire();  // throws Rejected
  void succeed(Call&) const;
  void fail(Call&) const;

 private:
  template <class Op>
  std::invoke_result_t<Op&> run(Call& permit, Op& op) {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Op&>>) {
        op();
        succeed(permit);
      } else {
        decltype(auto) result = op();
        succeed(permit);
        return static_cast<std::invoke_result_t<Op&>>(result);
      }
    } catch (...) {
      fail(permit);
      throw;
    }
  }
  void note_slowness(Call&) const;

  std::string name_;
  Clock clock_;
  Breaker core_;
  std::atomic<Millis> slower_than_;  // negative: off
  std::vector<Breaker::Listener> callbacks_;
};

}  // namespace fusewire::breaker
