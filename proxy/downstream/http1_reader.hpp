// SPDX-License-Identifier: Apache-2.0
// Reads the heads of an HTTP/1 client's requests, one after the other, out of the buffer that they arrive in.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/downstream/client_deadline.hpp"
#include "proxy/http/head_parser.hpp"
#include "proxy/http/head_progress.hpp"
#include "proxy/net/buffer.hpp"
#include "proxy/upstream/inbound.hpp"
#include "proxy/upstream/worker_context.hpp"

namespace fusewire::proxy {

// One a connection; the session owns it and waits in its place. One thread. It does no I/O: bytes come in through the
// buffer, and the head that has been read is in the Inbound, whose views point into the buffer. Use: begin(), then
// look() after each wake-up until it says something else than `incomplete`. Invariants: a request's head (and a body
// that came whole with it) is held in the buffer; while is_idle(), nothing of the next head has come, and the Inbound
// is that of no request; after `refused` it shows no more of the head than a refusal may use.
class Http1Reader {
 public:
  enum class Next {
    incomplete,  // more has to come: the deadline says how long it may take
    request,
    refused,  // problem() and reason() say why
    close,    // there will be no further request, and nobody to be answered
  };

  Http1Reader(WorkerContext& worker, ReadBuffer& buffer, Inbound& inbound, ClientDeadline& deadline)
      : worker_(worker), buffer_(buffer), inbound_(inbound), deadline_(deadline) {}

  // The next request: nothing of the last one is left. Its first byte may come until `patience`.
  void begin(Time patience);
  // `input_ended`: the client sends nothing more. `wanted`: a request that has not begun to arrive may still do so.
  Next look(bool input_ended, bool wanted);
  // What has come is no request, and that is to be said.
  void refuse_input(Problem, std::string_view reason);

  // What comes is under TLS, or not.
  void set_secure(bool secure) { secure_ = secure; }
  bool is_idle() const { return idle_; }
  // Of the last request: when its head was complete, or until then, when it began to come.
  Time started() const { return started_; }
  WallTime wall() const { return wall_; }
  // Bytes of the buffer under Inbound::buffered_body, where the rest of the body is still to come.
  std::size_t body_taken() const { return body_taken_; }
  Problem problem() const { return refusal_.problem; }
  std::string_view reason() const { return refusal_.reason; }

 private:
  Next parse();
  void begin_head();
  Next take(const http::HeadResult&);
  void take_body();
  Next refuse(const http::HeadResult&);
  void keep_what_a_refusal_shows();
  void choose_request_id();
  void make_request_id();
  void note_start();

  WorkerContext& worker_;
  ReadBuffer& buffer_;
  Inbound& inbound_;
  ClientDeadline& deadline_;
  http::HeadProgress progress_;
  http::HeadResult refusal_;
  Time started_ = kNever;
  WallTime wall_{};
  std::size_t body_taken_ = 0;
  bool idle_ = true;
  bool secure_ = false;
};

}  // namespace fusewire::proxy
