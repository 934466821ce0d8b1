// SPDX-License-Identifier: Apache-2.0
// What all code on one worker's thread shares, and no other thread uses: loop, deadlines, buffers, connection pool,
// counters. Worker owns it and the thread; code that gets a reference to it can end neither.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/balance/random.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/net/frame_pool.hpp"
#include "proxy/net/scratch.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/observe/cells.hpp"
#include "proxy/observe/journal.hpp"
#include "proxy/observe/log_limit.hpp"
#include "proxy/observe/span_queue.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/balancer.hpp"
#include "proxy/upstream/upstream_pool.hpp"
#include "proxy/upstream/worker_tasks.hpp"

namespace fusewire::proxy {

// Sessions, refreshes and what they make refer to it for their whole life. Invariants: after the worker's thread has
// started, only that thread uses it, but for loop().post() and connections().size(); snapshot() changes only in
// adopt(), so a task that needs one configuration for longer than a turn holds a copy of the pointer; draining() stays
// set.
class WorkerContext {
 public:
  // `on_task_ended` runs after each end of a connection, a refresh or a request of the proxy's own.
  WorkerContext(std::size_t index, WorkerCells& cells, DnsCache& dns, std::function<void()> on_task_ended);
  WorkerContext(const WorkerContext&) = delete;
  WorkerContext& operator=(const WorkerContext&) = delete;

  std::size_t index() const { return index_; }
  Loop& loop() { return loop_; }
  DeadlineWheel& deadlines() { return loop_.deadlines(); }
  FramePool& frames() { return frames_; }
  BufferPool& buffers() { return buffers_; }
  Scratch::Pool& scratch() { return scratch_; }
  UpstreamPool& pool() { return pool_; }
  Balancer& balancer() { return balancer_; }
  WorkerCells& cells() { return cells_; }
  AccessLog& access_log() { return access_log_; }
  std::uint64_t random() { return random_.next(); }
  // Where finished requests go, beside the access log. Before the thread starts; without it (tests) they go nowhere.
  void observe_with(Journal& journal, SpanQueue& spans) {
    journal_.emplace(journal);
    spans_ = &spans;
  }
  JournalWriter* journal() { return journal_ ? &*journal_ : nullptr; }
  SpanQueue* spans() { return spans_; }
  void arm_log_flush(Time now);

  // Client connections, which a drain waits for, and refreshes and requests of the proxy's own, which it does not.
  WorkerTasks& connections() { return connections_; }
  const WorkerTasks& connections() const { return connections_; }
  WorkerTasks& refreshes() { return refreshes_; }
  WorkerTasks& own_requests() { return own_requests_; }

  const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  void adopt(const std::shared_ptr<const Snapshot>&);  // notifies the tasks that it concerns
  bool draining() const { return draining_; }
  void begin_drain() { draining_ = true; }

  std::string_view date_line(WallTime now);  // "Date: …\r\n", formatted once a second
  std::string_view new_request_id();         // 32 hex digits; good until the next call
  // Lists of fields, recycled: an idle connection holds none, and a request allocates none.
  Fields take_fields();
  void give_back(Fields&&);

  // Of handshakes that failed.
  LogLimit& client_complaints() { return client_complaints_; }
  LogLimit& upstream_complaints() { return upstream_complaints_; }
  LogLimit& malformed_complaints() { return malformed_complaints_; }  // of responses

 private:
  void forget_tls_sessions();

  const std::size_t index_;
  WorkerCells& cells_;
  balance::Random random_;
  FramePool frames_;
  BufferPool buffers_;
  Scratch::Pool scratch_;
  std::vector<Fields> fields_;
  Loop loop_;
  UpstreamPool pool_;
  Balancer balancer_;
  AccessLog access_log_;
  std::optional<JournalWriter> journal_;
  SpanQueue* spans_ = nullptr;
  Deadline log_flush_;
  WorkerTasks connections_;
  WorkerTasks refreshes_;
  WorkerTasks own_requests_;
  std::shared_ptr<const Snapshot> snapshot_;
  bool draining_ = false;
  std::string date_line_;
  std::int64_t date_second_ = -1;
  std::array<char, 32> request_id_;  // of the last request: half a number of the worker's, half a count
  LogLimit client_complaints_;
  LogLimit upstream_complaints_;
  LogLimit malformed_complaints_;
};

}  // namespace fusewire::proxy
