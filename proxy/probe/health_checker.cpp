// SPDX-License-Identifier: Apache-2.0
#include "proxy/probe/health_checker.hpp"

#include <set>
#include <utility>

#include "filters/health/jitter.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy {

using health::CheckedHealth;

// The checks of one address.
class HealthChecker::Check {
 public:
  Check(HealthChecker& checker, const Balancer::Known& known)
      : checker_(checker),
        endpoint_(*known.endpoint),
        address_(known.backend->address),
        state_(known.backend->state),
        due_(checker.worker_.deadlines(), [this] { begin(); }) {
    restart();
  }
  ~Check() { cancel(); }

  // The next check is a first one.
  void restart() {
    cancel();
    due_.arm(health::first_after(steady_now(), checker_.wanted().interval, checker_.worker_.random()));
  }

  CheckedHealth& health() { return state_->checked; }
  // An endpoint that is spoken to in another way is another one, with the same addresses.
  bool is_by(const Balancer::Known& known) const { return endpoint_ == *known.endpoint; }

 private:
  void begin() {
    const Time now = steady_now();
    next_ = health::next_after(now, checker_.wanted().interval, checker_.worker_.random());
    running_ = OwnRequest::start(checker_.worker_,
                                 {.snapshot = checker_.of_.snapshot,
                                  .upstream = checker_.of_.upstream,
                                  .endpoint = endpoint_,
                                  .address = address_,
                                  .state = state_,
                                  .path = checker_.wanted().path,
                                  .timeout = checker_.wanted().timeout},
                                 [this](const health::Answer& answer) { finish(answer); });
  }

  void finish(const health::Answer& answer) {
    running_.reset();
    due_.arm(next_);  // at once, where it is over
    const health::CheckResult result = health::result_of(answer, config::Probe::successes());
    endpoint_->checks[static_cast<std::size_t>(result)].add();
    const config::HealthCheck& wanted = checker_.wanted();
    const auto change = state_->checked.record(result, answer.status, {wanted.healthy, wanted.unhealthy},
                                               std::chrono::system_clock::now());
    if (change != CheckedHealth::Change::none) log_change(result, answer.status);
  }

  void log_change(health::CheckResult result, int status) const {
    const bool unhealthy = state_->checked.is_unhealthy();
    const std::string address = to_string(address_);
    const log::Pair pairs[] = {{"upstream", checker_.of_.config().name},
                               {"endpoint", endpoint_->url},
                               {"address", address},
                               {"result", health::to_string(result)},
                               {"status", static_cast<std::int64_t>(status)}};
    if (unhealthy)
      log::write(config::LogLevel::warn, "an address fails its health checks", pairs);
    else
      log::write(config::LogLevel::info, "an address passes its health checks again", pairs);
  }

  void cancel() {
    if (const auto ended = std::exchange(running_, nullptr)) ended->cancel();
  }

  HealthChecker& checker_;
  const std::shared_ptr<EndpointState> endpoint_;
  const SocketAddress address_;
  const std::shared_ptr<AddressState> state_;
  Deadline due_;
  Time next_ = kNever;
  std::shared_ptr<OwnRequest> running_;
};

HealthChecker::HealthChecker(WorkerContext& worker, Pinned of)
    : worker_(worker), of_(std::move(of)), look_up_(worker.deadlines(), [this] { keep_looked_up(); }) {
  for (const auto& address : of_.upstream->state->addresses.all()) address->checked.forget();  // of another time
  keep_looked_up();
}

HealthChecker::~HealthChecker() = default;

void HealthChecker::adopt(Pinned next) {
  const bool same = *next.config().health_check == wanted();
  of_ = std::move(next);
  follow_addresses();
  if (same) return;
  for (const auto& entry : checks_) {
    entry.second->health().end_rows();
    entry.second->restart();
  }
}

void HealthChecker::follow_addresses() {
  std::set<const AddressState*> known;
  for (const Balancer::Known& one : worker_.balancer().addresses(*of_.upstream, steady_now())) {
    const AddressState* const address = one.backend->state.get();
    if (!known.insert(address).second) continue;  // two endpoints have it
    auto& check = checks_[address];
    if (!check || !check->is_by(one)) check = std::make_unique<Check>(*this, one);
  }
  std::erase_if(checks_, [&](const auto& entry) { return !known.contains(entry.first); });
}

// Without traffic nobody else does.
void HealthChecker::keep_looked_up() {
  const Time now = steady_now();
  worker_.balancer().keep_looked_up(*of_.upstream, now);
  follow_addresses();
  look_up_.arm(now + wanted().interval);
}

}  // namespace fusewire::proxy
