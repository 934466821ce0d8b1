// SPDX-License-Identifier: Apache-2.0
// One upstream's share of the cache: its name and its counters. Thread-safe: counters are relaxed atomics. Kept by name
// over reloads. A scope is the part of it that one request may see.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fusewire::cache {

enum class Event : std::uint8_t {
  hit,         // answered with a fresh response
  stale,       // answered with a stale one
  miss,        // asked, and had nothing that may be used
  validate,    // asked the upstream whether what is stored still holds
  collapse,    // waited for another request's fetch, and was answered with its response
  store,       // a response remembered with its bytes
  refresh,     // new fields and times, the bytes kept
  evict,       // the least recently used made room
  invalidate,  // by an unsafe request, or by an answer that contradicts what is stored
};
inline constexpr std::size_t kEvents = 9;
inline constexpr std::array<std::string_view, kEvents> kEventNames = {
    "hit", "stale", "miss", "validate", "collapse", "store", "refresh", "evict", "invalidate"};

class Partition {
 public:
  explicit Partition(std::string name) : name_(std::move(name)) {}

  const std::string& name() const noexcept { return name_; }
  std::uint64_t events(Event event) const noexcept { return events_[index(event)].load(std::memory_order_relaxed); }
  std::uint64_t entries() const noexcept { return entries_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  void count(Event event) noexcept { events_[index(event)].fetch_add(1, std::memory_order_relaxed); }
  // For the store alone.
  void added(std::size_t bytes) noexcept {
    entries_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void removed(std::size_t bytes) noexcept {
    entries_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t index(Event event) noexcept { return static_cast<std::size_t>(event); }

  const std::string name_;
  std::array<std::atomic<std::uint64_t>, kEvents> events_{};
  std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

// Responses of one upstream that may stand for one another: stored under one generation of its configuration, by way of
// routes of equal scopes (ChainContext::cache_generation, Exchange::cache_scope).
struct Scope {
  Scope(const Partition& of, std::uint64_t number = 0, std::string_view route_scope = {}) noexcept
      : partition(&of), generation(number), route(route_scope) {}

  const Partition* partition;
  std::uint64_t generation;
  std::string_view route;
  bool operator==(const Scope&) const = default;
};

}  // namespace fusewire::cache
