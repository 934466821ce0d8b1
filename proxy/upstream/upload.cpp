// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/upload.hpp"

#include <utility>

#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::proxy {

void Upload::start(UpstreamStream& upstream, bool unasked, OnProgress on_progress) {
  state_ = State::running;
  unasked_ = unasked;
  on_progress_ = std::move(on_progress);
  inbound_.client.begin_upload(client_activity_);
  spawn(run(upstream), "upload");
}

void Upload::stop() {
  if (!running() || stop_) return;
  stop_ = true;
  client_activity_.set();
}

Task<void> Upload::run(UpstreamStream& upstream) {
  State end = State::complete;
  while (!inbound_.body.done()) {
    std::string_view piece;
    end = co_await read_piece(piece);
    if (end != State::complete) break;
    const UpstreamStream::RequestPiece next{piece, inbound_.body.done(), inbound_.body.trailers()};
    if (!upstream.try_send_body(next)) {
      inbound_.client.watch_for_end();
      on_progress_(Progress::blocked, steady_now(), 0);
      co_await upstream.flush();
    }
    inbound_.client.consume_body();
    if (upstream.write_failed()) {
      end = State::stopped;
      break;
    }
    on_progress_(Progress::sent, steady_now(), 0);
  }
  inbound_.client.end_upload();
  state_ = end;
  inbound_.wake_soon(loop_);
}

// Waits for the client's next bytes. `complete` means: there is a piece (it may be the empty last one).
Task<Upload::State> Upload::read_piece(std::string_view& piece) {
  ClientStream& client = inbound_.client;
  while (!stop_) {
    if (starved_ && client.unread() > 0) {
      starved_ = unasked_ = false;
      on_progress_(Progress::fed, steady_now(), client.unread());
    }
    switch (client.read_body(piece)) {
      case ClientStream::BodyRead::piece:
        co_return State::complete;
      case ClientStream::BodyRead::malformed:
        co_return State::client_malformed;
      case ClientStream::BodyRead::too_large:
        co_return State::too_large;
      case ClientStream::BodyRead::late:
        co_return State::client_late;
      case ClientStream::BodyRead::gone:
        co_return State::client_gone;
      case ClientStream::BodyRead::wait:
        break;
    }
    const Time now = steady_now();
    if (!std::exchange(starved_, true)) on_progress_(Progress::starved, now, 0);
    client.wait_for_body(unasked_ ? kNever : now);
    co_await client_activity_.wait();
  }
  co_return State::stopped;
}

}  // namespace fusewire::proxy
