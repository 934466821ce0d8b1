// SPDX-License-Identifier: Apache-2.0
// How much of a request that nobody wants is read, so that its client can read the answer (RFC 9112 §9.6).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "filters/time.hpp"

namespace fusewire::proxy {

class BodyDiscard {
 public:
  static constexpr std::chrono::seconds kTotal{30};
  static constexpr std::chrono::seconds kBetweenReads{5};
  static constexpr std::uint64_t kMaxBytes = 64 * 1024 * 1024;

  void begin(Time now) { until_ = now + kTotal; }
  // When the connection ends, unless something comes before.
  Time due(Time now) const { return std::min(until_, now + kBetweenReads); }
  // So many bytes have been dropped. False: that is enough.
  bool drop(std::size_t bytes) {
    bytes_ += bytes;
    return bytes_ < kMaxBytes;
  }

 private:
  Time until_ = kNever;
  std::uint64_t bytes_ = 0;
};

}  // namespace fusewire::proxy
