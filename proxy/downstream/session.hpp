// SPDX-License-Identifier: Apache-2.0
// One client connection: reads requests, routes them, answers or has them forwarded, one after the other. One thread
// (its worker's); lives as long as its coroutine.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "proxy/downstream/body_discard.hpp"
#include "proxy/downstream/http1_client.hpp"
#include "proxy/downstream/tunnel.hpp"
#include "proxy/net/turn.hpp"
#include "proxy/request/call_runner.hpp"
#include "proxy/request/record.hpp"
#include "proxy/snapshot/listener_gate.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

class Session final : public Watcher,
                      public WorkerTask,
                      public WaitingList::Member,
                      public std::enable_shared_from_this<Session> {
 public:
  Session(WorkerContext&, int descriptor, std::shared_ptr<ListenerGate>, bool refuse);
  ~Session();

  // The whole life of the connection; holds the session.
  static Task<void> run(std::shared_ptr<Session>);

  void drain() override;                  // no further request, but for one that is already on its way
  void stop() override;                   // cut off now
  void configuration_changed() override;  // may end and destroy the session
  bool give_way() override;               // while it is in a WaitingList

 private:
  // A connection that is kept while we drain may have a request on its way; it gets this long to arrive.
  static constexpr milliseconds kDrainIdle{500};

  enum class Next { incomplete, request, refused, close };

  void on_activity() override;
  void on_client_late();
  void wake();

  // Reading (session.cpp)
  Task<void> handshake();
  void note_failed_handshake();
  void cut_client();
  bool has_other_security(const Listener&) const;
  bool is_insecure_for(const Listener&) const;
  void let_snapshot_go();
  Task<Next> next_request();
  Next parse_request();
  Next begin_request(const http::HeadResult&);
  void learn_peer();
  void adopt_snapshot();
  bool is_trusted(const config::Listener&) const;
  std::uint16_t port_of(const config::Listener&) const;
  void forget_request();
  void forget_head();
  void begin_head();
  void wait_in(WaitingList&, Time since);
  WaitingClients& waiting() { return gate_->waiting.of(worker_.index()); }
  void choose_request_id();

  // Answering (session_answer.cpp)
  Task<void> serve();
  Task<void> refuse(Problem, std::string detail);
  Task<void> answer(Reply&, Outcome, std::string_view upstream);
  void choose_cache_scope();
  Task<void> refuse_body(Upload::State);
  Task<void> answer_options();
  Task<void> relay(CallRunner&, Reply&);
  Task<void> break_off(CallRunner&, Reply&, bool nothing_written);
  Task<void> send(Gather&);
  Task<void> send_slowly(Gather&);
  Task<void> settle_request_body();
  Task<void> drain_request_body();
  void begin_discarding();
  bool discard();
  bool client_closes() const;
  bool must_linger();
  Task<void> linger();
  bool must_close() const;
  bool rest_is_drainable() const;
  void record(const CallRunner*);
  FinishedRequest finished(const CallRunner*, Time end) const;

  // After a 101 (session_tunnel.cpp)
  Task<void> begin_tunnel(CallRunner& first, CallRunner& source, Reply&);
  void open_tunnel(CallRunner& first, CallRunner& source);
  Task<void> run_tunnel();

  WorkerContext& worker_;
  ChannelPtr client_;
  std::shared_ptr<ListenerGate> gate_;
  const bool refuse_;  // the listener is full: one clear answer, then the end
  Event event_;
  Deadline client_deadline_;
  Http1Client stream_;
  Inbound inbound_;

  std::shared_ptr<const Snapshot> snapshot_;
  const Listener* listener_ = nullptr;  // in snapshot_; nullptr: it has been removed
  http::HeadResult refusal_;            // why the head was not taken
  http::HeadProgress head_progress_;
  const Route* route_ = nullptr;
  CallRunner* call_ = nullptr;                                // while a request is being served
  const CallRunner* source_ = nullptr;                        // of its answer: call_ or its fallback
  std::unique_ptr<Tunnel> tunnel_;                            // after a 101, until the connection's end
  std::optional<std::array<std::uint8_t, 16>> peer_address_;  // as IPv6
  BodyDiscard discarded_;
  TurnShare share_;  // of requests
  WallTime wall_{};
  Time started_ = kNever;
  Time over_ = kNever;             // the last request's end, or the handshake's: patience with the next one begins
  int status_ = 0;                 // of the answer that was begun; 0: none
  Problem error_ = Problem::none;  // what that answer of ours says
  std::uint64_t bytes_out_ = 0;    // of its body
  bool until_close_ = false;       // the response being sent ends where the connection does
  bool close_ = false;             // no further request on this connection
  bool idle_ = true;               // between two requests
  bool secure_ = false;            // TLS
  bool stopped_ = false;           // cut off by our own end
  bool leaving_ = false;           // its listener is gone, or admits others now: this is the last request
  bool owes_body_ = false;         // its request has been answered, and the rest of the body is waited for
  bool lingers_ = false;           // after its last answer
  bool discards_ = false;          // what comes is dropped while an answer waits to be sent
  bool fresh_ = true;              // no request has come yet
};

}  // namespace fusewire::proxy
