// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "filters/fault/fault.hpp"

namespace fusewire::fault {

// The fault of one upstream, or none. Thread-safe: workers draw, the control thread sets and clears. Where there is
// none an attempt costs a relaxed load; while there is one, a mutex.
class Injector {
 public:
  Injector() = default;
  Injector(const Injector&) = delete;
  Injector& operator=(const Injector&) = delete;

  // What it takes the place of, be it over or not.
  std::optional<Fault> set(const Fault&);
  // What was there, be it over or not.
  std::optional<Fault> clear();
  // Takes away, and returns, one whose time is over.
  std::optional<Fault> clear_over(Time now);
  // Nothing where there is none, or its time is over.
  std::optional<Fault> view(Time now) const;

  bool is_on() const noexcept { return on_.load(std::memory_order_relaxed); }
  // For one attempt; `random` is another number for each.
  Injected draw(std::uint64_t random, Time now) const;

 private:
  std::atomic<bool> on_{false};  // there is one; its time may be over
  mutable std::mutex mutex_;
  std::optional<Fault> fault_;
};

}  // namespace fusewire::fault
