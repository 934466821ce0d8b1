// SPDX-License-Identifier: Apache-2.0
// One exchange with one upstream: takes or opens a stream, sends the request, reads the response. It says what happened
// (Exchange::outcome) and judges nothing, and it knows no protocol: that is the stream's. One thread; driven by the
// session's coroutine.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "filters/exchange_filters.hpp"
#include "proxy/upstream/exchange_clock.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/stream_source.hpp"
#include "proxy/upstream/upload.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

// Part of its attempt, and used by it and by the session that relays the body: fetch_head(), then next_piece() and
// wait() in turn until x.outcome is final, then finish(). cut_off() and the deadlines may end it at any wait; both are
// looked at after what the upstream has sent. Invariants: x.outcome leaves `pending` when the exchange ends, and only
// start_over(), resume() and run_on() set it back; there is at most one stream, and only this uses it.
class Forward final {
 public:
  // `news` is its attempt's: it waits for that alone, and the source's streams set it.
  Forward(WorkerContext&, Inbound&, Event& news, const Upstream&, std::string_view via, Call&, Exchange&,
          ExchangeFilters, StreamSource&);
  // The upload must have ended: see finish().
  ~Forward() { worker_.give_back(std::move(head_.message.fields)); }
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;

  // Comes first. False: x.outcome says why the request can't go anywhere.
  bool choose_endpoint();
  // Until the final response's head is there, or x.outcome says why not. Relays 1xx on its way.
  Task<void> fetch_head();
  bool has_head() const { return has_head_; }
  // Beside another attempt it also returns when a 1xx is to be relayed, which decides between the two. Once that is
  // decided, fetch_rest() goes on.
  void run_beside() { runs_beside_ = true; }
  bool has_interim() const { return holds_interim_; }
  Task<void> fetch_rest();
  const Response& response() const { return head_.message; }
  const http::ConnectionOptions& response_connection() const { return head_.connection; }
  const Fields& trailers() const { return stream_->trailers(); }  // before finish()

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
  // After call.runs_on was set: until the upstream has answered, or has failed to, which x.outcome says then.
  Task<void> run_on();
  void stop_running_on();
  // Whatever it waits for on the upstream's side ends now; that is its outcome, unless it has one.
  void cut_off(Outcome why);
  // The client does not take what is on its way to it, and takes it again. Time between the two is not the upstream's.
  void client_waits();
  void client_took();
  // Of a response that has switched protocols: see StreamSource.
  std::unique_ptr<UpstreamConnection> take_connection();
  // Gives the stream back, and waits for the upload's end.
  Task<void> finish();

  const std::shared_ptr<EndpointState>& endpoint() const { return streams_.endpoint(); }  // empty: none was chosen
  unsigned attempts() const { return attempts_; }
  Upload::State upload_state() const { return upload_.state(); }

 private:
  using Phase = ExchangeClock::Phase;
  using Fault = ExchangeClock::Fault;

  Task<void> hold_back();
  UpstreamStream* inject();
  Task<void> connect();                                      // x.outcome says why there is none
  Task<void> dial(const Dial::Until&, const Dial::GiveUp&);  // with a slot
  RequestHead request_head() const;
  Task<void> send();
  Task<void> send_slowly();
  void on_sent(Time now);
  bool expects_continue() const;
  void on_upload(Upload::Progress, Time now, std::size_t bytes);
  Task<void> receive_head();
  void take_head();
  bool relays_interim() const { return inbound_.request.minor_version >= 1 && !running_on_; }
  Task<void> relay_interim();
  void listen_to_client();
  bool is_stale(Time now) const;
  bool may_try_again() const;
  void start_over();

  // forward_end.cpp
  void end(Outcome);
  void end(const Fault&);
  bool is_given_up(Outcome) const;
  bool keeps_scarce_connection() const;
  void refuse(std::string_view malformed);
  Outcome why_no_slot() const;
  bool interrupted();
  void on_deadline();
  Outcome blame(Outcome timeout) const;
  Task<void> connect_without_client();
  Task<void> go_on_held_back();
  Task<void> finish_after_upload(bool reusable);
  void part_with_stream(bool reusable);

  WorkerContext& worker_;
  Inbound& inbound_;
  Event& news_;
  const Upstream& upstream_;
  std::string_view via_;
  Call& call_;
  Exchange& x_;
  ExchangeFilters filters_;
  StreamSource& streams_;
  ExchangeClock clock_;
  Upload upload_;

  UpstreamStream* stream_ = nullptr;  // the source's
  UpstreamHead head_;
  std::string_view set_aside_;  // a piece that abandon() found
  unsigned attempts_ = 0;
  bool has_head_ = false;
  bool suspended_ = false;
  std::optional<Time> runs_on_until_;  // once it is to run on
  bool running_on_ = false;
  Time sends_from_{};            // begun, or the end of an injected delay
  bool held_back_ = false;       // by an injected delay that has not passed
  std::uint16_t abort_due_ = 0;  // behind it; 0: none
  bool runs_beside_ = false;     // another attempt
  bool holds_interim_ = false;   // a 1xx that has not been relayed yet
};

}  // namespace fusewire::proxy
