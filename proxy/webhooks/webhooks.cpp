// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/webhooks.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <functional>

#include "proxy/webhooks/breaker_modes.hpp"
#include "proxy/webhooks/courier.hpp"

namespace fusewire::proxy {

// What this thread needs of a configuration.
struct Webhooks::Settings {
  std::vector<config::Webhook> hooks;
  std::vector<std::shared_ptr<WebhookCounts>> counts;  // of each of them
  BreakerModes modes;
  bool hurry = false;
};

Webhooks::Webhooks(EventLog& events, StandingOf standing_of) : events_(events), standing_of_(std::move(standing_of)) {}
Webhooks::~Webhooks() { stop(); }

void Webhooks::configure(const config::Config& config) {
  if (config.webhooks.empty() && !thread_.joinable()) return;
  const auto settings = std::make_shared<Settings>(
      Settings{.hooks = config.webhooks, .counts = {}, .modes = BreakerModes(config), .hurry = hurry_});
  {
    const std::lock_guard lock(mutex_);
    Counts before = std::exchange(counts_, {});
    order_.clear();
    for (const config::Webhook& hook : config.webhooks) {
      const auto known = before.find(hook.name);
      auto counts = known != before.end() ? known->second : std::make_shared<WebhookCounts>();
      settings->counts.push_back(counts);
      counts_.emplace(hook.name, std::move(counts));
      order_.push_back(hook.name);
    }
  }
  const bool first = !thread_.joinable();
  if (first) {
    seen_ = events_.last_id();  // what came before is nobody's
    thread_ = std::thread([this] { io_.run(); });
  }
  asio::post(io_, [this, settings] { apply(settings); });
  if (!first) return;
  subscription_ = events_.subscribe([this] { ask(); });
  ask();
}

void Webhooks::ask() {
  if (!asked_.exchange(true)) asio::post(io_, [this] { collect(); });
}

void Webhooks::hurry() {
  hurry_ = true;
  asio::post(io_, [this] {
    for (const auto& courier : couriers_) courier->hurry();
  });
}

void Webhooks::stop() {
  if (!thread_.joinable()) return;
  events_.unsubscribe(subscription_);
  asio::post(io_, [this] { io_.stop(); });
  thread_.join();
}

void Webhooks::apply(const std::shared_ptr<const Settings>& settings) {
  settings_ = settings;
  std::vector<std::shared_ptr<Courier>> next;
  for (std::size_t i = 0; i < settings->hooks.size(); ++i) {
    const config::Webhook& hook = settings->hooks[i];
    const auto known = std::find_if(couriers_.begin(), couriers_.end(),
                                    [&](const auto& courier) { return courier->name() == hook.name; });
    const bool fresh = known == couriers_.end();
    next.push_back(fresh ? std::make_shared<Courier>(io_, names_, settings->counts[i], standing_of_) : *known);
    next.back()->configure(hook);
    if (!fresh) continue;
    if (settings->hurry) next.back()->hurry();
    asio::co_spawn(
        io_, [courier = next.back()]() -> AsioTask<void> { co_await courier->run(); }, asio::detached);
  }
  for (const auto& courier : couriers_)
    if (std::find(next.begin(), next.end(), courier) == next.end()) courier->retire();
  couriers_ = std::move(next);
}

// The flags change in the order that idle() needs: it never sees neither of them while there is an event.
void Webhooks::collect() {
  collecting_ = true;
  asked_ = false;
  for (const LoggedEvent& logged : events_.unsent(seen_)) {
    const std::uint64_t lost = logged.id - seen_ - 1;  // the log keeps the last ones only
    seen_ = logged.id;
    const auto event = webhook_event(logged.event);
    for (const auto& courier : couriers_) {
      if (lost > 0) courier->drop(lost);
      if (event && courier->wants(*event)) courier->offer(notice_of(logged));
    }
  }
  collecting_ = false;
}

Notice Webhooks::notice_of(const LoggedEvent& logged) const {
  Notice notice;
  notice.event = webhook_event(logged.event).value();
  notice.since = logged.at;
  notice.mode = settings_->modes.of(logged.breaker);
  notice.logged = logged;
  return notice;
}

bool Webhooks::idle() const {
  if (asked_ || collecting_) return false;
  const std::lock_guard lock(mutex_);
  return std::all_of(counts_.begin(), counts_.end(), [](const auto& entry) { return entry.second->waiting == 0; });
}

std::vector<Webhooks::Figures> Webhooks::figures() const {
  std::vector<Figures> all;
  const std::lock_guard lock(mutex_);
  for (const std::string& name : order_) {
    const WebhookCounts& counts = *counts_.at(name);
    all.push_back({.name = name,
                   .sent = counts.sent.load(std::memory_order_relaxed),
                   .failed = counts.failed.load(std::memory_order_relaxed),
                   .dropped = counts.dropped.load(std::memory_order_relaxed),
                   .held_back = counts.held_back.load(std::memory_order_relaxed)});
  }
  return all;
}

}  // namespace fusewire::proxy
