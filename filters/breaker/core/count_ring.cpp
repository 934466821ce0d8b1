// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/core/count_ring.hpp"

#include <algorithm>

namespace fusewire::breaker {

namespace {

constexpr unsigned kRestBits = 64 - kGenerationBits;
constexpr std::uint64_t kRestMask = (std::uint64_t{1} << kRestBits) - 1;
constexpr unsigned kFieldBits = kRestBits / 2;

constexpr std::uint32_t tag_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> kRestBits); }

constexpr std::uint64_t tagged(std::uint32_t tag, std::uint64_t rest) noexcept {
  return std::uint64_t{tag} << kRestBits | (rest & kRestMask);
}

constexpr std::int64_t sign_extended(std::uint64_t value, unsigned bits) noexcept {
  return static_cast<std::int64_t>(value << (64 - bits)) >> (64 - bits);
}

// A ring word: used:1 | marked:1 | tag:22.
constexpr std::uint32_t kUsed = 1U << 31;
constexpr std::uint32_t kMarked = 1U << 30;

}  // namespace

CountRing::CountRing(std::uint32_t size)
    : size_(std::clamp(size, 1U, kLargest)), words_(std::make_unique<std::atomic<std::uint32_t>[]>(size_)) {}

void CountRing::add(std::uint32_t tag, bool marked) noexcept {
  tag &= kGenerationMask;
  const std::int64_t place = reserve(tag);
  if (place < 0) return;
  std::atomic<std::uint32_t>& word = words_[static_cast<std::size_t>(place % size_)];
  const std::uint32_t displaced = word.exchange(kUsed | (marked ? kMarked : 0) | tag, std::memory_order_acq_rel);
  const std::uint32_t displaced_tag = displaced & kGenerationMask;
  const int was_marked = (displaced & kMarked) != 0 ? 1 : 0;
  if ((displaced & kUsed) == 0 || displaced_tag != tag) {
    apply(tag, 1, marked ? 1 : 0);
    // Only a writer that was delayed over a change of tags displaces a newer word.
    if ((displaced & kUsed) != 0 && newer_generation(displaced_tag, tag)) apply(displaced_tag, -1, -was_marked);
  } else {
    apply(tag, 0, (marked ? 1 : 0) - was_marked);
  }
}

Tally CountRing::sum(std::uint32_t tag) const noexcept {
  const std::uint64_t word = sum_.load(std::memory_order_acquire);
  if (tag_of(word) != (tag & kGenerationMask)) return {};
  const std::int64_t marked = sign_extended(word, kFieldBits);
  const std::int64_t total = (sign_extended(word, kRestBits) - marked) >> kFieldBits;
  return {static_cast<std::uint64_t>(std::max<std::int64_t>(0, total)),
          static_cast<std::uint64_t>(std::clamp<std::int64_t>(marked, 0, std::max<std::int64_t>(0, total)))};
}

// The next place for a word of this tag, or -1 when a newer one has begun.
std::int64_t CountRing::reserve(std::uint32_t tag) noexcept {
  std::uint64_t seen = head_.load(std::memory_order_relaxed);
  std::uint64_t place = 0;
  do {
    if (newer_generation(tag_of(seen), tag)) return -1;
    place = tag_of(seen) == tag ? seen & kRestMask : 0;
  } while (
      !head_.compare_exchange_weak(seen, tagged(tag, place + 1), std::memory_order_acq_rel, std::memory_order_relaxed));
  return static_cast<std::int64_t>(place);
}

void CountRing::apply(std::uint32_t tag, int total, int marked) noexcept {
  const std::int64_t change = static_cast<std::int64_t>(total) * (std::int64_t{1} << kFieldBits) + marked;
  if (change == 0) return;
  std::uint64_t seen = sum_.load(std::memory_order_relaxed);
  std::uint64_t wanted = 0;
  do {
    if (newer_generation(tag_of(seen), tag)) return;
    const std::uint64_t before = tag_of(seen) == tag ? seen & kRestMask : 0;
    wanted = tagged(tag, before + static_cast<std::uint64_t>(change));
  } while (!sum_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_relaxed));
}

}  // namespace fusewire::breaker
