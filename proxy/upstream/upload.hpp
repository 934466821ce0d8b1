// SPDX-License-Identifier: Apache-2.0
// The rest of a request's body on its way to the upstream, beside the response (full duplex): a coroutine of its own.
#pragma once

#include "filters/time.hpp"
#include "proxy/http/chunk_writer.hpp"
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

  explicit Upload(Inbound& inbound) : inbound_(inbound) {}

  enum class Progress : std::uint8_t {
    starved,  // nothing is at hand: it waits for the client
    fed,      // and that has sent something again
    blocked,  // a piece waits for the upstream to take it
    sent,     // a piece has been taken
  };
  // `bytes`: with `fed`, how much has come.
  using OnProgress = std::function<void(Progress, Time now, std::size_t bytes)>;

  // Must have ended before the upload is destroyed; its end wakes inbound.event.
  void start(Channel& upstream, OnProgress);
  // Asks for the end; it comes at once or when the upstream's channel is closed.
  void stop();
  State state() const { return state_; }
  bool running() const { return state_ == State::running; }

 private:
  Task<void> run(Channel& upstream);
  Task<State> read_piece(std::string_view& piece);

  Inbound& inbound_;
  Event client_activity_;
  OnProgress on_progress_;
  http::ChunkWriter chunks_;
  State state_ = State::idle;
  bool starved_ = false;
  bool stop_ = false;
};

}  // namespace fusewire::proxy
