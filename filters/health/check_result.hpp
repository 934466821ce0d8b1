// SPDX-License-Identifier: Apache-2.0
// What a request of the proxy's own, a check or a probe, has come to.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "filters/outcome.hpp"

namespace fusewire::health {

enum class CheckResult : std::uint8_t {
  passed,
  bad_status,     // a whole response, with a status that is not a success
  connect_error,  // refused or unreachable
  tls_error,
  timeout,  // of the connection, the handshake or the response
  reset,    // closed or reset before a whole head
  protocol_error,
  incomplete,  // the body broke off
  not_made,    // it says nothing of the endpoint: this proxy is out of sockets, or ends
};
inline constexpr std::size_t kCheckResults = 9;

// "passed", "bad_status", …: the spelling of metrics and of JSON.
std::string_view to_string(CheckResult);

// What the proxy knows at the end of such a request. `status`: of Outcome::complete.
struct Answer {
  Outcome outcome = Outcome::pending;
  int status = 0;
};

// `good`: the statuses that are a success.
CheckResult result_of(const Answer&, const std::bitset<600>& good) noexcept;

// What it is to a breaker; meaningless for `passed` and `not_made`.
breaker::FailureKind failure_of(CheckResult) noexcept;

}  // namespace fusewire::health
