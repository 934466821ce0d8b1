// SPDX-License-Identifier: Apache-2.0
// The connections of one listener over all workers: how many there are, and which of them wait for their clients. Where
// all are taken, or descriptors are short, the one that has waited longest gives way to a new one.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "filters/time.hpp"
#include "proxy/observe/cells.hpp"

namespace fusewire::proxy {

// Connections in the order in which they began to wait. On their worker's thread, but for oldest().
class WaitingList {
 public:
  // Must have left before the list ends.
  class Member {
   public:
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    void leave();  // does nothing where it is in no list
    const WaitingList* list() const { return list_; }
    Member* next() const { return next_; }
    // Closes its connection to make room. False: its client has just gone on.
    virtual bool give_way() = 0;

   protected:
    Member() = default;
    ~Member() = default;

   private:
    friend class WaitingList;
    WaitingList* list_ = nullptr;
    Member* next_ = nullptr;
    Member* previous_ = nullptr;
    Time since_{};
  };

  void append(Member&, Time since);
  Member* first() const { return first_; }
  Time oldest() const { return Time(Time::duration(oldest_.load(std::memory_order_relaxed))); }  // kNever: none waits

 private:
  void publish();

  Member* first_ = nullptr;
  Member* last_ = nullptr;
  std::atomic<Time::rep> oldest_{kNever.time_since_epoch().count()};
};

// Those of one listener at one worker.
struct WaitingClients {
  WaitingList idle;        // between two requests
  WaitingList unfinished;  // no request yet, or not all of its head, or the rest of a refused one is being discarded

  // How long an unfinished connection may wait before it is closed to make room.
  static constexpr std::chrono::milliseconds kPatience{500};

  // The list with the connection that has waited longest and may be closed; nullptr: there is none. Any thread.
  WaitingList* longest(Time now);
  // Makes one of them give way, on their worker's thread. False: there was none that could.
  bool part_with_one(Time now);
};

// Kept by name while the process lives. Any thread.
struct ListenerGate {
  explicit ListenerGate(std::size_t workers = 1) : waiting(workers) {}

  std::string name;
  std::function<void()> resume;  // set once: the acceptor takes connections from the backlog again
  std::atomic<std::uint32_t> connections{0};
  std::atomic<std::uint32_t> arriving{0};  // of them: handed to a worker that has not begun with them
  std::atomic<bool> full{false};           // the acceptor waits for a connection to end
  PerWorker<WaitingClients> waiting;

  struct Longest {
    std::size_t worker;
    Time since;
  };
  // The worker whose client has waited longest and may be closed.
  std::optional<Longest> longest_waiting(Time now);

  // A connection has ended. Sequentially consistent with the acceptor's check after it has set `full`, so that neither
  // misses the other.
  void leave() {
    connections.fetch_sub(1);
    if (full.load() && full.exchange(false)) resume();
  }
};

}  // namespace fusewire::proxy
