// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/control.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "config/from_variables.hpp"
#include "config/token_file.hpp"
#include "filters/cache/request_collapser.hpp"
#include "filters/cache/store.hpp"
#include "proxy/control/standing.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/random_seed.hpp"
#include "proxy/observe/event_order.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/snapshot/fault_counts.hpp"
#include "proxy/tls/server_context.hpp"
#include "proxy/webhooks/webhooks.hpp"

namespace fusewire::proxy {

namespace {

void note_emptied(const std::string& name, const breaker::Reconfigured& outcome, ReloadReport& report) {
  if (outcome.window_emptied) report.emptied.push_back(name + ": window");
  if (outcome.failure_count_emptied) report.emptied.push_back(name + ": failure_count");
  if (outcome.reset) report.emptied.push_back(name + ": reset");
}

HashKey random_key() { return {random_seed(), random_seed()}; }

}  // namespace

Control::Control(Loader loader, std::size_t workers)
    : loader_(std::move(loader)),
      workers_(workers),
      started_(steady_now()),
      events_(1000),
      webhooks_(std::make_unique<Webhooks>(
          events_, [this](const std::string& breaker) { return standing_of(*view()->snapshot, breaker); })),
      cache_(std::make_unique<cache::Store>(0, random_key())),
      fetches_(std::make_unique<cache::RequestCollapser>(random_key())),
      worker_cells_(workers),
      lasting_(
          workers, *cache_, [this](const config::Upstream& wanted) { return begin_state(wanted); },
          [this](const std::string& name, const config::CircuitBreaker& settings) {
            return begin_breaker(name, settings);
          }),
      builder_(lasting_, *cache_, *fetches_, workers) {}

Control::~Control() { webhooks_->stop(); }  // its thread looks at this

void Control::start(config::Config first, Hooks hooks) {
  hooks_ = std::move(hooks);
  const ReloadReport& report = apply(std::move(first), "start", std::move(loader_.warnings));
  if (!report.successful) throw std::runtime_error(report.errors.front());
  serving_ = true;
}

void Control::reload(const std::string& trigger, Done done) {
  config::LoadResult loaded;
  if (loader_.read)
    loaded = loader_.read();
  else
    loaded.errors.push_back({.source = "reload",
                             .line = 0,
                             .column = 0,
                             .key_path = {},
                             .message = "this process was not started from a file"});
  if (pending_ && loaded.config && pending_->config == *loaded.config) {  // the file's watch comes after a signal, say
    if (done) pending_->done.push_back(std::move(done));
    return;
  }
  give_way();
  std::vector<std::string> warnings;
  for (const auto& warning : loaded.warnings) warnings.push_back(warning.to_string());
  if (loaded.config) {
    pending_ = Pending{++reloads_, std::move(*loaded.config), trigger, std::move(warnings), {}};
    if (done) pending_->done.push_back(std::move(done));
    if (!hooks_.look_up || draining()) return go_on(reloads_);
    return hooks_.look_up(pending_->config, [this, number = reloads_] { go_on(number); });
  }
  ReloadReport report = begin_report(trigger, std::move(warnings));
  report.successful = false;
  for (const auto& error : loaded.errors) report.errors.push_back(error.to_string());
  conclude(std::move(report));
  if (done) done(last_reload_);
}

void Control::go_on(std::uint64_t reload) {
  if (!pending_ || pending_->number != reload) return;
  Pending next = std::move(*pending_);
  pending_.reset();
  apply(std::move(next.config), next.trigger, std::move(next.warnings));
  for (const Done& done : next.done) done(last_reload_);
}

void Control::give_way() {
  if (!pending_) return;
  Pending old = std::move(*pending_);
  pending_.reset();
  ReloadReport report = begin_report(old.trigger, std::move(old.warnings));
  report.successful = false;
  report.errors.push_back("a later reload has come while a name of this one was being looked up");
  conclude(std::move(report));
  for (const Done& done : old.done) done(last_reload_);
}

const ReloadReport& Control::apply(config::Config config, const std::string& trigger,
                                   std::vector<std::string> warnings) {
  ReloadReport report = begin_report(trigger, std::move(warnings));
  if (draining()) {
    report.successful = false;
    report.errors.push_back("this process is draining");
    return conclude(std::move(report));
  }
  if (snapshot_ && config == snapshot_->config) {
    compare_named(config, config, report);
    const std::string error = renew_certificates(steady_now());
    if (!error.empty()) report.errors.push_back(error);
    report.successful = error.empty();
    return conclude(std::move(report));
  }
  std::shared_ptr<const Snapshot> next;
  std::string error;
  CertificateWatch certificates(config);  // before the files are read: no change is lost between
  try {
    next = builder_.build(std::move(config), version_ + 1, snapshot_.get());
    error = hooks_.publish(next);
  } catch (const BadCertificate& bad) {
    error = bad.what();
  }
  if (!error.empty()) {
    report.successful = false;
    report.errors.push_back(std::move(error));
    lasting_.forget_unused(snapshot_.get());  // what was made for the refused configuration
    return conclude(std::move(report));
  }
  commit(next, report);
  certificates_ = std::move(certificates);
  return conclude(std::move(report));
}

const ReloadReport& Control::conclude(ReloadReport report) {
  last_reload_ = std::move(report);
  if (last_reload_.successful) last_success_ = last_reload_.at;
  show();
  if (last_reload_.trigger == "start") return last_reload_;
  if (last_reload_.successful)
    log::info("configuration reloaded",
              {{"trigger", last_reload_.trigger}, {"version", static_cast<std::int64_t>(version_)}});
  for (const auto& error : last_reload_.errors)
    log::error("configuration rejected, keeping the last good one",
               {{"trigger", last_reload_.trigger}, {"error", error}});
  for (const auto& warning : last_reload_.warnings) log::warn("configuration", {{"warning", warning}});
  return last_reload_;
}

// ------------------------------------------------------------------------------------------------------ being seen

std::shared_ptr<const ControlView> Control::view() const {
  const std::lock_guard lock(view_mutex_);
  return view_;
}

void Control::show() {
  if (!snapshot_) return;
  auto next = std::make_shared<const ControlView>(ControlView{.snapshot = snapshot_,
                                                              .admin = admin_,
                                                              .last_reload = last_reload_,
                                                              .last_success = last_success_,
                                                              .traffic = lasting_.traffic()});
  const std::lock_guard lock(view_mutex_);
  view_.swap(next);  // the old one goes after the lock
}

std::shared_ptr<UpstreamState> Control::begin_state(const config::Upstream& wanted) {
  auto state = std::make_shared<UpstreamState>(wanted, steady_now(), random_seed(), workers_);
  state->cache = cache_->partition(wanted.name);
  state->evict_elsewhere = [this, raw = state.get()] {
    if (hooks_.evict) hooks_.evict(raw);
  };
  listen(wanted.name, state->breaker);
  state->addresses.announce_to([this](const std::string& name, breaker::Breaker& breaker) { listen(name, breaker); });
  return state;
}

std::shared_ptr<RouteBreaker> Control::begin_breaker(const std::string& name, const config::CircuitBreaker& settings) {
  auto state = std::make_shared<RouteBreaker>(name, settings, steady_now(), random_seed(), workers_);
  listen(name, state->breaker);
  return state;
}

void Control::listen(const std::string& name, breaker::Breaker& breaker) {
  breaker.listen(
      [this, name, order = std::make_shared<EventOrder>()](const breaker::Event& event) {
        order->bring(overrides_.note(name, event), [&](const breaker::Event& next) { events_.record(name, next); });
      },
      {});
}

// ------------------------------------------------------------------------------------------------------ taking over

void Control::commit(const std::shared_ptr<const Snapshot>& next, ReloadReport& report) {
  const auto now = steady_now();
  const config::Config none;
  const config::Config& before = snapshot_ ? snapshot_->config : none;
  compare_named(before, next->config, report);
  if (snapshot_) compare_sections(before, next->config, report);
  for (const auto& upstream : next->upstreams) {
    note_emptied(upstream->config->name, upstream->state->breaker.reconfigure(upstream->config->circuit_breaker, now),
                 report);
    upstream->state->addresses.reconfigure(upstream->config->circuit_breaker, now);
  }
  reconfigure_routes(*next, now, report);
  if (snapshot_ && before.workers != next->config.workers)
    report.warnings.push_back("runtime.workers: takes effect at the next start");
  if (snapshot_) forget_other_sites(*next);
  cache_->set_limit(next->config.cache_memory);
  events_.set_history(next->config.event_history);
  webhooks_->configure(next->config);
  log::configure(next->config.log);
  snapshot_ = next;
  admin_ = next->config.admin;
  watch_token();
  version_ = next->version;
  ticket_keys_due_ = ticket_keys_due(*next, now);
  lasting_.forget_unused(snapshot_.get());
}

// Routes of one name have one breaker, and the same settings.
void Control::reconfigure_routes(const Snapshot& next, breaker::Time now, ReloadReport& report) {
  std::set<const RouteBreaker*> seen;
  for (const auto& listener : next.listeners)
    for (const Route& route : listener->routes)
      if (route.own && route.own->breaker && seen.insert(route.own->breaker.get()).second)
        note_emptied(route.own->breaker->name, route.own->breaker->breaker.reconfigure(*route.circuit_breaker, now),
                     report);
}

void Control::forget_other_sites(const Snapshot& next) {
  for (const auto& upstream : next.upstreams) {
    const Upstream* before = snapshot_->upstream(upstream->config->name);
    if (before != nullptr && before->chain.cache_generation != upstream->chain.cache_generation)
      cache_->purge(*upstream->state->cache);
  }
}

config::LoadResult Control::check(const std::string& text) const {
  if (loader_.judge) return loader_.judge(text);
  return config::load({.name = "posted", .text = text, .environment = {}, .set = {}});
}

// ------------------------------------------------------------------------------------------------------ time going by

void Control::poll(std::chrono::steady_clock::time_point now) {
  end_overrides(now);
  end_faults(now);
  if (token_watch_) look_at_token();
  look_at_certificates(now);
}

void Control::end_overrides(std::chrono::steady_clock::time_point now) {
  for (const std::string& name : overrides_.over(now)) {
    lasting_.release(name, now);
    overrides_.forget(name);
  }
}

// Nothing is injected any more by then: this only says so.
void Control::end_faults(std::chrono::steady_clock::time_point now) {
  for (const auto& upstream : snapshot_->upstreams) {
    const auto over = upstream->state->faults.clear_over(now);
    if (!over) continue;
    const fault::Counts counts = counts_of(*upstream->state, *over);
    log::info("injected fault ended: its time is over", {{"upstream", upstream->state->name},
                                                         {"delayed", static_cast<std::int64_t>(counts.delayed)},
                                                         {"aborted", static_cast<std::int64_t>(counts.aborted)}});
  }
}

// What has been written since the configuration was read is taken now: the watch would not tell of it.
void Control::watch_token() {
  token_watch_.reset();
  if (admin_.token_file.empty()) return;
  token_watch_.emplace(admin_.token_file);
  take_token();
}

// A file that can't be read, or holds no token, changes nothing.
void Control::look_at_token() {
  switch (token_watch_->poll()) {
    case ContentWatch::Seen::changed:
      return take_token();
    case ContentWatch::Seen::lost:
      return log::warn("the admin token's file cannot be read: the token is the last one that it held",
                       {{"token_file", shown_token_file()}});
    case ContentWatch::Seen::found:
      return log::info("the admin token's file can be read again", {{"token_file", shown_token_file()}});
    case ContentWatch::Seen::same:
    case ContentWatch::Seen::settling:
      return;
  }
}

std::string Control::shown_token_file() const {
  return config::shown(snapshot_->config, {"admin", "token_file"}, admin_.token_file);
}

void Control::take_token() {
  const auto token = config::read_token_file(admin_.token_file);
  if (!token)
    log::warn("the admin token's file holds no token: the token is the last one that it held",
              {{"token_file", shown_token_file()}});
  if (!token || *token == admin_.token) return;
  admin_.token = *token;
  show();
  log::info("admin token changed", {{"token_file", shown_token_file()}});
}

// The same configuration with what its files hold now; what is wrong with them, if so: then the old ones serve on.
std::string Control::renew_certificates(std::chrono::steady_clock::time_point now) {
  ticket_keys_due_ = now + TlsServer::kTicketKeys;  // not at once again where it fails
  try {
    const std::shared_ptr<const Snapshot> next = builder_.build(snapshot_->config, version_, snapshot_.get());
    std::string error;
    const bool same = same_tls_contexts(*next, *snapshot_);
    if (!same) error = hooks_.publish(next);
    if (!same && error.empty()) snapshot_ = next;
    if (error.empty()) ticket_keys_due_ = ticket_keys_due(*snapshot_, now);
    lasting_.forget_unused(snapshot_.get());  // endpoints that are trusted by others now, or were made in vain
    if (same || !error.empty()) return error;
    show();
  } catch (const BadCertificate& bad) {
    lasting_.forget_unused(snapshot_.get());
    return bad.what();
  }
  log::info("certificates renewed");
  return {};
}

void Control::look_at_certificates(std::chrono::steady_clock::time_point now) {
  const bool changed = certificates_.poll();
  if ((!changed && now < ticket_keys_due_) || draining()) return;
  const std::string error = renew_certificates(now);
  if (!error.empty()) log::error("certificates rejected, keeping the last good ones", {{"error", error}});
}

void Control::drain() {
  if (draining_.exchange(true)) return;
  log::info("draining");
  if (pending_) go_on(pending_->number);  // which refuses it now
  if (hooks_.drain) hooks_.drain();
}

}  // namespace fusewire::proxy
