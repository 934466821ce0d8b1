// SPDX-License-Identifier: Apache-2.0
// One thread that serves connections, with the context that they share. Other threads post to its loop.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "proxy/probe/prober.hpp"
#include "proxy/snapshot/listener_gate.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

// The server owns the workers, for as long as the process serves. start() once; then publish() and accept() as they
// come; drain(), stop() and join() at the end. Each of the posting calls takes effect in a later turn of the loop, in
// the order in which one thread made them.
class Worker {
 public:
  Worker(std::size_t index, WorkerCells& cells, DnsCache& dns);
  ~Worker();

  void start();
  // The following may be called by any thread.
  void publish(std::shared_ptr<const Snapshot>);
  // Takes over an accepted, non-blocking socket that has been counted in `gate`. `refuse`: the listener is full.
  void accept(int fd, std::shared_ptr<ListenerGate> gate, bool refuse);
  // Closes the client of that listener that has waited longest here. `done` is called on the worker's thread and says
  // whether there was one.
  void part_with_client(std::shared_ptr<ListenerGate>, std::function<void(bool made)> done);
  // Closes the connection to an upstream that has been idle longest here; `done` as above.
  void part_with_idle(std::function<void(bool made)> done);
  void drain();                           // no more keep-alive; ends when the last connection has ended
  void evict_idle(const UpstreamState*);  // compared only, never looked into
  void on_resolved(const ResolvedName&);
  void stop();  // cuts everything off
  bool drained() const { return drain_begun_.load() && context_.connections().size() == 0; }
  void join();

  // On the worker's thread, or before start().
  WorkerContext& context() { return context_; }

 private:
  void trim();
  void end_if_stopped();

  WorkerContext context_;
  Prober prober_;
  Deadline backstop_;
  Deadline trim_;  // of the buffers
  bool stopping_ = false;
  std::atomic<bool> drain_begun_{false};  // every accepted connection is a task by then
  std::thread thread_;
};

}  // namespace fusewire::proxy
