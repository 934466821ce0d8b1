// SPDX-License-Identifier: Apache-2.0
// What those who forward a request may know of the client that sent it: not its protocol, and not whether there is a
// connection at all. One thread (the worker's). What changes sets the driver's event (Inbound::event), or the upload's
// while one runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "filters/time.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/gather.hpp"
#include "proxy/net/task.hpp"

namespace fusewire::proxy {

// The driver owns it (a session's Http1Client, a refresh's NoClient) and passes it on in Inbound::client; it outlives
// the attempt. It is used in two ways: the forwarding code asks whether its client is gone() after each wake-up, having
// asked to hear of that with listen(), and an upload reads the body piece by piece. Invariants: a piece stays good
// until consume_body(), and one write is under way at a time.
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
  // What it has got of a response must not look whole.
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
  // Asks for more, for which the client has body_timeout from `now` on.
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
};

}  // namespace fusewire::proxy
