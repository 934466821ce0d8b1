// SPDX-License-Identifier: Apache-2.0
// The rest of a request's body on its way to the upstream, beside the response (full duplex): a coroutine of its own.
#pragma once

#include <functional>

#include "filters/time.hpp"
#include "proxy/http/upstream_stream.hpp"
#include "proxy/upstream/inbound.hpp"

namespace fusewire::proxy {

class Upload {
 public:
  enum class State : std::uint8_t {
    idle,  // not started
    running,
    complete,  // the whole body is sent
    stopped,   // stop(), or the upstream takes nothing more
    client_gone,
    client_late,  // body_timeout
    client_malformed,
    too_large,  // max_body
  };

  Upload(Inbound& inbound, Loop& loop) : inbound_(inbound), loop_(loop) {}

  enum class Progress : std::uint8_t {
    starved,  // nothing is at hand: it waits for the client
    fed,      // and that has sent something again
    blocked,  // a piece waits for the upstream to take it
    sent,     // a piece has been taken
  };
  // `bytes`: with `fed`, how much has come.
  using OnProgress = std::function<void(Progress, Time now, std::size_t bytes)>;

  // Must have ended before the upload or the stream is destroyed; its end wakes inbound.event. `unasked`: the client
  // waits for 100 (Continue), and its time begins with that (ClientStream::wait_for_body()).
  void start(UpstreamStream&, bool unasked, OnProgress);
  // Asks for the end; it comes at once or when the stream is cancelled.
  void stop();
  State state() const { return state_; }
  bool running() const { return state_ == State::running; }

 private:
  Task<void> run(UpstreamStream&);
  Task<State> read_piece(std::string_view& piece);

  Inbound& inbound_;
  Loop& loop_;
  Event client_activity_;
  OnProgress on_progress_;
  State state_ = State::idle;
  bool starved_ = false;
  bool stop_ = false;
  bool unasked_ = false;
};

}  // namespace fusewire::proxy
