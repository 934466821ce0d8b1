// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/budget_witness.hpp"

#include <algorithm>
#include <cmath>

namespace fusewire::testing {

namespace {

BudgetWitness* witness = nullptr;

constexpr milliseconds kSlot{250};  // in which the budget counts

std::int64_t thousandths(double ratio) { return std::lround(ratio * 1000); }

}  // namespace

BudgetWitness::BudgetWitness(std::vector<std::string>& findings, Time begun) : findings_(findings), begun_(begun) {
  witness = this;
}
BudgetWitness::~BudgetWitness() { witness = nullptr; }
BudgetWitness* BudgetWitness::current() { return witness; }

void BudgetWitness::paid(const RetryBudget& budget, const config::RetryBudget& settings, Time now) {
  accounts_[&budget].paid.emplace_back(now, thousandths(settings.ratio));
}

// A token more than the rule allows is one too many. A refusal must be right at least where the slots are counted
// against it.
void BudgetWitness::asked(const RetryBudget& budget, const config::RetryBudget& settings, bool granted, Time now) {
  Account& account = accounts_[&budget];
  const milliseconds window = settings.window;
  if (granted && !may_take(account, settings, now, window, window))
    findings_.push_back("a retry was granted beyond the budget");
  if (!granted && may_take(account, settings, now, window - 2 * kSlot, window + kSlot))
    findings_.push_back("a retry was refused within the budget");
  if (granted)
    account.taken.push_back(now);
  else
    ++account.refused;
}

bool BudgetWitness::may_take(const Account& account, const config::RetryBudget& settings, Time now,
                             milliseconds window_paid, milliseconds window_taken) const {
  std::int64_t paid = 0;
  for (auto entry = account.paid.rbegin(); entry != account.paid.rend() && now - entry->first <= window_paid; ++entry)
    paid += entry->second;
  std::int64_t taken = 1;
  for (auto entry = account.taken.rbegin(); entry != account.taken.rend() && now - *entry < window_taken; ++entry)
    ++taken;
  const auto age = std::chrono::duration_cast<milliseconds>(now - begun_) + std::chrono::seconds(1);
  const double minimum = settings.min_per_second * static_cast<double>(std::min(window_paid, age).count());
  return static_cast<double>(taken * 1000) <= static_cast<double>(paid) + minimum;
}

// ------------------------------------------------------------------------------------------------------ wrapped

void real_deposit(RetryBudget*, const config::RetryBudget&, Time) asm(
    "__real__ZN8fusewire11RetryBudget7depositERKNS_6config11RetryBudgetENSt6chrono10time_pointINS5_3_V212steady_"
    "clockENS5_8durationIlSt5ratioILl1ELl1000000000EEEEEE");
void wrapped_deposit(RetryBudget*, const config::RetryBudget&, Time) asm(
    "__wrap__ZN8fusewire11RetryBudget7depositERKNS_6config11RetryBudgetENSt6chrono10time_pointINS5_3_V212steady_"
    "clockENS5_8durationIlSt5ratioILl1ELl1000000000EEEEEE");
void wrapped_deposit(RetryBudget* self, const config::RetryBudget& settings, Time now) {
  if (witness != nullptr) witness->paid(*self, settings, now);
  real_deposit(self, settings, now);
}

bool real_try_take(RetryBudget*, const config::RetryBudget&, Time) asm(
    "__real__ZN8fusewire11RetryBudget8try_takeERKNS_6config11RetryBudgetENSt6chrono10time_pointINS5_3_V212steady_"
    "clockENS5_8durationIlSt5ratioILl1ELl1000000000EEEEEE");
bool wrapped_try_take(RetryBudget*, const config::RetryBudget&, Time) asm(
    "__wrap__ZN8fusewire11RetryBudget8try_takeERKNS_6config11RetryBudgetENSt6chrono10time_pointINS5_3_V212steady_"
    "clockENS5_8durationIlSt5ratioILl1ELl1000000000EEEEEE");
bool wrapped_try_take(RetryBudget* self, const config::RetryBudget& settings, Time now) {
  const bool granted = real_try_take(self, settings, now);
  if (witness != nullptr) witness->asked(*self, settings, granted, now);
  return granted;
}

}  // namespace fusewire::testing
