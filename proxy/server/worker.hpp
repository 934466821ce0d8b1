// SPDX-License-Identifier: Apache-2.0
// One thread with everything that its connections need and share with nobody: loop, deadlines, buffers, pools.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "proxy/net/deadlines.hpp"
#include "proxy/net/frame_pool.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/observe/cells.hpp"
#include "proxy/snapshot/listener_gate.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/backends.hpp"
#include "proxy/upstream/upstream_pool.hpp"

namespace fusewire::proxy {

class Refresh;
class Session;

// A string to build a message's head or an answer of our own in, borrowed for as long as the write takes.
class Scratch {
 public:
  using Pool = std::vector<std::string>;

  explicit Scratch(Pool& pool) : pool_(pool) {
    if (pool_.empty()) return;
    text_ = std::move(pool_.back());
    pool_.pop_back();
  }
  ~Scratch() {
    if (pool_.size() >= kKept || text_.capacity() > kMaxKept) return;
    text_.clear();
    pool_.push_back(std::move(text_));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string& operator*() { return text_; }
  std::string* operator->() { return &text_; }

 private:
  static constexpr std::size_t kKept = 32;
  static constexpr std::size_t kMaxKept = 64 * 1024;
  Pool& pool_;
  std::string text_;
};

// At most one line a second, of something that others can make happen as often as they like.
class LogLimit {
 public:
  bool pass(Time now) {
    if (now < next_) return false;
    next_ = now + std::chrono::seconds(1);
    return true;
  }

 private:
  Time next_{};
};

class Worker {
 public:
  Worker(std::size_t index, WorkerCells& cells, Names& names);
  ~Worker();

  void start();
  // The following may be called by any thread.
  void publish(std::shared_ptr<const Snapshot>);
  // Takes over an accepted, non-blocking socket that has been counted in `gate`. `refuse`: the listener is full.
  void accept(int fd, std::shared_ptr<ListenerGate> gate, bool refuse);
  // Closes the client of that listener that has waited longest here. `done` hears, on the worker's thread, whether
  // there was one.
  void part_with_client(std::shared_ptr<ListenerGate>, std::function<void(bool made)> done);
  void drain();                           // no more keep-alive; ends when the last session has ended
  void evict_idle(const UpstreamState*);  // compared only, never looked into
  void learn(const NameNews&);
  void stop();  // cuts everything off
  bool drained() const { return drain_begun_.load() && sessions_open_.load() == 0; }
  void join();

  // The rest: on the worker's thread.
  std::size_t index() const { return index_; }
  Loop& loop() { return loop_; }
  DeadlineWheel& deadlines() { return loop_.deadlines(); }
  BufferPool& buffers() { return buffers_; }
  UpstreamPool& pool() { return pool_; }
  Backends& backends() { return backends_; }
  AccessLog& access_log() { return access_log_; }
  WorkerCells& cells() { return cells_; }
  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  bool draining() const { return draining_; }

  std::string_view date_line(WallTime now);  // "Date: …\r\n", formatted once a second
  std::string_view new_request_id();         // 32 hex digits; good until the next call
  void arm_log_flush(Time now);
  Scratch::Pool& scratch() { return scratch_; }
  // Lists of fields, recycled: an idle connection holds none, and a request allocates none.
  Fields take_fields();
  void give_back(Fields&&);

  // Of handshakes that failed.
  LogLimit& client_complaints() { return client_complaints_; }
  LogLimit& upstream_complaints() { return upstream_complaints_; }
  LogLimit& malformed_complaints() { return malformed_complaints_; }  // of responses

  void add(Session&);
  void remove(Session&);
  void add(Refresh&);
  void remove(Refresh&);

 private:
  void trim();
  void forget_tls_sessions();
  static bool part_with(WaitingClients&);

  const std::size_t index_;
  WorkerCells& cells_;
  FramePool frames_;
  BufferPool buffers_;
  Scratch::Pool scratch_;
  std::vector<Fields> fields_;
  Loop loop_;
  Deadline backstop_;
  UpstreamPool pool_;
  Backends backends_;
  AccessLog access_log_;
  Deadline log_flush_;
  Deadline trim_;  // of the buffers
  std::shared_ptr<const Snapshot> snapshot_;
  void end_if_stopped();

  std::unordered_set<Session*> sessions_;
  std::unordered_set<Refresh*> refreshes_;  // cut off when the worker stops; nobody waits for them before
  std::atomic<std::size_t> sessions_open_{0};
  bool draining_ = false;
  bool stopping_ = false;
  std::atomic<bool> drain_begun_{false};  // whatever had been accepted is a session by then
  std::string date_line_;
  std::int64_t date_second_ = -1;
  std::array<char, 32> request_id_;  // of the last request: half a number of the worker's, half a count
  LogLimit client_complaints_;
  LogLimit upstream_complaints_;
  LogLimit malformed_complaints_;
  std::thread thread_;
};

}  // namespace fusewire::proxy
