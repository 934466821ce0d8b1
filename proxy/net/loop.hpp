// SPDX-License-Identifier: Apache-2.0
// A worker's event loop: edge-triggered epoll, work posted by other threads, and the worker's deadlines. No system call
// but epoll_wait; a descriptor costs one epoll_ctl in its life (see docs/decisions/0007).
//
// One thread, but for post() and stop().
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "proxy/net/deadlines.hpp"

namespace fusewire::proxy {

class Loop {
  struct Queue;

 public:
  // Receives a descriptor's events. All events of one epoll_wait are noted before any source acts on them, so that an
  // act sees what has happened to the others by then. Leaves the loop when destroyed.
  class Source {
   public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

   protected:
    ~Source() { leave_queue(); }
    void leave_queue();  // no act() any more, until the next event

   private:
    friend class Loop;
    virtual void note(std::uint32_t events) = 0;  // EPOLLIN, …; remembers and does nothing else
    virtual void act() = 0;                       // may destroy any source

    Source* next_ = nullptr;
    Source** link_ = nullptr;  // what points at us; nullptr: not queued
    Queue* queue_ = nullptr;
  };

  // Throws std::system_error.
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // From now on `source` hears of that descriptor, for reading, writing and its end, until forget(). Closing it is not
  // enough: where another process has a copy of it (a fork that has not come to its exec), the kernel goes on. False:
  // errno says why not.
  bool watch(int descriptor, Source& source);
  void forget(int descriptor);
  // act() in the next turn.
  void defer(Source&);
  // Runs in the next turn.
  void soon(std::function<void()>);
  DeadlineWheel& deadlines() { return deadlines_; }
  std::uint64_t turns() const { return turns_; }  // begun so far

  void run();  // until stop()
  // Runs one turn: waits for events, until `until` at the latest, and handles them. Then what was due when all of them
  // were known falls due, and nothing that has become due since: a turn may take long, and what has come meanwhile came
  // in time.
  void turn(Time until = kNever);

  // Any thread.
  void post(std::function<void()>);
  void stop();

 private:
  struct Queue {
    Source* first = nullptr;
    Source** last = &first;
  };
  static void append(Queue&, Source&);
  bool look(int patience);
  void act();
  void run_posted();
  int patience(Time until) const;
  void wake();

  static constexpr int kBatch = 128;     // events that one epoll_wait gives
  static constexpr int kMaxLooks = 256;  // a turn

  int epoll_ = -1;
  int wakeup_ = -1;  // an eventfd
  DeadlineWheel deadlines_;
  std::uint64_t turns_ = 0;
  // What is deferred while sources act runs after the next look at epoll, so that no source starves.
  std::array<Queue, 2> queues_;
  Queue* now_ = &queues_[0];
  Queue* later_ = &queues_[1];
  std::vector<std::function<void()>> soon_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  std::atomic<bool> stopped_{false};
};

}  // namespace fusewire::proxy
