// SPDX-License-Identifier: Apache-2.0
// What is posted, in the words of each receiver. Values in, values out.
#pragma once

#include <string>
#include <string_view>

#include "filters/time.hpp"
#include "proxy/webhooks/notice.hpp"

namespace fusewire::proxy {

// Alertmanager forgets an alert that is not sent again: so often it is, and so long it lasts.
inline constexpr std::chrono::seconds kAlertRepeat{60};
inline constexpr std::chrono::seconds kAlertLasts{240};

struct Posted {
  const config::Webhook& hook;
  const Notice& notice;
  const std::string& source;       // who says so
  const std::string& routing_key;  // PagerDuty's
  WallTime now;
};

// A JSON text.
std::string webhook_body(const Posted&);

// Where the format has a place of its own: for an empty URL, and for an empty path.
std::string_view usual_url(config::WebhookFormat);
std::string_view usual_target(config::WebhookFormat);

}  // namespace fusewire::proxy
