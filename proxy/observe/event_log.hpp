// SPDX-License-Identifier: Apache-2.0
// The last N transitions, overrides and resets, with their figures; for streams a number of their own, however small N
// is. Thread-safe (a mutex: events are rare).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "filters/breaker/core/types.hpp"

namespace fusewire::proxy {

struct LoggedEvent {
  std::uint64_t id = 0;  // 1, 2, 3, …
  std::chrono::system_clock::time_point at{};
  std::string breaker;
  breaker::Event event;
};

class EventLog {
 public:
  explicit EventLog(std::size_t history);

  // Of this log alone, 16 hexadecimal digits: ids begin anew with each process, and a reader that comes back with
  // another one's has seen none of these. Any thread.
  const std::string& instance() const { return instance_; }

  void record(const std::string& breaker, const breaker::Event&);  // any thread; also writes the log line
  void set_history(std::size_t);
  // Those of the history with a larger id, oldest first.
  std::vector<LoggedEvent> since(std::uint64_t id) const;
  // The same of all that is kept, for a stream that has sent those up to `id`.
  std::vector<LoggedEvent> unsent(std::uint64_t id) const;
  std::vector<LoggedEvent> last_of(const std::string& breaker, std::size_t n) const;
  std::map<std::string, std::vector<LoggedEvent>> last_of_each(std::size_t n) const;  // by breaker

  std::uint64_t last_id() const;  // 0 before the first

  // `callback` is called after each record, on the recording thread, under the log's lock: it must not block, nor call
  // back (the stream posts to the control thread). When unsubscribe() returns, no call of it is under way.
  std::uint64_t subscribe(std::function<void()> callback);
  void unsubscribe(std::uint64_t token);

  static constexpr std::size_t kLeastKept = 1000;

 private:
  void trim();
  std::uint64_t first_shown() const { return next_id_ > history_ ? next_id_ - history_ : 1; }

  const std::string instance_;
  mutable std::mutex mutex_;
  std::size_t history_;  // so many are shown; as many are kept, and kLeastKept at least
  std::uint64_t next_id_ = 1;
  std::deque<LoggedEvent> events_;
  std::map<std::uint64_t, std::function<void()>> subscribers_;
  std::uint64_t next_token_ = 1;
};

}  // namespace fusewire::proxy
