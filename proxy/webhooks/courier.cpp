// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/courier.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/system/system_error.hpp>
#include <optional>

#include "config/token_file.hpp"
#include "config/web_url.hpp"
#include "config/words.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/webhooks/formats.hpp"
#include "proxy/webhooks/retry_plan.hpp"

namespace fusewire::proxy {
namespace {

using namespace std::chrono_literals;

constexpr auto kHurriedPause = 100ms;

std::string source_of(const config::Webhook& hook) {
  if (!hook.source.empty()) return hook.source;
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// A file that is rotated is read anew for each message.
bool read_secret(const std::string& file, std::string& out, std::string& error) {
  if (file.empty()) return true;
  std::optional<std::string> text = config::read_token_file(file);
  if (!text) error = "the file " + file + " cannot be read, or holds no secret";
  out = std::move(text).value_or("");
  return error.empty();
}

// Throws boost::system::system_error.
std::optional<asio::ssl::context> trust_of(const config::Webhook& hook, const HttpRequest& request) {
  return request.endpoint.tls ? std::optional(verifying_context(hook.ca)) : std::nullopt;
}

}  // namespace

Courier::Courier(asio::io_context& io, NameLookup& names, std::shared_ptr<WebhookCounts> counts, StandingOf standing_of)
    : counts_(std::move(counts)), standing_of_(std::move(standing_of)), client_(io, names), timer_(io) {}

void Courier::configure(const config::Webhook& hook) {
  hook_ = std::make_shared<const config::Webhook>(hook);
  const bool repeats = hook.format == config::WebhookFormat::alertmanager;
  const bool has_incidents = repeats || hook.format == config::WebhookFormat::pagerduty;
  outbox_.configure(hook.min_interval, has_incidents ? kAlertRepeat : 0s, repeats);
  if (!sending_) timer_.cancel();  // something may go earlier now
}

bool Courier::wants(config::WebhookEvent event) const {
  return std::find(hook_->on.begin(), hook_->on.end(), event) != hook_->on.end();
}

void Courier::offer(Notice notice) {
  outbox_.offer(std::move(notice), steady_now());
  note();
  if (!sending_) timer_.cancel();
}

void Courier::drop(std::uint64_t events) {
  unseen_ += events;
  note();
}

void Courier::hurry() {
  hurry_ = true;
  outbox_.hurry();
  timer_.cancel();
}

void Courier::retire() {
  retired_ = true;
  timer_.cancel();
}

void Courier::note() {
  counts_->dropped.store(outbox_.dropped() + unseen_, std::memory_order_relaxed);
  counts_->held_back.store(outbox_.held_back(), std::memory_order_relaxed);
  counts_->waiting.store(retired_ ? 0 : outbox_.waiting() + (sending_ ? 1 : 0));
}

// A trouble that ended without an event is reported as over to the webhooks that want such messages.
std::optional<Notice> Courier::next() {
  while (std::optional<Notice> taken = outbox_.take(steady_now(), standing_of_)) {
    if (taken->found == Found::event) return taken;
    taken->logged.at = std::chrono::system_clock::now();
    if (wants(taken->event)) return taken;
  }
  return std::nullopt;
}

AsioTask<void> Courier::run() {
  while (!retired_) {
    std::optional<Notice> taken = next();
    sending_ = taken.has_value();
    note();
    if (taken) {
      co_await deliver(std::move(*taken));
      continue;
    }
    error_code ignored;
    timer_.expires_at(outbox_.next_at().value_or(std::chrono::steady_clock::time_point::max()));
    co_await timer_.async_wait(asio::redirect_error(use_task, ignored));
  }
  note();
}

Courier::Prepared Courier::prepare(const config::Webhook& hook, const Notice& notice) {
  Prepared made;
  std::string url = hook.url.empty() ? std::string(usual_url(hook.format)) : hook.url;
  std::string token;
  std::string routing_key;
  const bool read = read_secret(hook.url_file, hook.url_file.empty() ? token : url, made.error) &&
                    read_secret(hook.token_file, token, made.error) &&
                    read_secret(hook.routing_key_file, routing_key, made.error);
  if (!read) return made;
  const auto parsed = config::parse_web_url(url);
  if (!parsed.value) {
    made.error = "the URL is not good: " + parsed.error;
    return made;
  }
  made.request.endpoint = parsed.value->endpoint;
  made.request.target = parsed.value->target == "/" ? std::string(usual_target(hook.format)) : parsed.value->target;
  made.request.fields = {{"Content-Type", "application/json"}};
  if (!token.empty()) made.request.fields.emplace_back("Authorization", "Bearer " + token);
  made.request.body = webhook_body({hook, notice, source_of(hook), routing_key, std::chrono::system_clock::now()});
  return made;
}

AsioTask<void> Courier::deliver(Notice notice) {
  const std::shared_ptr<const config::Webhook> hook = hook_;
  std::optional<asio::ssl::context> trust;
  Prepared made;
  try {
    made = prepare(*hook, notice);
    if (made.error.empty()) trust = trust_of(*hook, made.request);
  } catch (const std::exception& error) {  // no authorities, no memory
    made.error = error.what();
  }
  if (!made.error.empty()) {
    fail(*hook, notice, 0, made.error);
    co_return;
  }
  for (std::uint32_t attempt = 1; !retired_; ++attempt) {
    const HttpAnswer answer = co_await client_.ask(made.request, trust ? &*trust : nullptr, hook->timeout);
    const AttemptEnd end = judge_attempt(answer.status);
    if (end == AttemptEnd::taken) {
      counts_->sent.fetch_add(1, std::memory_order_relaxed);
      co_return;
    }
    if (end == AttemptEnd::refused || attempt > hook->retries) {
      fail(*hook, notice, attempt, answer.status == 0 ? answer.error : "it answered " + std::to_string(answer.status));
      co_return;
    }
    const double share = std::uniform_real_distribution<>(0, 1)(random_);
    const auto whole = pause_after(attempt, answer.retry_after, share, std::chrono::system_clock::now());
    co_await pause(whole);
  }
}

AsioTask<void> Courier::pause(std::chrono::milliseconds whole) {
  const bool hurried = hurry_;
  error_code cancelled;
  timer_.expires_after(hurried ? std::min<std::chrono::milliseconds>(whole, kHurriedPause) : whole);
  co_await timer_.async_wait(asio::redirect_error(use_task, cancelled));
}

void Courier::fail(const config::Webhook& hook, const Notice& notice, std::uint32_t attempts,
                   const std::string& error) {
  counts_->failed.fetch_add(1, std::memory_order_relaxed);
  if (!log_limit_.pass(steady_now())) return;
  log::warn("webhook failed", {{"webhook", hook.name},
                               {"event", config::name_of(config::kWebhookEvents, notice.event)},
                               {"breaker", notice.logged.breaker},
                               {"attempts", std::int64_t{attempts}},
                               {"error", error}});
}

}  // namespace fusewire::proxy
