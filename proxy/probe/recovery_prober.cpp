// SPDX-License-Identifier: Apache-2.0
#include "proxy/probe/recovery_prober.hpp"

#include <algorithm>
#include <utility>

#include "filters/health/jitter.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/probe/probed_breakers.hpp"

namespace fusewire::proxy {

using breaker::State;
using config::ProbeType;
using health::CheckResult;

// One breaker, with what is done about it.
class RecoveryProber::Guard {
 public:
  Guard(RecoveryProber& prober, Guarded of)
      : prober_(prober),
        of_(std::move(of)),
        breaker_(*of_.breaker),
        look_(prober.worker_.deadlines(), [this] { look(); }) {
    look_.arm(health::first_after(steady_now(), wanted().interval, prober_.worker_.random()));
  }
  ~Guard() {
    if (const auto ended = std::exchange(running_, nullptr)) ended->cancel();
  }

 private:
  void look() {
    const Time now = steady_now();
    look_.arm(next_look(now));
    if (running_ || breaker_.state() == State::closed) return;
    prober_.worker_.balancer().keep_looked_up(*prober_.of_.upstream, now);  // calls that are rejected do not
    if (wanted().type == ProbeType::active)
      probe(now);
    else if (waits_for_connection(now))
      try_to_connect(now);
  }

  // The moment at which an open interval ends is not missed by an interval of ours.
  Time next_look(Time now) const {
    const Time next = health::next_after(now, wanted().interval, prober_.worker_.random());
    if (breaker_.state() != State::open) return next;
    const milliseconds left = breaker_.retry_after(now).value_or(milliseconds::zero());
    return left > milliseconds::zero() ? std::min(next, now + left) : next;
  }

  void probe(Time now) {
    const auto where = place(now);
    if (!where) return;
    permit_ = breaker_.try_acquire_probe(now);
    if (!permit_) return;
    begun_ = now;
    start(*where, wanted().path, wanted().timeout, [this](const health::Answer& answer) { judge(answer); });
  }

  void judge(const health::Answer& answer) {
    running_.reset();
    const Time now = steady_now();
    const CheckResult result = health::result_of(answer, wanted().expect);
    count(result);
    if (!permit_) return;
    breaker::Permit permit = *std::exchange(permit_, std::nullopt);
    const auto& slow = of_.settings->detection.slow_call_rate;
    if (slow && now - begun_ >= slow->slower_than) permit.on_slow(now);
    if (result == CheckResult::passed)
      permit.success(now);
    else if (result != CheckResult::not_made)
      permit.failure(health::failure_of(result), now);
  }

  // Open because of a connection that could not be made.
  bool waits_for_connection(Time now) const {
    if (!breaker_.can_end_interval(now) || breaker_.retry_after(now) == milliseconds::zero()) return false;
    const auto trip = breaker_.last_trip();
    return trip && trip->failure == breaker::FailureKind::connect_error;
  }

  void try_to_connect(Time now) {
    const auto where = place(now);
    if (!where) return;
    start(*where, {}, prober_.of_.config().timeouts.connect, [this, state = where->backend->state](const auto& answer) {
      running_.reset();
      const bool connected = answer.outcome == Outcome::complete;
      count(connected ? CheckResult::passed : health::result_of(answer, {}));
      if (!connected) return;
      state->mark_reachable();
      breaker_.end_interval(steady_now());
    });
  }

  void start(const Balancer::Known& where, std::string path, milliseconds timeout, OwnRequest::Done done) {
    running_ = OwnRequest::start(prober_.worker_,
                                 {.snapshot = prober_.of_.snapshot,
                                  .upstream = prober_.of_.upstream,
                                  .endpoint = *where.endpoint,
                                  .address = where.backend->address,
                                  .state = where.backend->state,
                                  .path = std::move(path),
                                  .timeout = timeout},
                                 std::move(done));
  }

  void count(CheckResult result) {
    const auto as = result == CheckResult::passed     ? ProbeResult::success
                    : result == CheckResult::not_made ? ProbeResult::neutral
                                                      : ProbeResult::failure;
    (*of_.probes)[static_cast<std::size_t>(as)].add();
  }

  const config::Probe& wanted() const { return of_.settings->recovery.probe; }
  std::optional<Balancer::Known> place(Time now) { return of_.at ? of_.at : prober_.some_address(now); }

  RecoveryProber& prober_;
  const Guarded of_;
  breaker::Breaker& breaker_;
  Deadline look_;
  Time begun_{};
  std::optional<breaker::Permit> permit_;
  std::shared_ptr<OwnRequest> running_;
};

RecoveryProber::RecoveryProber(WorkerContext& worker, Pinned of) : worker_(worker), of_(std::move(of)) {
  follow_addresses();
}

RecoveryProber::~RecoveryProber() = default;

void RecoveryProber::adopt(Pinned next) {
  guards_.clear();  // they view the old snapshot
  of_ = std::move(next);
  follow_addresses();
}

void RecoveryProber::follow_addresses() {
  const Time now = steady_now();
  const config::CircuitBreaker& settings = of_.config().circuit_breaker;
  std::set<const breaker::Breaker*> guarded;
  ProbeCells* const probes = &of_.upstream->state->cells.of(worker_.index()).probes;
  guard({&of_.upstream->state->breaker, of_.upstream->state, &settings, probes}, guarded);
  if (worker_.balancer().has_endpoint_breakers(*of_.upstream, now))
    for (const Balancer::Known& one : worker_.balancer().addresses(*of_.upstream, now))
      if (one.weight > 0) guard({&one.backend->state->breaker, one.backend->state, &settings, probes, one}, guarded);
  for (const Route* route : of_.probed_routes)
    guard({&route->own->breaker->breaker, route->own->breaker, route->circuit_breaker,
           &route->own->breaker->probes.of(worker_.index())},
          guarded);
  std::erase_if(guards_, [&](const auto& entry) { return !guarded.contains(entry.first); });
}

void RecoveryProber::guard(const Guarded& one, std::set<const breaker::Breaker*>& guarded) {
  if (!is_probed(*one.settings)) return;
  guarded.insert(one.breaker);
  auto& entry = guards_[one.breaker];
  if (!entry) entry = std::make_unique<Guard>(*this, one);
}

// In turn, for the upstream's breaker: one that requests would go to, where there is any.
std::optional<Balancer::Known> RecoveryProber::some_address(Time now) {
  std::vector<Balancer::Known> known = worker_.balancer().addresses(*of_.upstream, now);
  std::erase_if(known, [](const Balancer::Known& one) { return one.weight == 0; });
  if (known.empty()) return std::nullopt;
  const auto is_good = [&](const Balancer::Known& one) { return takes_requests(*one.backend->state, of_.config()); };
  for (std::size_t n = 0; n < known.size(); ++n) {
    const Balancer::Known& next = known[++turn_ % known.size()];
    if (is_good(next)) return next;
  }
  return known[turn_ % known.size()];
}

}  // namespace fusewire::proxy
