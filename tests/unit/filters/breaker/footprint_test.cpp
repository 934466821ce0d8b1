// SPDX-License-Identifier: Apache-2.0
// Counts this program's allocations: what a breaker costs, and that a call costs none. Not under a sanitizer, which has
// an operator new of its own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FUSEWIRE_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FUSEWIRE_SANITIZED
#endif

#ifndef FUSEWIRE_SANITIZED
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "tests/unit/filters/breaker/played_breaker.hpp"

namespace {

thread_local std::size_t allocations = 0;
thread_local std::size_t allocated_bytes = 0;

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  allocated_bytes += size;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace fusewire::breaker::testing {
namespace {

TEST_CASE("a breaker with its default window takes at most 1 KiB, all it allocates included") {
  const std::size_t before = allocated_bytes;
  const Breaker breaker(config::CircuitBreaker{}, Time{}, 0);
  CHECK(allocated_bytes > before);
  CHECK(sizeof(Breaker) + allocated_bytes - before <= 1024);
}

TEST_CASE("calls, rejections, transitions and looking at the state allocate nothing") {
  PlayedBreaker play;
  const std::size_t before = allocations;
  play.succeed(3);
  play.slow(1);
  play.fail(5);
  play.reject();
  play.wait_out();
  play.succeed(3);
  const bool available = play.breaker.available(play.now);
  const State state = play.state();
  const Snapshot seen = play.seen();
  CHECK(allocations == before);
  CHECK(available);
  CHECK(state == State::closed);
  CHECK(seen.totals.trips == 1);
}

TEST_CASE("reloading the same few settings over and over keeps no more than those") {
  PlayedBreaker play;
  config::CircuitBreaker other = plain();
  other.detection.window = {.type = config::WindowType::count_based, .duration = 60s, .size = 50};
  other.detection.failure_count = config::FailureCount{};
  play.breaker.reconfigure(other, play.now);
  play.breaker.reconfigure(plain(), play.now);
  const std::size_t before = allocations;
  for (int i = 0; i < 1000; ++i) {
    play.breaker.reconfigure(other, play.now);
    play.breaker.reconfigure(plain(), play.now);
  }
  CHECK(allocations == before);
}

}  // namespace
}  // namespace fusewire::breaker::testing

#endif  // FUSEWIRE_SANITIZED
