// SPDX-License-Identifier: Apache-2.0
#include "filters/fault/injector.hpp"

#include <utility>

namespace fusewire::fault {

std::optional<Fault> Injector::set(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  on_.store(true, std::memory_order_relaxed);
  return std::exchange(fault_, fault);
}

std::optional<Fault> Injector::clear() {
  const std::lock_guard lock(mutex_);
  on_.store(false, std::memory_order_relaxed);
  return std::exchange(fault_, std::nullopt);
}

std::optional<Fault> Injector::clear_over(Time now) {
  if (!is_on()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!fault_ || !fault_->is_over(now)) return std::nullopt;
  on_.store(false, std::memory_order_relaxed);
  return std::exchange(fault_, std::nullopt);
}

std::optional<Fault> Injector::view(Time now) const {
  const std::lock_guard lock(mutex_);
  return fault_ && !fault_->is_over(now) ? fault_ : std::nullopt;
}

Injected Injector::draw(std::uint64_t random, Time now) const {
  const std::lock_guard lock(mutex_);
  if (!fault_ || fault_->is_over(now)) return {};
  return decide(*fault_, static_cast<std::uint32_t>(random), static_cast<std::uint32_t>(random >> 32));
}

}  // namespace fusewire::fault
