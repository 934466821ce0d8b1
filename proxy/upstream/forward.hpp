// SPDX-License-Identifier: Apache-2.0
// One exchange with one upstream: takes or opens a connection, sends the request, reads the response. It says what
// happened (Exchange::outcome) and judges nothing. One thread; driven by the session's coroutine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "filters/call_chain.hpp"
#include "proxy/upstream/dial.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/upload.hpp"

namespace fusewire::proxy {

// Part of its attempt, and used by it and by the session that relays the body: fetch_head(), then next_piece() and
// wait() in turn until x.outcome is final, then finish(). cut_off() and the deadlines may end it at any wait; both are
// looked at after what the upstream has sent. Invariants: x.outcome leaves `pending` when the exchange ends, and only
// start_over(), resume() and run_on() set it back; there is at most one connection, and this is its watcher.
class Forward final : public Watcher {
 public:
  Forward(WorkerContext&, Inbound&, const Upstream&, std::string_view via, Call&, Exchange&, CallChain&);
  // The upload must have ended: see finish().
  ~Forward();
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;

  // First: where the request goes. x.outcome says where that is impossible.
  void choose_endpoint();
  // Until the final response's head is there, or x.outcome says why not. Relays 1xx on its way.
  Task<void> fetch_head();
  bool has_head() const { return has_head_; }
  const Response& response() const { return response_; }
  const http::ConnectionOptions& response_connection() const { return response_connection_; }
  const Fields& trailers() const { return body_.trailers(); }

  // What has been read of the body and not been taken yet; empty when there is nothing now. The piece stays good until
  // the next call of wait(). When the last byte has been taken, or the body broke off, x.outcome is final.
  std::string_view next_piece();
  Task<void> wait();

  // The response is no longer needed: x.outcome becomes final now, if it is not.
  void abandon(Outcome);
  // Puts the response aside while another upstream is tried: x.outcome says `abandoned` so that it can be judged.
  // resume() goes on.
  void suspend();
  void resume();
  bool is_suspended() const { return suspended_; }
  // After x.runs_on was set: until the upstream has answered, or has failed to, which x.outcome says then.
  Task<void> run_on();
  void stop_running_on();
  // Whatever it waits for on the upstream's side ends now; that is its outcome, unless it has one.
  void cut_off(Outcome why);
  // The client does not take what is on its way to it, and takes it again. Time between the two is not the upstream's.
  void client_waits();
  void client_took();
  // The connection of a response that has switched protocols; what follows the head is in its buffer.
  // Its head is good no longer.
  std::unique_ptr<UpstreamConnection> take_connection();
  // Gives the connection back or closes it, and waits for the upload's end.
  Task<void> finish();

  const std::shared_ptr<EndpointState>& endpoint() const;  // empty: none was chosen
  unsigned attempts() const { return attempts_; }
  Upload::State upload_state() const { return upload_.state(); }

 private:
  // `relaying`: the upstream owes nothing, a piece is on its way to the client.
  enum class Phase : std::uint8_t { connecting, sending, waiting, body, relaying, over };
  // What ends the exchange and when, which for a timeout is the time that it was due.
  struct Fault {
    Outcome outcome = Outcome::pending;
    Time at = kNever;
  };

  // forward_deadlines.cpp
  void on_activity() override { inbound_.event.set(); }
  void on_deadline();
  Fault next_timeout() const;
  Fault timeout_of_phase() const;
  Outcome total_passed() const;
  void arm();
  bool interrupted();
  void on_upload(Upload::Progress, Time now, std::size_t bytes);
  void body_moved(Time now);
  void look_at_blocked_write(Time now);
  void begin_blocked_write(Time now);

  void listen_to_client();
  void end(Outcome);
  void end(const Fault&);
  bool is_given_up(Outcome) const;
  void refuse(std::string_view malformed);

  bool take_bound_connection();
  bool reuse_connection();
  void begin_with_connection();
  Outcome why_no_slot() const;
  Task<void> connect();  // x.outcome says why there is none
  Task<void> connect_without_client();
  Task<void> dial(const Dial::Until&, const Dial::GiveUp&);  // with a slot
  Task<void> send();
  void append_head(std::string& out);
  Task<void> receive_head();
  bool is_stale(Time now) const;
  bool parse_head();
  http::HeadResult read_head(Channel&);
  http::HeadLimits head_limits() const;
  bool switches_unasked(const http::HeadResult&) const;
  Task<void> relay_interim();
  bool may_try_again() const;
  void start_over();
  Task<void> finish_after_upload(bool keep);
  void part_with_connection(bool keep);
  void reserve_bound_connection();
  void release_bound_connection();
  milliseconds keep_alive() const;

  WorkerContext& worker_;
  Inbound& inbound_;
  const Upstream& upstream_;
  std::string_view via_;
  Call& call_;
  Exchange& x_;
  CallChain& chain_;
  Deadline due_;
  Dial dial_;
  Upload upload_;

  Balancer::Choice choice_{};
  std::unique_ptr<UpstreamConnection> connection_;
  Response response_;
  http::ConnectionOptions response_connection_;
  http::BodyDecoder body_;
  Time connect_started_ = kNever;
  Time last_progress_ = kNever;
  std::uint64_t written_before_ = 0;   // on this connection, before this request
  std::uint64_t blocked_written_ = 0;  // when a write began to wait, or last went on
  unsigned attempts_ = 0;
  unsigned interims_ = 0;
  http::HeadProgress head_progress_;
  std::string_view set_aside_;  // a piece that abandon() found
  std::size_t taken_raw_ = 0;   // bytes of the upstream's buffer under the last piece
  Phase phase_ = Phase::connecting;
  std::optional<Fault> fault_;  // a deadline passed, or it was cut off
  bool blocked_ = false;        // a write to the upstream waits
  bool has_head_ = false;
  bool received_any_ = false;  // a byte of a response, on this connection
  bool suspended_ = false;
  bool dialling_ = false;  // with a slot: only the upstream is waited for
  bool running_on_ = false;
  bool read_whole_ = false;  // though it was abandoned
  bool fresh_ = false;       // take no kept connection again
  bool own_ = false;         // the connection has been the client's own before this request
};

}  // namespace fusewire::proxy
