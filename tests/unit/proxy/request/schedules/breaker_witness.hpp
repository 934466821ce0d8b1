// SPDX-License-Identifier: Apache-2.0
// Hears of every call of every breaker, in order, and leads a reference model of each through the same calls: what the
// model decides otherwise is a finding. The linker puts its functions between the breakers and those who call them
// (wrapped_symbols.txt).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "filters/breaker/core/breaker.hpp"
#include "filters/time.hpp"
#include "tests/unit/filters/breaker/reference_model.hpp"

namespace fusewire::testing {

// While one lives it sees the process' breakers that have been made meanwhile; there is one at a time. One thread.
class BreakerWitness {
 public:
  using Breaker = breaker::Breaker;
  using Permit = breaker::Permit;
  using Model = breaker::testing::ReferenceModel;

  // What differs is added to `findings`.
  explicit BreakerWitness(std::vector<std::string>& findings);
  ~BreakerWitness();
  BreakerWitness(const BreakerWitness&) = delete;
  BreakerWitness& operator=(const BreakerWitness&) = delete;
  static BreakerWitness* current();

  // Nothing is under way: no permit is left, and what each breaker shows and counts is what was asked of it.
  void check_quiet(Time now);
  std::uint64_t calls() const { return calls_; }
  std::uint64_t trips() const;
  // Calls of that breaker that have ended as a success or a failure.
  std::uint64_t judged(const Breaker& breaker);

  // ------ what is said to breakers and permits
  void made(const Breaker&, const config::CircuitBreaker&, Time now);
  void gone(const Breaker& breaker) { seen_.erase(&breaker); }
  void answered(Breaker&, const std::variant<Permit, breaker::Rejection>&, Time now);
  void moved(const Permit& from, const Permit& to);
  void ends(const Permit&, breaker::Event::Result, Time now);
  void dropped(const Permit&);
  void turns_slow(const Permit&, Time now);
  void withdrawn(const Permit&, Time now);
  void gave_slot_back(const Permit&, bool gave, Time now);
  std::uint64_t failures_of(const Permit&);  // so far, of its breaker
  void broke_off(const Permit&, bool counted, std::uint64_t failures_before, Time now);
  void rejection_counted(const Breaker&);
  void interval_ended(const Breaker&, bool ended, Time now);
  void forced(const Breaker&, breaker::Override, std::optional<milliseconds> for_, Time now);
  void released(const Breaker&, Time now);
  void was_reset(const Breaker&, Time now);
  void reconfigured(const Breaker&, const config::CircuitBreaker&, const breaker::Reconfigured&, Time now);

 private:
  struct Seen {
    Seen(const Breaker& breaker, const config::CircuitBreaker& settings, Time now);
    Model& at(Time now);

    const Breaker& real;
    Model model;
    Time made;
    std::int64_t model_now = 0;
    Time latest;
    std::uint64_t number = 0;
    std::uint64_t asked = 0;      // calls
    std::uint64_t withdrawn = 0;  // of them
    std::uint64_t judged = 0;     // likewise
    std::uint64_t broke_off = 0;  // counted a second time, when their streams broke off
    bool differs = false;         // once is enough
  };
  struct Held {
    Seen* of = nullptr;
    Model::Permit permit;
    bool succeeded = false;  // it may break off
  };

  Seen* find(const Breaker& breaker);
  Held* find(const Permit& permit);
  void compare(Seen&, const std::string& what);
  void differs(Seen&, const std::string& how);

  std::vector<std::string>& findings_;
  std::map<const Breaker*, std::unique_ptr<Seen>> seen_;
  std::map<const Permit*, Held> held_;
  std::uint64_t calls_ = 0;
  std::uint64_t breakers_ = 0;
};

}  // namespace fusewire::testing
