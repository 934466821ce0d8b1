// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/proxy/request/schedules/virtual_clock.hpp"

#include <algorithm>
#include <optional>
#include <random>

#include "filters/balance/random.hpp"

namespace {

using fusewire::Time;

std::optional<Time> virtual_now;
fusewire::balance::Random numbers(0);

}  // namespace

// ------------------------------------------------------------------------------------------------------ wrapped

Time real_now() asm("__real__ZNSt6chrono3_V212steady_clock3nowEv");
Time wrapped_now() asm("__wrap__ZNSt6chrono3_V212steady_clock3nowEv");
Time wrapped_now() { return virtual_now ? *virtual_now : real_now(); }

unsigned real_random(std::random_device*) asm("__real__ZNSt13random_device9_M_getvalEv");
unsigned wrapped_random(std::random_device*) asm("__wrap__ZNSt13random_device9_M_getvalEv");
unsigned wrapped_random(std::random_device* device) {
  return virtual_now ? static_cast<unsigned>(numbers.next() >> 32) : real_random(device);
}

namespace fusewire::testing {

VirtualClock::VirtualClock(std::uint64_t seed) {
  virtual_now = Time{} + std::chrono::hours(1000);
  numbers = balance::Random(seed);
}
VirtualClock::~VirtualClock() { virtual_now.reset(); }

Time VirtualClock::now() const { return *virtual_now; }
void VirtualClock::advance_to(Time time) { virtual_now = std::max(*virtual_now, time); }

}  // namespace fusewire::testing
