// SPDX-License-Identifier: Apache-2.0
// Hears of each payment into a retry budget and of each wish for a token, and judges the answers by the budget's one
// rule, counted plainly. The linker puts it between budgets and filters (wrapped_symbols.txt).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "filters/retry/retry_budget.hpp"

namespace fusewire::testing {

// While one lives; there is one at a time. One thread.
class BudgetWitness {
 public:
  // What breaks the rule is added to `findings`. Budgets are made by the time `begun`.
  BudgetWitness(std::vector<std::string>& findings, Time begun);
  ~BudgetWitness();
  BudgetWitness(const BudgetWitness&) = delete;
  BudgetWitness& operator=(const BudgetWitness&) = delete;
  static BudgetWitness* current();

  void paid(const RetryBudget&, const config::RetryBudget&, Time now);
  void asked(const RetryBudget&, const config::RetryBudget&, bool granted, Time now);

  struct Account {
    std::vector<std::pair<Time, std::int64_t>> paid;  // thousandths of a retry
    std::vector<Time> taken;
    std::uint64_t refused = 0;
  };
  const Account& of(const RetryBudget& budget) { return accounts_[&budget]; }

 private:
  bool may_take(const Account&, const config::RetryBudget&, Time now, milliseconds window_paid,
                milliseconds window_taken) const;

  std::vector<std::string>& findings_;
  const Time begun_;
  std::map<const RetryBudget*, Account> accounts_;
};

}  // namespace fusewire::testing
