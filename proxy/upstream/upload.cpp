// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/upload.hpp"

#include <utility>

#include "proxy/net/spawn.hpp"

namespace fusewire::proxy {

namespace {

Time steady_now() { return std::chrono::steady_clock::now(); }

}  // namespace

void Upload::start(Channel& upstream, OnProgress on_progress) {
  state_ = State::running;
  on_progress_ = std::move(on_progress);
  inbound_.reader = &client_activity_;
  spawn(run(upstream), "upload");
}

void Upload::stop() {
  if (!running() || stop_) return;
  stop_ = true;
  client_activity_.set();
}

Task<void> Upload::run(Channel& upstream) {
  const ChannelPtr alive(&upstream);
  State end = State::complete;
  while (!inbound_.body.done()) {
    std::string_view piece;
    std::size_t raw = 0;
    end = co_await read_piece(piece, raw);
    if (end != State::complete) break;
    Gather gather;
    if (inbound_.body.kind() == BodyKind::chunked)
      chunks_.add(gather, piece, inbound_.body.done(), inbound_.body.trailers());
    else
      gather.add(piece);
    if (!upstream.try_write(gather)) {
      inbound_.channel.watch_for_end();
      on_progress_(Progress::blocked, steady_now(), 0);
      co_await upstream.flush(gather);
    }
    inbound_.channel.buffer().consume(raw);
    if (upstream.write_failed()) {
      end = State::stopped;
      break;
    }
    on_progress_(Progress::sent, steady_now(), 0);
  }
  // The session may destroy us as soon as it is woken: it is woken from the loop, not from here.
  inbound_.reader = &inbound_.event;
  inbound_.deadline.disarm();
  state_ = end;
  upstream.loop().soon([session = inbound_.session.lock(), &event = inbound_.event] { event.set(); });
}

// Waits for the client's next bytes. `complete` means: there is a piece (it may be the empty last one).
Task<Upload::State> Upload::read_piece(std::string_view& piece, std::size_t& raw) {
  Channel& client = inbound_.channel;
  while (!stop_) {
    if (!client.buffer().empty()) {
      if (std::exchange(starved_, false)) on_progress_(Progress::fed, steady_now(), client.buffer().size());
      inbound_.deadline.disarm();  // from here on it is the upstream that we may wait for
      inbound_.late = false;
      const auto step = inbound_.body.decode(client.buffer().data(), client.buffer().size());
      if (inbound_.body.failed()) co_return State::client_malformed;
      if (inbound_.body.decoded() > inbound_.limits->max_body) co_return State::too_large;
      piece = step.data;
      raw = step.consumed;
      if (!piece.empty() || inbound_.body.done()) co_return State::complete;
      client.buffer().consume(raw);
      continue;
    }
    if (inbound_.input_ended()) co_return State::client_gone;
    if (inbound_.late) co_return State::client_late;
    const Time now = steady_now();
    inbound_.deadline.arm(now + inbound_.limits->body_timeout);
    if (!std::exchange(starved_, true)) on_progress_(Progress::starved, now, 0);
    client.start_read();
    co_await client_activity_.wait();
  }
  co_return State::stopped;
}

}  // namespace fusewire::proxy
