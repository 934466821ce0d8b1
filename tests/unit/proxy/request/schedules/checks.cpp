// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/checks.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace fusewire::testing {

namespace {

using proxy::Snapshot;
using proxy::UpstreamCells;

// A deadline fires at most one slot late.
constexpr milliseconds kSlot{3};

// A total stands still until the last byte of the request's body has gone on to its endpoint: for what an attempt takes
// to send what is at hand.
constexpr milliseconds kBodyGoesOn{3};

void check(Play& play, bool holds, const std::string& what) {
  if (!holds) play.find(what);
}

void check_equal(Play& play, std::uint64_t is, std::uint64_t expected, const std::string& what) {
  check(play, is == expected, what + ": " + std::to_string(is) + " instead of " + std::to_string(expected));
}

// The states that are in any snapshot, once each.
template <class State, class Find>
std::set<std::shared_ptr<State>> all(const Snapshots& snapshots, Find find) {
  std::set<std::shared_ptr<State>> found;
  for (const auto& snapshot : snapshots) find(*snapshot, found);
  found.erase(nullptr);
  return found;
}

auto upstreams(const Snapshots& snapshots) {
  return all<proxy::UpstreamState>(snapshots, [](const Snapshot& snapshot, auto& found) {
    for (const auto& upstream : snapshot.upstreams) found.insert(upstream->state);
  });
}

auto limits_of_routes(const Snapshots& snapshots) {
  return all<proxy::RouteLimitsState>(snapshots, [](const Snapshot& snapshot, auto& found) {
    for (const auto& route : snapshot.listeners.front()->routes)
      if (route.own) found.insert(route.own->limits);
  });
}

auto breakers_of_routes(const Snapshots& snapshots) {
  return all<proxy::RouteBreaker>(snapshots, [](const Snapshot& snapshot, auto& found) {
    for (const auto& route : snapshot.listeners.front()->routes)
      if (route.own) found.insert(route.own->breaker);
  });
}

auto traffic(const Snapshots& snapshots) {
  return all<proxy::PerWorker<proxy::TrafficCells>>(snapshots, [](const Snapshot& snapshot, auto& found) {
    for (const auto& route : snapshot.listeners.front()->routes) found.insert(route.cells);
    found.insert(snapshot.listeners.front()->unrouted_cells);
  });
}

void check_idle(Play& play, const limits::LimitsState& limits) {
  check(play, limits.limiter.in_use() == 0, "a slot of max_concurrent_requests of " + limits.name + " is held");
  check(play, limits.limiter.waiting() == 0, "somebody waits in the queue of " + limits.name);
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ at rest

void check_at_rest(Play& play, const Snapshots& snapshots, proxy::Worker& worker, const proxy::ListenerGate& gate) {
  for (const auto& state : upstreams(snapshots)) {
    const UpstreamCells& cells = state->cells.of(0);
    check_idle(play, state->limits);
    check(play, cells.connections_active.value() == 0, "a connection to " + state->name + " is active");
    check_equal(play, state->connections.load(), cells.connections_idle.value(), "connections to " + state->name);
    check(play, state->calls_without_client.load() == 0, "a call without its client is left");
    check(play, state->bound_connections.load() == 0, "a bound connection is left");
    check(play, state->long_waits.load() == 0, "a retry's long wait is left");
  }
  for (const auto& state : upstreams(snapshots))
    for (const auto& address : state->addresses.all())
      check(play, address->health.in_flight() == 0, "a request to " + address->name + " is in flight");
  for (const auto& limits : limits_of_routes(snapshots)) check_idle(play, limits->state);
  for (const auto& breaker : breakers_of_routes(snapshots))
    check(play, breaker->calls_without_client.load() == 0, "a call without its client is left");
  check(play, worker.context().connections().size() == 0, "a client's connection is left");
  check(play, worker.context().refreshes().size() == 0 && worker.context().own_requests().size() == 0,
        "a request of the proxy's own is left");
  check(play, gate.connections.load() == 0, "a place of max_connections is held");
}

// ------------------------------------------------------------------------------------------------------ requests

namespace {

std::uint32_t most_attempts(const Snapshots& snapshots, const std::string& upstream) {
  std::uint32_t most = 0;
  for (const auto& snapshot : snapshots)
    for (const auto& one : snapshot->upstreams)
      if (one->config->name == upstream)
        most = std::max(most, 1 + one->config->retries.attempts + (one->config->retries.hedge ? 1 : 0));
  return most;
}

void check_answer(Play& play, const RequestLog& request, const std::string& name) {
  if (!request.client_left) check(play, request.answers == 1, name + " has no answer");
  if (!request.answered || !request.sent_whole || request.client_is_slow) return;
  const milliseconds patience =
      std::min(request.total, request.deadline.value_or(request.total));  // it stands still while a body comes
  const bool may_have_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  const auto late = *request.answered - *request.sent_whole - patience;
  check(play, late <= kSlot + (may_have_body ? kBodyGoesOn : milliseconds(0)),
        name + " was answered " + std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(late).count()) +
            " µs behind its deadline");
}

int unanswered(const RequestLog& request, const std::string& upstream) {
  const auto found = request.unanswered.find(upstream);
  return found == request.unanswered.end() ? 0 : found->second;
}

void check_sendings(Play& play, const Snapshots& snapshots, const RequestLog& request, const std::string& name) {
  int all = 0;
  for (const auto& [upstream, arrivals] : request.arrivals) {
    all += arrivals;
    const int once_more = unanswered(request, upstream);  // on a fresh connection (RFC 9112 §9.3.1)
    check(play, arrivals - once_more <= static_cast<int>(most_attempts(snapshots, upstream)),
          name + " was sent too often to " + upstream);
  }
  check(play, request.is_idempotent() || all <= 1,
        name + ", a " + request.method + ", was sent " + std::to_string(all) + " times");
}

}  // namespace

void check_requests(Play& play, const Snapshots& snapshots) {
  for (std::size_t id = 0; id < play.requests.size(); ++id) {
    const RequestLog& request = play.requests[id];
    if (!request.sent) continue;
    const std::string name = "request " + std::to_string(id);
    check_answer(play, request, name);
    check_sendings(play, snapshots, request, name);
  }
}

// ------------------------------------------------------------------------------------------------------ counts

namespace {

// Of the requests whose clients have left there may be an answer in the cells that they have not seen.
void check_traffic(Play& play, const Snapshots& snapshots) {
  std::array<std::uint64_t, 6> seen{};
  std::uint64_t left = 0;
  for (const RequestLog& request : play.requests) {
    if (!request.sent) continue;
    if (request.client_left)
      ++left;
    else
      ++seen[static_cast<std::size_t>(request.status / 100 - 1)];
  }
  std::uint64_t sum = left;
  std::array<std::uint64_t, 6> counted{};
  std::uint64_t durations = 0;
  for (const auto& cells : traffic(snapshots)) {
    for (std::size_t i = 0; i < counted.size(); ++i) counted[i] += cells->of(0).by_class[i].value();
    for (std::size_t i = 0; i <= proxy::DurationCells::kBounds.size(); ++i)
      durations += cells->of(0).duration.bucket(i);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::string name = "answers " + std::to_string(i + 1) + "xx";
    check(play, counted[i] >= seen[i] && counted[i] <= seen[i] + left,
          name + ": counted " + std::to_string(counted[i]) + ", seen " + std::to_string(seen[i]));
    sum += seen[i];
  }
  std::uint64_t all = 0;
  for (const std::uint64_t one : counted) all += one;
  check_equal(play, all, sum, "requests counted");
  check_equal(play, durations, all, "durations counted");
}

void check_refusals(Play& play, const Snapshots& snapshots) {
  constexpr std::array kProblems = {"RateLimited", "ConcurrencyLimit", "QueueTimeout"};  // by LimitKind
  for (std::size_t kind = 0; kind < kProblems.size(); ++kind) {
    const std::string about = "urn:fusewire:error:" + std::string(kProblems[kind]);
    const auto seen = static_cast<std::uint64_t>(
        std::count_if(play.requests.begin(), play.requests.end(), [&](const RequestLog& request) {
          return request.problem.find(about) != std::string::npos &&
                 request.problem.find("connections in use") == std::string::npos;  // of max_connections: not counted
        }));
    std::uint64_t counted = 0;
    for (const auto& state : upstreams(snapshots)) counted += state->cells.of(0).refused[kind].value();
    for (const auto& limits : limits_of_routes(snapshots)) counted += limits->refused.of(0)[kind].value();
    check(play, counted >= seen,
          std::string(kProblems[kind]) + ": counted " + std::to_string(counted) + ", seen " + std::to_string(seen));
  }
}

// What a breaker rejects is counted by it, or by the upstream's for those of its endpoints.
void check_rejections(Play& play, const Snapshots& snapshots) {
  const auto seen = static_cast<std::uint64_t>(
      std::count_if(play.requests.begin(), play.requests.end(), [](const RequestLog& request) {
        return request.problem.find("urn:fusewire:error:CircuitBreakerOpen") != std::string::npos;
      }));
  std::uint64_t counted = 0;
  for (const auto& state : upstreams(snapshots)) counted += state->breaker.snapshot(play.clock.now()).totals.rejected;
  for (const auto& route : breakers_of_routes(snapshots))
    counted += route->breaker.snapshot(play.clock.now()).totals.rejected;
  check(play, counted >= seen, "rejections: counted " + std::to_string(counted) + ", seen " + std::to_string(seen));
}

// Each retry or hedge took a token, and no request was sent again without one. A token is spent, too, where the client
// leaves or the breaker opens while the retry is waited for.
void check_budget(Play& play, proxy::UpstreamState& state, const BudgetWitness::Account& account) {
  const UpstreamCells& cells = state.cells.of(0);
  std::uint64_t retries = 0;
  std::uint64_t hedges = 0;
  for (const auto kind : {UpstreamCells::retry_success, UpstreamCells::retry_failure})
    retries += cells.retries[kind].value();
  for (std::size_t i = 0; i < 3; ++i) hedges += cells.hedges[i].value();  // won, lost, failed
  const std::uint64_t taken = account.taken.size();
  check(play, retries + hedges <= taken,
        "retries and hedges of " + state.name + ": " + std::to_string(retries + hedges) + " for " +
            std::to_string(taken) + " tokens");
  std::uint64_t again = 0;
  std::uint64_t asked = 0;
  for (const RequestLog& request : play.requests) {
    const auto found = request.arrivals.find(state.name);
    const int arrivals = found == request.arrivals.end() ? 0 : found->second;
    again += static_cast<std::uint64_t>(std::max(0, arrivals - 1 - unanswered(request, state.name)));
    if (request.sent) ++asked;
  }
  check(play, again <= account.taken.size(),
        std::to_string(again) + " requests more were sent to " + state.name + " than its budget has granted");
  check(play, account.paid.size() <= asked, "a call has paid twice into the budget of " + state.name);
  check(play, cells.retries[UpstreamCells::over_budget].value() + cells.hedges[3].value() <= account.refused,
        "more was counted as over the budget of " + state.name + " than was refused");
}

// Each call that a breaker has judged took its time, once.
void check_latencies(Play& play, const Snapshots& snapshots, proxy::UpstreamState& state, BreakerWitness& breakers) {
  std::uint64_t judged = breakers.judged(state.breaker);
  for (const auto& route : breakers_of_routes(snapshots))
    if (route->name.starts_with(state.name + "/")) judged += breakers.judged(route->breaker);
  std::uint64_t counted = 0;
  for (const auto& kind : state.cells.of(0).latency)
    for (std::size_t i = 0; i <= proxy::DurationCells::kBounds.size(); ++i) counted += kind.bucket(i);
  check_equal(play, counted, judged, "latencies of " + state.name);
}

}  // namespace

void check_counts(Play& play, const Snapshots& snapshots, BreakerWitness& breakers, BudgetWitness& budgets) {
  check_traffic(play, snapshots);
  check_refusals(play, snapshots);
  check_rejections(play, snapshots);
  const bool has_budget = snapshots.front()->upstreams.front()->config->retries.budget.has_value();
  for (const auto& state : upstreams(snapshots)) {
    check(play, state->connections.load() == 0, "a place of max_connections of " + state->name + " is held");
    check(play, state->cells.of(0).connections_idle.value() == 0, "an idle connection is counted");
    check_latencies(play, snapshots, *state, breakers);
    if (has_budget) check_budget(play, *state, budgets.of(state->retry_budget));
  }
}

}  // namespace fusewire::testing
