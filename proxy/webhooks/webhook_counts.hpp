// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace fusewire::proxy {

// What one webhook has done. Written by the webhooks' thread alone, read by any: relaxed.
struct WebhookCounts {
  std::atomic<std::uint64_t> sent{0};       // messages that were taken
  std::atomic<std::uint64_t> failed{0};     // given up after their retries, or refused
  std::atomic<std::uint64_t> dropped{0};    // events for which there was no room
  std::atomic<std::uint64_t> held_back{0};  // events that a later message stands for
  std::atomic<std::uint64_t> waiting{0};    // messages now, the one under way included
};

}  // namespace fusewire::proxy
