// SPDX-License-Identifier: Apache-2.0
#include "filters/fallback/trigger.hpp"

#include <array>

namespace fusewire {
namespace {

// The problem alone, where the outcome does not say more: nothing was asked of the upstream.
Trigger of_problem(Problem problem) noexcept {
  switch (problem) {
    case Problem::circuit_breaker_open:
      return Trigger::breaker_open;
    case Problem::concurrency_limit:
      return Trigger::overload;
    case Problem::connect_failed:
      return Trigger::connect_error;
    case Problem::connect_timeout:
    case Problem::response_timeout:
    case Problem::total_timeout:
      return Trigger::timeout;
    case Problem::upstream_reset:
      return Trigger::reset;
    case Problem::upstream_protocol_error:
      return Trigger::protocol_error;
    default:
      return Trigger::none;
  }
}

Trigger of_own_answer(Outcome outcome, Problem problem) noexcept {
  switch (outcome) {
    case Outcome::client_gone:
    case Outcome::cut_off:
    case Outcome::client_fault:
      return Trigger::none;
    case Outcome::connect_refused:
    case Outcome::connect_unreachable:
    case Outcome::dns_error:
    case Outcome::tls_error:
      return Trigger::connect_error;
    case Outcome::connect_timeout:
    case Outcome::dns_timeout:
    case Outcome::response_timeout:
    case Outcome::total_timeout:
    case Outcome::idle_timeout:
      return Trigger::timeout;
    case Outcome::reset:
      return Trigger::reset;
    case Outcome::protocol_error:
      return Trigger::protocol_error;
    case Outcome::incomplete:
      return Trigger::incomplete;
    case Outcome::overload:
    case Outcome::local_lack:
      return Trigger::overload;
    default:
      return of_problem(problem);
  }
}

}  // namespace

Trigger trigger_of(const Exchange& x, const Reply& reply) noexcept {
  switch (reply.origin) {
    case Reply::Origin::upstream:
      return Trigger::status;
    case Reply::Origin::problem:
      // Answers to the client's own mistakes, and a loop, stand whatever came of the upstream.
      return of_problem(reply.problem) == Trigger::none ? Trigger::none : of_own_answer(x.outcome, reply.problem);
    case Reply::Origin::stored:
      break;
  }
  return Trigger::none;
}

bool falls_back(const Exchange& x, const Reply& reply) noexcept {
  const config::Conditions& on = x.fallback->on;
  switch (trigger_of(x, reply)) {
    case Trigger::none:
      return false;
    case Trigger::breaker_open:
      return on.breaker_open;
    case Trigger::connect_error:
      return on.connect_error;
    case Trigger::timeout:
      return on.timeout;
    case Trigger::reset:
      return on.reset;
    case Trigger::protocol_error:
      return on.protocol_error;
    case Trigger::incomplete:
      return on.incomplete;
    case Trigger::overload:
      return on.overload;
    case Trigger::status:
      return on.has_status(reply.status);
  }
  return false;
}

std::string_view detail_of(Trigger trigger) noexcept {
  constexpr std::array<std::string_view, 9> kDetails = {
      "", "circuit-open", "connect-error", "timeout", "reset", "protocol-error", "incomplete", "overload", "status"};
  return kDetails[static_cast<std::size_t>(trigger)];
}

}  // namespace fusewire
