// SPDX-License-Identifier: Apache-2.0
// The logger's sink, which writes whole lines to a file descriptor, and the count of what is queued for it.
// Thread-safe: admit() by any thread, log() by spdlog's one thread, drain() and abandon() by the stopping one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include <spdlog/sinks/sink.h>

namespace fusewire::proxy::log {

class Writer final : public spdlog::sinks::sink {
 public:
  // What may wait at most; beyond it lines are dropped. spdlog's own queue is made larger, so it never overruns.
  static constexpr std::size_t kMaxItems = 1000;
  static constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;

  // `dropped` counts the lines that were lost; it outlives the writer.
  Writer(int fd, std::atomic<std::uint64_t>& dropped);

  // Reserves room for one item; false when the queue is full.
  bool admit(std::size_t bytes) noexcept;
  // Waits until everything admitted has been written or given up; false when `limit` came first.
  bool drain(std::chrono::milliseconds limit);
  // From now on what waits is dropped, even in the middle of a line.
  void abandon() noexcept { abandoned_.store(true); }

  void log(const spdlog::details::log_msg&) override;
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  bool write_all(std::string_view);
  bool wait_writable() const;
  void finish(std::size_t bytes);

  const int fd_;
  const bool file_;  // a regular file never blocks
  std::atomic<std::size_t> items_{0};
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t>& dropped_;
  std::atomic<bool> abandoned_{false};
  std::mutex mutex_;
  std::condition_variable empty_;
};

}  // namespace fusewire::proxy::log
