// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/timed_overrides.hpp"

namespace fusewire::proxy {
namespace {

// A breaker counts whole milliseconds since it was made, so it may see the end up to one of them earlier.
constexpr breaker::milliseconds kRounding{1};

}  // namespace

breaker::Event TimedOverrides::note(const std::string& breaker, breaker::Event event) {
  using Kind = breaker::Event::Kind;
  if (event.kind != Kind::override_set && event.kind != Kind::override_ended) return event;
  const std::lock_guard lock(mutex_);
  if (event.kind == Kind::override_set) {
    timed_.erase(breaker);
    if (event.override_for) timed_[breaker] = {event.at + *event.override_for, *event.override_for};
  } else if (const auto found = timed_.find(breaker); found != timed_.end()) {
    if (event.at + kRounding > found->second.end) event.override_for = found->second.given;
  }
  return event;
}

std::vector<std::string> TimedOverrides::over(breaker::Time now) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, timed] : timed_)
    if (now >= timed.end) names.push_back(name);
  return names;
}

std::optional<breaker::Time> TimedOverrides::end_of(const std::string& breaker) const {
  const std::lock_guard lock(mutex_);
  const auto found = timed_.find(breaker);
  return found == timed_.end() ? std::nullopt : std::optional(found->second.end);
}

void TimedOverrides::forget(const std::string& breaker) {
  const std::lock_guard lock(mutex_);
  timed_.erase(breaker);
}

}  // namespace fusewire::proxy
