// SPDX-License-Identifier: Apache-2.0
// What those who drive and forward a request may know of the client that sent it: not its protocol, and not whether
// there is a connection at all. One thread (the worker's). What changes sets the driver's event (Inbound::event), or
// the upload's while one runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "filters/time.hpp"
#include "proxy/http/response_part.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/gather.hpp"
#include "proxy/net/task.hpp"

namespace fusewire::proxy {

// A session (Http1Client) or a refresh (NoClient) owns it and passes it on in Inbound::client; it outlives the call.
// It is used in three ways: the forwarding code asks whether its client is gone() after each wake-up, having asked to
// hear of that with listen(); an upload reads the body piece by piece; and the request's runner writes the response:
// write() for each part, flush_response() where that was false, or break_off(). Invariants: a piece stays good until
// consume_body(), one write is under way at a time, and after the last part or break_off() no other part is written.
class ClientStream {
 public:
  // ------ its leaving
  // Nobody is left to be answered.
  virtual bool gone() const = 0;
  // And it was this proxy that has closed the connection.
  virtual bool closed() const = 0;
  // gone() is heard of from now on, until something else is asked of the client.
  virtual void listen() = 0;
  // The same while a piece of the body is in use: nothing is read.
  virtual void watch_for_end() = 0;
  // It is cut off at once; what it has not taken yet is lost.
  virtual void reset() = 0;

  // ------ the request's body, behind what has come with its head
  enum class BodyRead : std::uint8_t {
    piece,      // decoded bytes, good until consume_body(); none at most at the body's end
    wait,       // nothing is at hand: see wait_for_body()
    malformed,  // Inbound::body says why
    too_large,  // max_body
    late,       // body_timeout
    gone,
  };
  virtual BodyRead read_body(std::string_view& piece) = 0;
  virtual void consume_body() = 0;
  // Bytes that have come and are not consumed, as they came.
  virtual std::size_t unread() const = 0;
  // Asks for more, for which the client has body_timeout from `now` on; kNever: as long as it likes, for it has not
  // been asked to send.
  virtual void wait_for_body(Time now) = 0;
  // An upload reads the body: `news` is set in the place of the driver's event when there is more, or the client
  // leaves.
  virtual void begin_upload(Event& news) = 0;
  virtual void end_upload() = 0;

  // ------ what goes to it before its response (1xx)
  // True: all is written, or the client is gone; else flush() waits until it is.
  virtual bool try_write(Gather&) = 0;
  virtual Task<void> flush(Gather&) = 0;
  // A write waits for the client to take it.
  virtual bool write_blocked() const = 0;

  // ------ its response
  // Frames the next part and writes it. True: all is written, or cannot be (see write_failed); else flush_response()
  // waits until it is, and the client is slow.
  virtual bool write(const ResponsePart&) = 0;
  virtual Task<void> flush_response() = 0;
  // What was written last does not reach it.
  virtual bool write_failed() const = 0;
  // No further request is taken from this client once it has its response; called before the response's first part.
  virtual void close_after_response() = 0;
  // The client has all that it gets, although its request goes on without it.
  virtual void end_sending() = 0;
  // It gets no more, and what it has got must not look whole (RFC 9112 §8).
  virtual void break_off() = 0;

 protected:
  ~ClientStream() = default;
};

// Of a request that the proxy makes for itself: it never leaves, has sent everything, and takes what it is sent. It has
// no state; a Refresh owns one.
class NoClient final : public ClientStream {
 public:
  bool gone() const override { return false; }
  bool closed() const override { return false; }
  void listen() override {}
  void watch_for_end() override {}
  void reset() override {}
  BodyRead read_body(std::string_view& piece) override { return piece = {}, BodyRead::piece; }
  void consume_body() override {}
  std::size_t unread() const override { return 0; }
  void wait_for_body(Time) override {}
  void begin_upload(Event&) override {}
  void end_upload() override {}
  bool try_write(Gather&) override { return true; }
  Task<void> flush(Gather&) override { return Task<void>::ended(); }
  bool write_blocked() const override { return false; }
  bool write(const ResponsePart&) override { return true; }
  Task<void> flush_response() override { return Task<void>::ended(); }
  bool write_failed() const override { return false; }
  void close_after_response() override {}
  void end_sending() override {}
  void break_off() override {}
};

}  // namespace fusewire::proxy
