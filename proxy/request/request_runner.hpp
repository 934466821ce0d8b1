// SPDX-License-Identifier: Apache-2.0
// Drives one request from its head to its record: checks, routing, the call of its upstream, the response to the
// client. It knows neither the client's protocol nor its connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "filters/reply.hpp"
#include "proxy/net/scratch.hpp"
#include "proxy/request/record.hpp"
#include "proxy/snapshot/snapshot.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/upload.hpp"
#include "proxy/upstream/upstream_pool.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

class CallRunner;

// The session makes one for each request that it has read, and destroys it when the request is over; one thread. It
// writes through Inbound::client; that and all else that it is given outlives it. Use: serve() or refuse(), awaited
// once; then ended() and switched(). Meanwhile client_left(), stop() and drain() may come from outside, followed by
// Inbound::event. Invariants: the client gets one response at most, and it is whole or looks broken off; the request is
// recorded once, before its end where it runs on without its client; what is refused reaches no filter.
class RequestRunner {
 public:
  // Under what the request was admitted.
  struct Admitted {
    const std::shared_ptr<const Snapshot>& snapshot;  // pinned by the caller
    const Listener* listener = nullptr;               // in `snapshot`; nullptr: it has been removed
    std::string_view listener_name;
    Time started = kNever;
    WallTime wall{};
  };
  // What is left of a request whose upstream has answered it with 101: the rest is a tunnel's.
  struct Switched {
    std::unique_ptr<UpstreamConnection> upstream;
    milliseconds idle;
    std::shared_ptr<const void> endpoint;  // which the record views
    AccessRecord record;                   // of the request so far; views it, the snapshot and `endpoint`
  };

  RequestRunner(WorkerContext&, Inbound&, const Admitted&);
  ~RequestRunner() { inbound_.trace = nullptr; }
  RequestRunner(const RequestRunner&) = delete;
  RequestRunner& operator=(const RequestRunner&) = delete;

  // Until the client has its response and the upstream's part has ended, too.
  Task<void> serve();
  // The proxy's own answer to a request that goes no further than here.
  Task<void> refuse(Problem, std::string detail);

  // The client's connection is gone.
  void client_left();
  // Cut off by this process' own end.
  void stop();
  // The process drains: nothing goes on without its client.
  void drain();

  // When it was recorded: patience with the client's next request begins.
  Time ended() const { return ended_; }
  // nullptr: it was no switch of protocols.
  Switched* switched() const { return switched_.get(); }

 private:
  void begin_trace(const config::Tracing&);
  Task<void> answer_options();
  Task<void> forward();
  Task<void> refuse_body(Upload::State);

  Task<void> answer(Outcome, std::string_view upstream);
  Task<void> relay(CallRunner&);
  Task<void> relay_rest(CallRunner&, bool ended, bool written);
  Task<void> break_off(CallRunner&, bool nothing_written);
  Task<void> switch_protocols(CallRunner& first, CallRunner& source);
  bool write(const ResponsePart&);
  Task<void> wait_for_client();

  void record(const CallRunner*);
  FinishedRequest finished(const CallRunner*, Time end) const;

  WorkerContext& worker_;
  Inbound& inbound_;
  ClientStream& client_;
  const Admitted admitted_;
  const Route* route_ = nullptr;
  CallRunner* call_ = nullptr;          // while there is one
  const CallRunner* source_ = nullptr;  // of its answer: call_ or its fallback
  Reply reply_;
  std::optional<TraceContext> trace_;  // Inbound::trace, until the request is recorded
  std::optional<Scratch> room_;        // where an answer of our own is made
  std::unique_ptr<Switched> switched_;
  Time ended_ = kNever;
  std::uint64_t bytes_out_ = 0;    // of the response's body
  int status_ = 0;                 // of the response that was begun; 0: none
  Problem error_ = Problem::none;  // what that answer of ours says
  bool stopped_ = false;           // cut off by our own end
};

}  // namespace fusewire::proxy
