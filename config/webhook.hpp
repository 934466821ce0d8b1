// SPDX-License-Identifier: Apache-2.0
// Where events of breakers are posted to.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace fusewire::config {

// What a receiver understands. `custom`: Webhook::body says it.
enum class WebhookFormat : std::uint8_t { json, slack, pagerduty, alertmanager, custom };

// Transitions by where they lead to, and what operators do.
enum class WebhookEvent : std::uint8_t { open, half_open, closed, override_set, override_ended, reset };

struct Webhook {
  std::string name;  // its label in metrics and logs; by default webhook-1, webhook-2, … by its place in the list
  WebhookFormat format = WebhookFormat::json;
  std::string url;       // may hold a secret; empty: url_file, or the format's own
  std::string url_file;  // this one and the next two are read for each message
  std::string token_file;
  std::string routing_key_file;
  std::string body;  // WebhookFormat::custom: a JSON text with {{placeholders}} (config key `template`)
  std::vector<WebhookEvent> on = {WebhookEvent::open, WebhookEvent::closed};
  std::string ca;                           // a PEM file of authorities; empty: the system's
  std::string source;                       // who says so; empty: the host's name
  std::chrono::milliseconds timeout{2000};  // of one attempt
  std::uint32_t retries = 3;
  std::chrono::milliseconds min_interval{10'000};  // between two messages about one breaker
  bool operator==(const Webhook&) const = default;
};

inline constexpr std::size_t kMaxWebhooks = 16;

}  // namespace fusewire::config
