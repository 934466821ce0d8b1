// SPDX-License-Identifier: Apache-2.0
// One client connection over HTTP/1: its handshake, its requests one after the other, the tunnel that one of them may
// open, and its end.
#pragma once

#include <cstddef>
#include <memory>

#include "proxy/downstream/admission.hpp"
#include "proxy/downstream/body_discard.hpp"
#include "proxy/downstream/client_deadline.hpp"
#include "proxy/downstream/http1_client.hpp"
#include "proxy/downstream/http1_persistence.hpp"
#include "proxy/downstream/http1_reader.hpp"
#include "proxy/downstream/http1_writer.hpp"
#include "proxy/downstream/tunnel.hpp"
#include "proxy/net/frame_pool.hpp"
#include "proxy/net/turn.hpp"
#include "proxy/request/request_runner.hpp"
#include "proxy/snapshot/listener_gate.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

// The session is the connection's life: it waits, wakes and ends. The reader says what has come, the runner does what
// is asked for, the writer says it to the client. One thread (its worker's); lives as long as its coroutine. Use: run()
// once; the rest of the public functions come from outside, at any wait. Invariants: a request is served to its end
// before the next one's head is read; the runner and the writer exist while one is served; while the connection waits
// for its client it is in a waiting list and may have to give way.
class Session final : public Watcher,
                      public WorkerTask,
                      public WaitingList::Member,
                      public std::enable_shared_from_this<Session> {
 public:
  // `refuse`: the listener is full, and the first request gets a clear answer.
  Session(WorkerContext&, int descriptor, std::shared_ptr<ListenerGate>, bool refuse);
  ~Session();

  // The whole life of the connection; holds the session.
  static Task<void> run(std::shared_ptr<Session>);

  void drain() override;                  // no further request, but for one that is already on its way
  void stop() override;                   // cut off now
  void configuration_changed() override;  // may end and destroy the session
  bool give_way() override;               // while it is in a WaitingList

 private:
  // What there is of a request while it is served. Its memory is recycled, as that of coroutines is.
  struct Serving {
    explicit Serving(Session&);
    static void* operator new(std::size_t size) { return FramePool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) { FramePool::release(memory, size); }

    Http1Writer writer;
    RequestRunner runner;
  };

  void on_activity() override;
  void wake();
  void wait_in(WaitingList&, Time since);
  WaitingClients& waiting() { return gate_->waiting.of(worker_.index()); }

  Task<void> handshake();
  Task<Http1Reader::Next> next_request();
  Task<void> serve(Http1Reader::Next);
  Task<void> finish_request();
  Task<void> run_tunnel();

  // What the client still sends of a request that has been answered.
  Task<void> drain_request_body();
  Task<void> linger_if_needed();
  bool must_linger();
  Task<void> linger();

  WorkerContext& worker_;
  ChannelPtr client_;
  std::shared_ptr<ListenerGate> gate_;
  const bool refuse_;
  Event event_;
  ClientDeadline deadline_;
  Http1Persistence persistence_;
  Http1Client stream_;
  Inbound inbound_;
  Http1Reader reader_;
  Admission admission_;

  std::unique_ptr<Serving> serving_;
  std::unique_ptr<Tunnel> tunnel_;  // after a 101, until the connection's end
  BodyDiscard discarded_;
  TurnShare share_;          // of requests
  Time over_ = kNever;       // the last request's end, or the handshake's: patience with the next one begins
  bool stopped_ = false;     // cut off by our own end
  bool owes_body_ = false;   // its request has been answered, and the rest of the body is waited for
  bool lingers_ = false;     // after its last answer
  bool has_served_ = false;  // a request has come
};

}  // namespace fusewire::proxy
