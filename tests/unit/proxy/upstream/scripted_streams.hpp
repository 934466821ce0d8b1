// SPDX-License-Identifier: Apache-2.0
// A client and an upstream without sockets: what they do is written down by the test, what is done to them can be read
// afterwards. The test sets the driver's event when it has changed something.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/http/client_stream.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/upstream/injected_stream.hpp"
#include "proxy/upstream/stream_source.hpp"

namespace fusewire::testing {

using proxy::Event;
using proxy::Gather;
using proxy::Task;

// A client as those see it who forward its request: it sends a body and takes 1xx. Its response is not written to it.
class UploadingClient final : public proxy::ClientStream {
 public:
  bool has_left = false;
  bool takes = true;                    // what is written to it, at once
  std::string received;                 // 1xx
  std::deque<std::string> uploads;      // pieces of its request's body that have come, in memory that may change
  proxy::http::BodyDecoder* body{};     // of its request
  Event taken;                          // set by the test where it did not take something
  BodyRead otherwise = BodyRead::wait;  // what is said where no piece is left
  Time waited_for{};                    // since when it has its time for the next piece; kNever: it has none
  bool end_watched = false;             // its leaving is heard of, and nothing is read

  // More of the request's body comes.
  void upload(std::string bytes) {
    uploads.push_back(std::move(bytes));
    if (news_ != nullptr) news_->set();
  }

  // Its request's body is being read.
  bool is_uploading() const { return news_ != nullptr; }
  // Its event is set, and nothing has come.
  void stir() {
    if (news_ != nullptr) news_->set();
  }

  bool gone() const override { return has_left; }
  bool closed() const override { return false; }
  void listen() override {}
  void watch_for_end() override { end_watched = true; }
  void reset() override { has_left = true; }
  BodyRead read_body(std::string_view& piece) override {
    if (has_left) return BodyRead::gone;
    if (uploads.empty()) return otherwise;
    piece = body->decode(uploads.front().data(), uploads.front().size()).data;
    in_use_ = true;
    return body->failed() ? BodyRead::malformed : BodyRead::piece;
  }
  void consume_body() override {
    if (std::exchange(in_use_, false)) uploads.pop_front();
  }
  std::size_t unread() const override { return uploads.empty() ? 0 : uploads.front().size(); }
  void wait_for_body(Time now) override { waited_for = now; }
  void begin_upload(Event& news) override { news_ = &news; }
  void end_upload() override { news_ = nullptr; }
  bool try_write(Gather& gather) override {
    for (const auto& part : gather.parts()) received.append(static_cast<const char*>(part.data()), part.size());
    return takes;
  }
  Task<void> flush(Gather&) override { co_await taken.wait(); }
  bool write_blocked() const override { return !takes; }
  bool write(const proxy::ResponsePart&) override { return true; }
  Task<void> flush_response() override { return Task<void>::ended(); }
  bool write_failed() const override { return has_left; }
  void close_after_response() override {}
  void end_sending() override {}
  void break_off() override {}

 private:
  Event* news_ = nullptr;
  bool in_use_ = false;  // the first of them
};

class ScriptedStream final : public proxy::UpstreamStream {
 public:
  explicit ScriptedStream(proxy::Loop& loop) : loop_(loop) {}

  // What it does. After what is scripted, it waits or has ended.
  struct Head {
    HeadRead read = HeadRead::final;
    int status = 200;
    bool ends_response = false;
  };
  std::deque<Head> heads;
  std::deque<std::pair<BodyRead, std::string>> pieces;
  Fields trailer_fields;
  std::optional<Time> idle_before;  // set: its connection is a kept one
  bool has_ended = false;
  bool closed_for_age = false;
  bool takes = true;  // what is sent, at once
  bool reusable = true;

  // What was done to it.
  std::string request;  // pieces of the body, a bar behind each
  bool request_ended = false;
  bool cancelled = false;
  bool finished = false;

  void head(int status, bool ends_response = false) { heads.push_back({HeadRead::final, status, ends_response}); }
  // Takes what waits to be sent.
  void take() {
    takes = true;
    writable_.set();
  }

