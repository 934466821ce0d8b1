// SPDX-License-Identifier: Apache-2.0
// Calls of breakers and permits from other sources than their own: they come here, and go on to the real ones. (A
// member function takes its object as a first parameter: these are free functions under the members' names.)
#include <optional>
#include <variant>

#include "tests/unit/proxy/request/schedules/breaker_witness.hpp"

// NOLINTBEGIN(cppcoreguidelines-macro-usage): names of the linker.
#define TIME(since) \
  "NSt6chrono10time_pointINS" since "_3_V212steady_clockENS" since "_8durationIlSt5ratioILl1ELl1000000000EEEEEE"
#define REAL(symbol) asm("__real__ZN8fusewire7breaker" symbol)
#define WRAPPED(symbol) asm("__wrap__ZN8fusewire7breaker" symbol)
// Declares both of a function that is defined below.
#define BETWEEN(result, name, parameters, symbol) \
  result real_##name parameters REAL(symbol);     \
  result wrapped_##name parameters WRAPPED(symbol)
#define UNTIL "St8optionalINS6_IlS7_ILl1ELl1000EEEEE"
// NOLINTEND(cppcoreguidelines-macro-usage)

namespace fusewire::testing {
namespace {

using breaker::Breaker;
using breaker::Event;
using breaker::FailureKind;
using breaker::Permit;
using breaker::Rejection;
using Answer = std::variant<Permit, Rejection>;
using For = std::optional<milliseconds>;

BreakerWitness* witness() { return BreakerWitness::current(); }

}  // namespace

// ------------------------------------------------------------------------------------------------------ breakers

BETWEEN(void, make, (Breaker*, const config::CircuitBreaker&, Time, std::uint64_t),
        "7BreakerC1ERKNS_6config14CircuitBreakerE" TIME("6") "m");
void wrapped_make(Breaker* self, const config::CircuitBreaker& settings, Time now, std::uint64_t seed) {
  real_make(self, settings, now, seed);
  if (witness() != nullptr) witness()->made(*self, settings, now);
}

BETWEEN(void, unmake, (Breaker*), "7BreakerD1Ev");
void wrapped_unmake(Breaker* self) {
  if (witness() != nullptr) witness()->gone(*self);
  real_unmake(self);
}

BETWEEN(Answer, try_acquire, (Breaker*, Time), "7Breaker11try_acquireE" TIME("2"));
Answer wrapped_try_acquire(Breaker* self, Time now) {
  Answer answer = real_try_acquire(self, now);
  if (witness() != nullptr) witness()->answered(*self, answer, now);
  return answer;
}

// Breaker::count_rejection(), which is inline. The first argument is private to breakers.
BETWEEN(Answer, refuse, (Breaker*, const void*, Rejection), "7Breaker6refuseERKNS1_11CallContextENS0_9RejectionE");
Answer wrapped_refuse(Breaker* self, const void* context, Rejection rejection) {
  if (witness() != nullptr) witness()->rejection_counted(*self);
  return real_refuse(self, context, rejection);
}

BETWEEN(bool, end_interval, (Breaker*, Time), "7Breaker12end_intervalE" TIME("2"));
bool wrapped_end_interval(Breaker* self, Time now) {
  const bool ended = real_end_interval(self, now);
  if (witness() != nullptr) witness()->interval_ended(*self, ended, now);
  return ended;
}

BETWEEN(void, force_open, (Breaker*, Time, For), "7Breaker10force_openE" TIME("2") UNTIL);
void wrapped_force_open(Breaker* self, Time now, For time) {
  if (witness() != nullptr) witness()->forced(*self, breaker::Override::forced_open, time, now);
  real_force_open(self, now, time);
}

BETWEEN(void, force_closed, (Breaker*, Time, For), "7Breaker12force_closedE" TIME("2") UNTIL);
void wrapped_force_closed(Breaker* self, Time now, For time) {
  if (witness() != nullptr) witness()->forced(*self, breaker::Override::forced_closed, time, now);
  real_force_closed(self, now, time);
}

BETWEEN(void, release, (Breaker*, Time), "7Breaker7releaseE" TIME("2"));
void wrapped_release(Breaker* self, Time now) {
  if (witness() != nullptr) witness()->released(*self, now);
  real_release(self, now);
}

BETWEEN(void, reset, (Breaker*, Time), "7Breaker5resetE" TIME("2"));
void wrapped_reset(Breaker* self, Time now) {
  if (witness() != nullptr) witness()->was_reset(*self, now);
  real_reset(self, now);
}

BETWEEN(breaker::Reconfigured, reconfigure, (Breaker*, const config::CircuitBreaker&, Time),
        "7Breaker11reconfigureERKNS_6config14CircuitBreakerE" TIME("6"));
breaker::Reconfigured wrapped_reconfigure(Breaker* self, const config::CircuitBreaker& settings, Time now) {
  const breaker::Reconfigured what = real_reconfigure(self, settings, now);
  if (witness() != nullptr) witness()->reconfigured(*self, settings, what, now);
  return what;
}

// ------------------------------------------------------------------------------------------------------ permits

BETWEEN(void, move, (Permit*, Permit&&), "6PermitC1EOS1_");
void wrapped_move(Permit* self, Permit&& other) {
  if (witness() != nullptr) witness()->moved(other, *self);
  real_move(self, std::move(other));
}

BETWEEN(Permit&, assign, (Permit*, Permit&&), "6PermitaSEOS1_");
Permit& wrapped_assign(Permit* self, Permit&& other) {
  if (witness() != nullptr && self != &other) {
    witness()->dropped(*self);
    witness()->moved(other, *self);
  }
  return real_assign(self, std::move(other));
}

BETWEEN(void, drop, (Permit*), "6PermitD1Ev");
void wrapped_drop(Permit* self) {
  if (witness() != nullptr) witness()->dropped(*self);
  real_drop(self);
}

BETWEEN(void, success, (Permit*, Time), "6Permit7successE" TIME("2"));
void wrapped_success(Permit* self, Time now) {
  if (witness() != nullptr) witness()->ends(*self, Event::Result::success, now);
  real_success(self, now);
}

BETWEEN(void, failure, (Permit*, FailureKind, Time), "6Permit7failureENS0_11FailureKindE" TIME("3"));
void wrapped_failure(Permit* self, FailureKind kind, Time now) {
  if (witness() != nullptr) witness()->ends(*self, Event::Result::failure, now);
  real_failure(self, kind, now);
}

BETWEEN(void, neutral, (Permit*, Time), "6Permit7neutralE" TIME("2"));
void wrapped_neutral(Permit* self, Time now) {
  if (witness() != nullptr) witness()->ends(*self, Event::Result::neutral, now);
  real_neutral(self, now);
}

BETWEEN(void, on_slow, (Permit*, Time), "6Permit7on_slowE" TIME("2"));
void wrapped_on_slow(Permit* self, Time now) {
  if (witness() != nullptr) witness()->turns_slow(*self, now);
  real_on_slow(self, now);
}

BETWEEN(void, withdraw, (Permit*, Time), "6Permit8withdrawE" TIME("2"));
void wrapped_withdraw(Permit* self, Time now) {
  if (witness() != nullptr) witness()->withdrawn(*self, now);
  real_withdraw(self, now);
}

BETWEEN(bool, give_back_slot, (Permit*, Time), "6Permit14give_back_slotE" TIME("2"));
bool wrapped_give_back_slot(Permit* self, Time now) {
  const bool gave = real_give_back_slot(self, now);
  if (witness() != nullptr) witness()->gave_slot_back(*self, gave, now);
  return gave;
}

BETWEEN(bool, broke_off, (Permit*, FailureKind, Time), "6Permit9broke_offENS0_11FailureKindE" TIME("3"));
bool wrapped_broke_off(Permit* self, FailureKind kind, Time now) {
  const std::uint64_t before = witness() != nullptr ? witness()->failures_of(*self) : 0;
  const bool counted = real_broke_off(self, kind, now);
  if (witness() != nullptr) witness()->broke_off(*self, counted, before, now);
  return counted;
}

}  // namespace fusewire::testing
