// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/registry.hpp"

namespace fusewire::breaker {

std::shared_ptr<CircuitBreaker> Registry::add(const Builder& builder) {
  auto made = builder.build_shared();
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = breakers_.emplace(made->name(), made);
  if (!is_new) throw std::invalid_argument("a circuit breaker named '" + made->name() + "' is there already");
  return made;
}

std::shared_ptr<CircuitBreaker> Registry::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = breakers_.find(name);
  return found == breakers_.end() ? nullptr : found->second;
}

bool Registry::remove(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = breakers_.find(name);
  if (found == breakers_.end()) return false;
  breakers_.erase(found);
  return true;
}

std::vector<std::string> Registry::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [name, breaker] : breakers_) all.push_back(name);
  return all;
}

}  // namespace fusewire::breaker
