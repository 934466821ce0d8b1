// SPDX-License-Identifier: Apache-2.0
#include "tests/breaker_adapter/player.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "config/load.hpp"

namespace fusewire::adapter {

namespace json = boost::json;
using breaker::FailureKind;
using std::chrono::milliseconds;

namespace {

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

json::object ok() { return {{"ok", true}}; }

json::string_view text(const json::object& request, json::string_view key) {
  const json::value* value = request.if_contains(key);
  if (value == nullptr || !value->is_string()) throw Refused("\"" + std::string(key) + "\" is not a string");
  return value->get_string();
}

std::int64_t whole_number(const json::object& request, json::string_view key) {
  const json::value* value = request.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0)
    throw Refused("\"" + std::string(key) + "\" is not a whole number from 0");
  return value->get_int64();
}

config::CircuitBreaker load(const json::object& request) {
  const json::value* keys = request.if_contains("config");
  if (keys != nullptr && !keys->is_object()) throw Refused("\"config\" is not an object");
  auto result = config::load_circuit_breaker(keys == nullptr ? "{}" : json::serialize(*keys));
  std::string errors;
  for (const config::Diagnostic& error : result.errors) errors += (errors.empty() ? "" : "; ") + error.to_string();
  if (!result.circuit_breaker) throw Refused(errors.empty() ? "the config cannot be loaded" : errors);
  if (result.circuit_breaker->recovery.probe.type == config::ProbeType::active)
    throw Refused("an active probe is not played here");
  if (result.circuit_breaker->recovery.ramp) throw Refused("\"ramp\" is not played here");
  result.circuit_breaker->transitions.backoff.jitter = 0;
  return *result.circuit_breaker;
}

FailureKind kind_of(const json::object& request, FailureKind fallback) {
  if (!request.contains("kind")) return fallback;
  const json::string_view wanted = text(request, "kind");
  for (const auto kind :
       {FailureKind::connect_error, FailureKind::timeout, FailureKind::reset, FailureKind::protocol_error,
        FailureKind::incomplete, FailureKind::status, FailureKind::other})
    if (wanted == to_string(kind)) return kind;
  throw Refused("no such \"kind\"");
}

template <class T>
std::int64_t number(T value) {
  return static_cast<std::int64_t>(value);
}

json::object window_view(const breaker::WindowFigures& window) {
  return {{"ended", number(window.ended)},
          {"failures", number(window.failures)},
          {"judged", number(window.judged)},
          {"slow", number(window.slow)}};
}

json::object totals_view(const breaker::Totals& totals) {
  return {{"success", number(totals.success)},           {"failure", number(totals.failure)},
          {"neutral", number(totals.neutral)},           {"rejected", number(totals.rejected)},
          {"would_reject", number(totals.would_reject)}, {"trips", number(totals.trips)}};
}

}  // namespace

json::object Player::play(std::string_view line) {
  try {
    const json::value request = json::parse(json::string_view(line.data(), line.size()));
    if (!request.is_object()) throw Refused("not a JSON object");
    return perform(request.get_object());
  } catch (const std::exception& error) {
    return {{"error", error.what()}};
  }
}

json::object Player::perform(const Object& request) {
  const json::string_view word = text(request, "op");
  const std::string_view op(word.data(), word.size());
  if (op == "new") return start(request);
  if (op == "acquire") return acquire();
  if (op == "success" || op == "failure" || op == "neutral" || op == "slow" || op == "drop" || op == "withdraw")
    return end(op, request);
  if (op == "broke_off") return broke_off(request);
  if (op == "give_back_slot") return give_back_slot(request);
  if (op == "advance") return advance(request);
  if (op == "reload") return reload(request);
  if (op == "force_open" || op == "force_closed") return force(op, request);
  if (op == "release") return breaker().release(now_), ok();
  if (op == "reset") return breaker().reset(now_), ok();
  if (op == "state") return show();
  throw Refused("no such \"op\"");
}

json::object Player::start(const Object& request) {
  if (request.contains("name")) text(request, "name");
  const config::CircuitBreaker config = load(request);
  permits_.clear();
  now_ = breaker::Time{};
  mode_ = config.mode;
  breaker_ = std::make_unique<breaker::Breaker>(config, now_, 0);
  return ok();
}

