// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/rejection.hpp"

#include <cmath>
#include <utility>

namespace fusewire {
namespace {

using breaker::Reason;
using breaker::RejectedBy;

// "12.4 s", with the decimal only where there is one.
std::string in_seconds(milliseconds ms) {
  const auto tenths = (ms.count() + 99) / 100;
  std::string text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + " s";
}

// Exact, for what was configured: "250 ms", "1.5 s".
std::string exact(milliseconds ms) {
  return ms >= milliseconds(1000) && ms.count() % 100 == 0 ? in_seconds(ms) : std::to_string(ms.count()) + " ms";
}

std::string counted(double value, const char* one, const char* many) {
  const auto count = std::llround(value);
  return std::to_string(count) + (count == 1 ? one : many);
}

// "62 % of 13 calls failed".
std::string share(double ratio, std::uint64_t calls, const char* what) {
  return std::to_string(std::llround(ratio * 100)) + " % of " +
         counted(static_cast<double>(calls), " call ", " calls ") + what;
}

std::string why(const config::CircuitBreaker& settings, const breaker::Trip& trip) {
  switch (trip.reason) {
    case Reason::consecutive_failures:
      return counted(trip.value, " failure in a row", " failures in a row");
    case Reason::failure_count: {
      std::string text = counted(trip.value, " failure", " failures");
      const auto& detector = settings.detection.failure_count;
      return detector ? text + " within " + in_seconds(detector->window) : text;
    }
    case Reason::failure_rate:
      return share(trip.value, trip.window.ended, "failed");
    case Reason::consecutive_slow_calls: {
      std::string text = counted(trip.value, " call in a row", " calls in a row");
      const auto& detector = settings.detection.slow_call_rate;
      return text + (detector ? " slower than " + exact(detector->slower_than) : " too slow");
    }
    case Reason::slow_call_rate:
      return share(trip.value, trip.window.judged, "were slow");
    case Reason::probe_failed:
      return "a trial call failed";
    case Reason::half_open_timeout:
      return "the trial calls did not end in time";
  }
  return {};
}

std::string_view state_of(RejectedBy by) {
  switch (by) {
    case RejectedBy::open:
      return "open";
    case RejectedBy::half_open:
      return "half_open";
    case RejectedBy::forced_open:
      return "forced_open";
    case RejectedBy::ramp:
      return "ramp";
  }
  return {};
}

Reply open_reply(std::string detail, std::string_view state, std::optional<milliseconds> retry_after) {
  Reply reply;
  reply.origin = Reply::Origin::problem;
  reply.problem = Problem::circuit_breaker_open;
  reply.status = 503;
  reply.detail = std::move(detail);
  reply.state = state;
  reply.retry_after = retry_after;
  return reply;
}

}  // namespace

std::string rejection_sentence(std::string_view name, const config::CircuitBreaker& settings,
                               const breaker::Rejection& rejection, const breaker::Trip* trip) {
  std::string text;
  text.reserve(128);
  text.append("circuit breaker '").append(name).append("' is ");
  switch (rejection.by) {
    case RejectedBy::open:
      text += "open";
      if (trip != nullptr) text += ": " + why(settings, *trip);
      if (rejection.retry_after) text += "; next trial in " + in_seconds(*rejection.retry_after);
      break;
    case RejectedBy::half_open:
      text += "half-open: its trial calls are still running";
      break;
    case RejectedBy::forced_open:
      text += "forced open by an operator";
      if (rejection.retry_after) text += " for another " + in_seconds(*rejection.retry_after);
      break;
    case RejectedBy::ramp:
      text += "closed again, but for now admits only a growing share of calls";
      break;
  }
  return text;
}

Reply rejection_reply(std::string_view name, const config::CircuitBreaker& settings,
                      const breaker::Rejection& rejection, const breaker::Trip* trip) {
  return open_reply(rejection_sentence(name, settings, rejection, trip), state_of(rejection.by), rejection.retry_after);
}

Reply endpoints_rejection_reply(const config::Upstream& upstream, std::optional<milliseconds> retry_after) {
  std::string text = "the circuit breakers of all endpoints of '" + upstream.name + "' are open";
  if (retry_after && *retry_after > milliseconds::zero()) text += "; next trial in " + in_seconds(*retry_after);
  return open_reply(std::move(text), state_of(RejectedBy::open), retry_after);
}

}  // namespace fusewire
