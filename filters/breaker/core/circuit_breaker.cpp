// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/circuit_breaker.hpp"

namespace fusewire::breaker {

namespace {

const config::CircuitBreaker& checked(const config::CircuitBreaker& config) {
  if (const char* why = why_invalid(config)) throw std::invalid_argument(why);
  return config;
}

Millis slower_than(const config::CircuitBreaker& config) {
  const auto& detector = config.detection.slow_call_rate;
  return detector ? detector->slower_than.count() : -1;
}

}  // namespace

Rejected::Rejected(const std::string& name, Rejection rejection)
    : std::runtime_error("circuit breaker '" + name + "' rejected the call: " + std::string(to_string(rejection.by))),
      rejection_(rejection) {}

CircuitBreaker::CircuitBreaker(std::string name, const config::CircuitBreaker& config, Clock clock)
    : name_(std::move(name)),
      clock_(std::move(clock)),
      core_(checked(config), clock_(), std::hash<std::string>{}(name_)),
      slower_than_(slower_than(config)) {}

std::variant<Call, Rejection> CircuitBreaker::try_acquire() {
  auto answer = core_.try_acquire(clock_());
  if (auto* permit = std::get_if<Permit>(&answer)) return Call(std::move(*permit), clock_);
  return std::get<Rejection>(answer);
}

std::optional<Call> CircuitBreaker::try_acquire_probe() {
  auto permit = core_.try_acquire_probe(clock_());
  if (!permit) return std::nullopt;
  return Call(*std::move(permit), clock_);
}

Call CircuitBreaker::acquire() {
  auto answer = try_acquire();
  if (const auto* rejection = std::get_if<Rejection>(&answer)) throw Rejected(name_, *rejection);
  return std::move(std::get<Call>(answer));
}

void CircuitBreaker::succeed(Call& call) const {
  note_slowness(call);
  call.success();
}

void CircuitBreaker::fail(Call& call) const {
  if (!call.active()) return;
  note_slowness(call);
  call.failure();
}

void CircuitBreaker::note_slowness(Call& call) const {
  const Millis limit = slower_than_.load(std::memory_order_relaxed);
  if (limit >= 0 && call.age().count() >= limit) call.on_slow();
}

void CircuitBreaker::on_event(Breaker::Listener callback) {
  callbacks_.push_back(std::move(callback));
  const auto tell_all = [this](const Event& event) {
    for (const auto& each : callbacks_) {
      try {
        each(event);
      } catch (...) {  // the next one hears of it all the same
      }
    }
  };
  core_.listen(tell_all, {.transitions = true, .rejections = true, .results = true});
}

Reconfigured CircuitBreaker::reconfigure(const config::CircuitBreaker& config) {
  const Reconfigured result = core_.reconfigure(checked(config), clock_());
  slower_than_.store(slower_than(config), std::memory_order_relaxed);
  return result;
}

}  // namespace fusewire::breaker
