// SPDX-License-Identifier: Apache-2.0
// Of each bucket of a histogram the latest request whose trace is sampled, so that one gets from a latency to a trace.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <type_traits>

#include "filters/time.hpp"

namespace fusewire::proxy {

struct Exemplar {
  std::array<char, 32> trace_id{};   // lower-case hexadecimal digits
  std::uint64_t span = 0;            // of the request
  std::chrono::nanoseconds taken{};  // what was observed
  WallTime at{};                     // when
};

// One exemplar, written by one thread and read by any: a seqlock. All words are atomic. A word is stored with release
// after the odd version and loaded with acquire before the version is compared: who has read a new word sees that the
// version has moved on, and no fence is needed.
class ExemplarCell {
 public:
  void set(const Exemplar& exemplar) noexcept {
    const auto words = std::bit_cast<Words>(exemplar);
    const std::uint64_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
  }
  // Nothing: there is none yet, or its writer was faster than kMaxTries readings; the next scrape has one.
  std::optional<Exemplar> get() const noexcept {
    for (int i = 0; i < kMaxTries; ++i) {
      const std::uint64_t version = version_.load(std::memory_order_acquire);
      if (version == 0) return std::nullopt;
      Words words;
      for (std::size_t word = 0; word < words.size(); ++word)
        words[word] = words_[word].load(std::memory_order_acquire);
      if (version % 2 == 0 && version_.load(std::memory_order_relaxed) == version)
        return std::bit_cast<Exemplar>(words);
    }
    return std::nullopt;
  }

 private:
  static constexpr int kMaxTries = 16;
  using Words = std::array<std::uint64_t, sizeof(Exemplar) / sizeof(std::uint64_t)>;
  static_assert(std::is_trivially_copyable_v<Exemplar> && sizeof(Exemplar) == sizeof(Words));

  std::atomic<std::uint64_t> version_{0};  // odd: it is being written
  std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words_{};
};

// The exemplars of `Buckets` buckets. One writing thread, any reader. They take memory (64 bytes a bucket) from the
// first one on: where nothing is traced, it is a pointer.
template <std::size_t Buckets>
class Exemplars {
 public:
  Exemplars() = default;
  ~Exemplars() { delete cells_.load(std::memory_order_relaxed); }
  Exemplars(const Exemplars&) = delete;
  Exemplars& operator=(const Exemplars&) = delete;

  // Without memory for the first one there is none.
  void set(std::size_t bucket, const Exemplar& exemplar) noexcept {
    Cells* cells = cells_.load(std::memory_order_relaxed);
    if (cells == nullptr) {
      cells = new (std::nothrow) Cells;
      if (cells == nullptr) return;
      cells_.store(cells, std::memory_order_release);
    }
    (*cells)[bucket].set(exemplar);
  }
  std::optional<Exemplar> get(std::size_t bucket) const noexcept {
    const Cells* const cells = cells_.load(std::memory_order_acquire);
    return cells != nullptr ? (*cells)[bucket].get() : std::nullopt;
  }

 private:
  using Cells = std::array<ExemplarCell, Buckets>;
  std::atomic<Cells*> cells_{nullptr};
};

}  // namespace fusewire::proxy
