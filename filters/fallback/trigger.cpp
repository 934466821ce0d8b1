// SPDX-License-Identifier: Apache-2.0
#include "filters/fallback/trigger.hpp"

#include <array>

namespace fusewire {
Trigger trigger_of(const Call& call, const Reply& reply) noexcept {
  const Exchange& x = *call.exchange;
  switch (reply.origin) {
    case Reply::Origin::upstream:
      return Trigger::status;
    case Reply::Origin::problem:
      // Answers to the client's own mistakes, and a loop, stand whatever came of the upstream.
      if (row(reply.problem).trigger == Trigger::none) return Trigger::none;
      return row(x.outcome).fault == FaultOf::nobody ? row(reply.problem).trigger : row(x.outcome).trigger;
    case Reply::Origin::stored:
      break;
  }
  return Trigger::none;
}

bool falls_back(const Call& call, const Reply& reply) noexcept {
  return lists(call.fallback->on, trigger_of(call, reply), reply.status);
}

bool lists(const config::Conditions& on, Trigger trigger, int status) noexcept {
  switch (trigger) {
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
      return on.has_status(status);
  }
  return false;
}

std::string_view detail_of(Trigger trigger) noexcept {
  constexpr std::array<std::string_view, 9> kDetails = {
      "", "circuit-open", "connect-error", "timeout", "reset", "protocol-error", "incomplete", "overload", "status"};
  return kDetails[static_cast<std::size_t>(trigger)];
}

}  // namespace fusewire
