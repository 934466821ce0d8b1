// SPDX-License-Identifier: Apache-2.0
// What a webhook has to say: one event of a breaker, and how many it stands for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "proxy/observe/event_log.hpp"

namespace fusewire::proxy {

// How a breaker is, for those who look at it.
enum class Standing : std::uint8_t { in_trouble, closed, gone };
using StandingOf = std::function<Standing(const std::string& breaker)>;

// How it was found out.
enum class Found : std::uint8_t { event, closed, gone };  // closed, gone: by a look at the breaker

struct Notice {
  LoggedEvent logged;
  config::WebhookEvent event = config::WebhookEvent::open;
  config::Mode mode = config::Mode::enforce;
  std::uint64_t held_back = 0;                    // earlier events about this breaker that min_interval kept back
  std::chrono::system_clock::time_point since{};  // when the breaker opened; of others the event's own time
  Found found = Found::event;
};

// What ends this one's trouble where no event has done so. Its time is yet to be set.
Notice end_of(const Notice&, Standing);

// Nothing: the event is none that webhooks know.
std::optional<config::WebhookEvent> webhook_event(const breaker::Event&);

// Whether the upstream is still in trouble after it.
inline bool is_trouble(const Notice& notice) {
  return notice.event == config::WebhookEvent::open || notice.event == config::WebhookEvent::half_open;
}

// "orders" of "orders/10.0.0.1:80", which is the breaker of one address, and of "orders/read", which is a route's.
inline std::string_view upstream_of(std::string_view breaker) { return breaker.substr(0, breaker.find('/')); }

// One sentence in plain text.
std::string sentence(const Notice&);
// "consecutive_failures (5 of 5)"; empty where nothing has tripped.
std::string reason(const Notice&);

}  // namespace fusewire::proxy