json::object Player::acquire() {
  auto answer = breaker().try_acquire(now_);
  if (const auto* rejection = std::get_if<breaker::Rejection>(&answer)) {
    json::object view = {{"rejected", to_string(rejection->by)}};
    if (rejection->retry_after) view["retry_after_ms"] = rejection->retry_after->count();
    return view;
  }
  const std::int64_t id = next_permit_++;
  breaker::Permit& permit = permits_[id] = std::move(std::get<breaker::Permit>(answer));
  json::object view = {{"permit", id}};
  if (permit.unjudged() && mode_ == config::Mode::shadow) view["unjudged"] = true;
  return view;
}

json::object Player::end(std::string_view op, const Object& request) {
  breaker::Permit& ending = permit(request);
  if (!ending.active()) throw Refused("this permit has ended");
  if (op == "success") ending.success(now_);
  if (op == "failure") ending.failure(kind_of(request, FailureKind::other), now_);
  if (op == "neutral") ending.neutral(now_);
  if (op == "withdraw") ending.withdraw(now_);
  if (op == "slow") ending.on_slow(now_);
  if (op == "drop") ending = breaker::Permit();
  return ok();
}

json::object Player::broke_off(const Object& request) {
  const FailureKind kind = kind_of(request, FailureKind::incomplete);
  if (!permit(request).broke_off(kind, now_)) throw Refused("this permit has not ended by a success");
  return ok();
}

json::object Player::give_back_slot(const Object& request) {
  if (!permit(request).give_back_slot(now_)) throw Refused("this permit holds no slot");
  return ok();
}

json::object Player::advance(const Object& request) {
  breaker();
  constexpr std::int64_t kMaxTime = std::int64_t{1} << 42;
  const std::int64_t step = whole_number(request, "ms");
  const std::int64_t before = std::chrono::floor<milliseconds>(now_.time_since_epoch()).count();
  if (step > kMaxTime - before) throw Refused("the clock ends after 139 years");
  now_ += milliseconds(step);
  return ok();
}

json::object Player::reload(const Object& request) {
  breaker();
  const config::CircuitBreaker config = load(request);
  mode_ = config.mode;
  const breaker::Reconfigured result = breaker().reconfigure(config, now_);
  json::array emptied;
  if (result.window_emptied) emptied.emplace_back("window");
  if (result.failure_count_emptied) emptied.emplace_back("failure_count");
  json::object view = ok();
  if (!emptied.empty()) view["emptied"] = std::move(emptied);
  return view;
}

json::object Player::force(std::string_view op, const Object& request) {
  std::optional<milliseconds> span;
  if (request.contains("for_ms")) span = milliseconds(whole_number(request, "for_ms"));
  if (op == "force_open")
    breaker().force_open(now_, span);
  else
    breaker().force_closed(now_, span);
  return ok();
}

json::object Player::show() const {
  const breaker::Snapshot seen = breaker().snapshot(now_);
  json::object view = {{"state", to_string(seen.state)},
                       {"override", to_string(seen.override_state)},
                       {"generation", seen.generation},
                       {"window", window_view(seen.window)},
                       {"consecutive_failures", seen.consecutive_failures},
                       {"consecutive_slow_calls", seen.consecutive_slow_calls},
                       {"half_open",
                        {{"in_flight", seen.half_open.in_flight},
                         {"successes", seen.half_open.successes},
                         {"failures", seen.half_open.failures}}}};
  if (seen.retry_after) view["retry_after_ms"] = seen.retry_after->count();
  view["totals"] = totals_view(seen.totals);
  view["last_trip"] = nullptr;
  if (seen.last_trip) view["last_trip"] = {{"reason", to_string(seen.last_trip->reason)}};
  return view;
}

breaker::Breaker& Player::breaker() const {
  if (!breaker_) throw Refused("there is no breaker yet: \"new\" comes first");
  return *breaker_;
}

breaker::Permit& Player::permit(const Object& request) {
  breaker();
  const auto found = permits_.find(whole_number(request, "permit"));
  if (found == permits_.end()) throw Refused("there is no such permit");
  return found->second;
}

}  // namespace fusewire::adapter