  bool try_send(const proxy::RequestHead& head, const RequestPiece& body) override {
    request.append(head.request.method).append("|");
    return try_send_body(body);
  }
  bool try_send_body(const RequestPiece& piece) override {
    if (!piece.bytes.empty()) request.append(piece.bytes).append("|");
    request_ended = piece.last;
    return takes || cancelled;
  }
  Task<void> flush() override {
    blocked_ = true;
    co_await writable_.wait();
    blocked_ = false;
  }
  bool write_failed() const override { return cancelled; }
  bool write_blocked() const override { return blocked_; }
  std::uint64_t bytes_sent() const override { return request.size(); }

  HeadRead read_head(proxy::UpstreamHead& head) override {
    if (heads.empty()) return has_ended || cancelled ? HeadRead::ended : HeadRead::wait;
    const Head next = heads.front();
    heads.pop_front();
    received_ = true;
    head.message.status = next.status;
    head.ends_response = next.ends_response;
    return next.read;
  }
  BodyRead read_body(std::string_view& piece) override {
    if (pieces.empty()) return has_ended || cancelled ? BodyRead::broken : BodyRead::wait;
    const auto read = pieces.front().first;
    piece_ = std::move(pieces.front().second);
    piece = piece_;
    pieces.pop_front();
    return read;
  }
  void consume_body() override {}
  bool has_news() const override { return !pieces.empty() || has_ended || cancelled; }
  const Fields& trailers() const override { return trailer_fields; }
  std::string_view malformed() const override { return "it is scripted so"; }
  void listen() override {}
  std::optional<Time> idle_since() const override { return idle_before; }
  bool received_any() const override { return received_; }
  bool ended_unprocessed() const override { return closed_for_age; }
  void cancel() override {
    cancelled = true;
    loop_.soon([this] { writable_.set(); });
  }
  bool finish() override {
    finished = true;
    if (!reusable) cancel();
    return reusable;
  }

 private:
  proxy::Loop& loop_;
  Event writable_;
  std::string piece_;
  bool received_ = false;
  bool blocked_ = false;
};

class ScriptedSource final : public proxy::StreamSource {
 public:
  explicit ScriptedSource(std::shared_ptr<proxy::EndpointState> endpoint) : endpoint_(std::move(endpoint)) {}

  ScriptedStream* kept = nullptr;   // what reuse() gives
  ScriptedStream* fresh = nullptr;  // what connect() gives; nullptr: `why_not`
  std::optional<Event> dials;       // there: connect() takes as long as the test wants
  Outcome why_not = Outcome::connect_refused;
  bool has_slot = true;
  bool bound = false;  // the request is good on its connection alone

  std::optional<proxy::InjectedStream> injected;  // what inject() has given
  int discarded = 0;
  bool bound_to_client = false;
  std::optional<End> end;

  bool choose_endpoint(Time) override { return true; }
  const std::shared_ptr<proxy::EndpointState>& endpoint() const override { return endpoint_; }
  proxy::UpstreamStream* reuse(Time, milliseconds) override { return kept; }
  proxy::UpstreamStream* inject(std::uint16_t abort) override { return &injected.emplace(abort, "orders", "id"); }
  Task<bool> acquire_slot(const proxy::Dial::GiveUp&) override { return Task<bool>::ended(has_slot); }
  Task<proxy::UpstreamStream*> connect(Time, const proxy::Dial::Until&, const proxy::Dial::GiveUp& give_up) override {
    bool given_up = give_up();
    if (dials && !given_up) {
      co_await dials->wait();
      given_up = give_up();
    }
    failure_ = given_up ? Outcome::pending : why_not;
    if (given_up) co_return nullptr;
    co_return fresh;
  }
  Outcome failure() const override { return failure_; }
  const TlsFault& tls_fault() const override { return tls_fault_; }
  bool is_resolving() const override { return false; }
  void cancel_connect() override {}
  bool needs_this_connection() const override { return bound; }
  void bind_to_client() override { bound_to_client = true; }
  void discard() override { ++discarded; }
  void finish(const End& how) override { end = how; }
  std::unique_ptr<proxy::UpstreamConnection> take_connection() override { return nullptr; }

 private:
  std::shared_ptr<proxy::EndpointState> endpoint_;
  TlsFault tls_fault_;
  Outcome failure_ = Outcome::pending;
};

}  // namespace fusewire::testing
