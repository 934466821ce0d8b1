// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/notice.hpp"

#include <array>
#include <cstdio>

#include "config/scalars.hpp"

namespace fusewire::proxy {
namespace {

using config::WebhookEvent;

std::string number(double value) {
  std::array<char, 32> digits{};
  const int n = std::snprintf(digits.data(), digits.size(), "%.4g", value);
  return {digits.data(), static_cast<std::size_t>(n)};
}

// Jitter makes odd milliseconds of a whole number of seconds.
std::string about(std::chrono::milliseconds value) {
  using namespace std::chrono_literals;
  return config::format_duration(
      value < 1s ? value : std::chrono::milliseconds(std::chrono::round<std::chrono::seconds>(value)));
}

std::string opened(const Notice& notice) {
  const auto& trip = notice.logged.event.trip;
  std::string text = " is open";
  if (trip) text += ": " + reason(notice) + ", for " + about(trip->open_for);
  return notice.mode == config::Mode::enforce ? text : text + "; its mode is shadow: nothing is rejected";
}

std::string overridden(const breaker::Event& event) {
  const bool open = event.override_state == breaker::Override::forced_open;
  const std::string text = open ? " is forced open" : " is forced closed";
  return text + (event.override_for ? " for " + config::format_duration(*event.override_for) : " until it is released");
}

std::string predicate(const Notice& notice) {
  switch (notice.event) {
    case WebhookEvent::open:
      return opened(notice);
    case WebhookEvent::half_open:
      return " is half-open: trial calls are let through";
    case WebhookEvent::closed:
      return notice.found == Found::gone ? " is gone: nothing asks it any more" : " is closed again";
    case WebhookEvent::override_set:
      return overridden(notice.logged.event);
    case WebhookEvent::override_ended:
      return notice.logged.event.override_for ? ": the override's time is over" : ": the override was released";
    case WebhookEvent::reset:
      return " was reset";
  }
  return {};
}

}  // namespace

std::optional<WebhookEvent> webhook_event(const breaker::Event& event) {
  switch (event.kind) {
    case breaker::Event::Kind::transition:
      if (event.to == breaker::State::open) return WebhookEvent::open;
      return event.to == breaker::State::closed ? WebhookEvent::closed : WebhookEvent::half_open;
    case breaker::Event::Kind::override_set:
      return WebhookEvent::override_set;
    case breaker::Event::Kind::override_ended:
      return WebhookEvent::override_ended;
    case breaker::Event::Kind::reset:
      return WebhookEvent::reset;
    case breaker::Event::Kind::rejection:
    case breaker::Event::Kind::result:
      break;
  }
  return std::nullopt;
}

Notice end_of(const Notice& trouble, Standing standing) {
  Notice over = trouble;
  over.event = WebhookEvent::closed;
  over.found = standing == Standing::gone ? Found::gone : Found::closed;
  over.held_back = 0;
  over.logged.event = {.kind = breaker::Event::Kind::transition,
                       .at = trouble.logged.event.at,
                       .generation = trouble.logged.event.generation,
                       .from = trouble.logged.event.to,
                       .to = breaker::State::closed};
  return over;
}

std::string reason(const Notice& notice) {
  const auto& trip = notice.logged.event.trip;
  if (!trip) return {};
  return std::string(to_string(trip->reason)) + " (" + number(trip->value) + " of " + number(trip->threshold) + ")";
}

std::string sentence(const Notice& notice) {
  std::string text = "Circuit breaker " + notice.logged.breaker + predicate(notice);
  if (notice.held_back > 0)
    text += " (" + std::to_string(notice.held_back) + " earlier " + (notice.held_back == 1 ? "event" : "events") +
            " held back)";
  return text;
}

}  // namespace fusewire::proxy
