// SPDX-License-Identifier: Apache-2.0
// The rest of a request that has been answered before it was read: dropped while the answer goes out and after it.
#include "proxy/downstream/session.hpp"

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

// While an answer waits to be sent, a client that sends all of its request before it reads must not wait for us.
void Session::begin_discarding() {
  const bool uploads = stream_.upload() != nullptr;
  if (uploads || inbound_.body.done() || inbound_.body.failed()) return;
  discards_ = true;
  stream_.consume_body();
  discard();
}

// Drops what has come of the request's body. False: there is no more of it to be dropped.
bool Session::discard() {
  auto& buffer = client_->buffer();
  const std::size_t size = buffer.size();
  while (!buffer.empty() && !inbound_.body.done() && !inbound_.body.failed())
    buffer.consume(inbound_.body.decode(buffer.data(), buffer.size()).consumed);
  const bool enough = !discarded_.drop(size - buffer.size());
  discards_ = !enough && !inbound_.body.done() && !inbound_.body.failed() && !client_->ended();
  if (discards_) client_->start_read();
  return discards_;
}

// Whether the client may be sending still: an end at once would cost it its answer.
bool Session::must_linger() {
  if (!close_ || client_->closed()) return false;
  if (!inbound_.body.done() || !client_->buffer().empty() || !client_->is_silent()) return true;
  return !client_closes() && client_->has_unread();
}

// The client must be able to read its answer although its request is not wanted (RFC 9112 §9.6).
Task<void> Session::linger() {
  if (client_->closed()) co_return;
  lingers_ = true;
  client_->shutdown_send();
  stream_.set_late(false);
  const Time begun = steady_now();
  discarded_.begin(begun);
  leave();
  wait_in(waiting().unfinished, begun);
  auto& buffer = client_->buffer();
  while (!stream_.input_ended() && !stream_.is_late()) {
    const bool enough = !discarded_.drop(buffer.size());
    buffer.consume(buffer.size());
    if (enough) break;
    client_deadline_.arm(discarded_.due(steady_now()));
    client_->start_read();
    co_await event_.wait();
  }
  client_deadline_.disarm();
  client_->close();
}

}  // namespace fusewire::proxy
