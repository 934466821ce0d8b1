// SPDX-License-Identifier: Apache-2.0
// Sampled requests on their way from the workers to the exporter of traces.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace fusewire::proxy {

// Thread-safe: a mutex, taken once a sampled request. Bounded: what comes when it is full is dropped and counted, so
// that a collector that is down costs neither time nor memory without end.
class SpanQueue {
 public:
  static constexpr std::size_t kMaxRequests = 2048;
  static constexpr std::size_t kWakeAt = 256;  // of them

  struct Item {
    std::string record;      // packed_record.hpp: alone()
    std::string tracestate;  // the client's
    std::uint32_t spans = 0;
  };

  // `wake` is called, by the worker that fills it, when there is enough for a batch: it is quick, and must not call
  // back. Empty: nobody is to be woken.
  void on_many(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

  void push(Item item) {
    const std::lock_guard lock(mutex_);
    if (items_.size() >= kMaxRequests) return count_dropped(item.spans);
    items_.push_back(std::move(item));
    if (items_.size() == kWakeAt && wake_) wake_();
  }
  // `most` at most, the oldest first.
  std::vector<Item> take(std::size_t most) {
    const std::lock_guard lock(mutex_);
    const std::size_t count = items_.size() < most ? items_.size() : most;
    const auto end = items_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<Item> taken(std::make_move_iterator(items_.begin()), std::make_move_iterator(end));
    items_.erase(items_.begin(), end);
    return taken;
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

  void count_exported(std::uint64_t spans) { exported_.fetch_add(spans, std::memory_order_relaxed); }
  void count_dropped(std::uint64_t spans) { dropped_.fetch_add(spans, std::memory_order_relaxed); }
  std::uint64_t exported() const { return exported_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::vector<Item> items_;
  std::atomic<std::uint64_t> exported_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace fusewire::proxy
