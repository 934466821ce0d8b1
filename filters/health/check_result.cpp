// SPDX-License-Identifier: Apache-2.0
#include "filters/health/check_result.hpp"

#include <array>

namespace fusewire::health {

namespace {

using breaker::FailureKind;

struct Row {
  CheckResult result;
  std::string_view name;
  FailureKind failure;
};

constexpr std::array<Row, kCheckResults> kRows = {{
    {CheckResult::passed, "passed", FailureKind::other},
    {CheckResult::bad_status, "bad_status", FailureKind::status},
    {CheckResult::connect_error, "connect_error", FailureKind::connect_error},
    {CheckResult::tls_error, "tls_error", FailureKind::connect_error},
    {CheckResult::timeout, "timeout", FailureKind::timeout},
    {CheckResult::reset, "reset", FailureKind::reset},
    {CheckResult::protocol_error, "protocol_error", FailureKind::protocol_error},
    {CheckResult::incomplete, "incomplete", FailureKind::incomplete},
    {CheckResult::not_made, "not_made", FailureKind::other},
}};

// Each value has its row, in its place.
static_assert([] {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].result) != i) return false;
  return true;
}());

const Row& row_of(CheckResult result) { return kRows[static_cast<std::size_t>(result)]; }

bool is_good(int status, const std::bitset<600>& good) {
  return status >= 0 && status < 600 && good[static_cast<std::size_t>(status)];
}

}  // namespace

std::string_view to_string(CheckResult result) { return row_of(result).name; }

CheckResult result_of(const Answer& answer, const std::bitset<600>& good) noexcept {
  if (answer.outcome == Outcome::complete)
    return is_good(answer.status, good) ? CheckResult::passed : CheckResult::bad_status;
  if (answer.outcome == Outcome::tls_error) return CheckResult::tls_error;
  const auto failure = fusewire::row(answer.outcome).failure;
  if (!failure) return CheckResult::not_made;
  switch (*failure) {
    case FailureKind::connect_error:
      return CheckResult::connect_error;
    case FailureKind::timeout:
      return CheckResult::timeout;
    case FailureKind::reset:
      return CheckResult::reset;
    case FailureKind::protocol_error:
      return CheckResult::protocol_error;
    case FailureKind::incomplete:
      return CheckResult::incomplete;
    case FailureKind::status:
    case FailureKind::other:
      break;
  }
  return CheckResult::not_made;
}

FailureKind failure_of(CheckResult result) noexcept { return row_of(result).failure; }

}  // namespace fusewire::health
