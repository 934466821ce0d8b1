// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/webhook_metrics.hpp"

namespace fusewire::proxy {

void append_webhook_families(Families& out, const std::vector<Webhooks::Figures>& webhooks) {
  if (webhooks.empty()) return;
  Family results = Family::counter("fusewire_webhooks_total", "Messages of webhooks, and events without one.");
  for (const Webhooks::Figures& one : webhooks)
    results.add({{"webhook", one.name}, {"result", "sent"}}, one.sent)
        .add({{"webhook", one.name}, {"result", "failed"}}, one.failed)
        .add({{"webhook", one.name}, {"result", "dropped"}}, one.dropped)
        .add({{"webhook", one.name}, {"result", "held_back"}}, one.held_back);
  results.into(out);
}

}  // namespace fusewire::proxy
