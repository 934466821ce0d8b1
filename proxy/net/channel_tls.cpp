// SPDX-License-Identifier: Apache-2.0
// What a channel does otherwise under TLS.
#include <sys/socket.h>

#include <cerrno>

#include "proxy/net/channel.hpp"

namespace fusewire::proxy {

void Channel::start_tls(TlsSetup setup) {
  tls_ = std::make_unique<TlsStream>(
      std::move(setup), TlsStream::Wire{.descriptor = descriptor_, .readable = readable_, .ending = ending_}, pool_);
  if (tls_->handshake() == TlsStream::Step::failed) read_error_ = EPROTO;
  send_tls();
}

void Channel::stop_tls() {
  if (!tls_) return;
  send_tls();
  if (!tls_->wire_failed()) read_error_ = 0;
  eof_ = tls_->wire_ended();
  tls_.reset();
  held_back_ = false;
}

void Channel::send_tls() {
  if (!tls_->send(write_error_) || !shut_when_sent_) return;
  shut_when_sent_ = false;
  ::shutdown(descriptor_, SHUT_WR);
}

// False: nothing has come of it yet. What it makes the library say goes out at once.
bool Channel::take_tls() {
  TlsStream::Got got;
  if (!tls_->ready()) {
    got.step = tls_->handshake();
    if (got.step == TlsStream::Step::done) held_back_ = true;  // the first bytes may have come with it
  } else {
    const auto [memory, size] = buffer_.begin_read();
    got = tls_->read(memory, size);
    buffer_.end_read(got.bytes);
    held_back_ = got.more;
  }
  if (tls_->unsent() > 0) send_tls();
  if (got.bytes > 0 || got.step == TlsStream::Step::done) return true;
  if (got.step == TlsStream::Step::blocked) return false;
  eof_ = got.step == TlsStream::Step::ended;
  if (!eof_) read_error_ = tls_->wire_failed() ? ECONNRESET : EPROTO;
  return true;
}

void Channel::read_tls() {
  if (!take_tls()) {
    if (has_input()) loop_.defer(*this);  // it has had its share of this turn
    return;
  }
  wanted_ = false;
  if (watcher_ != nullptr) watcher_->on_activity();
}

bool Channel::try_write_tls(Gather& gather) {
  while (!write_failed()) {
    if (!tls_->send(write_error_)) return write_error_ != 0;
    if (gather.done()) return true;
    const std::size_t before = gather.size();
    if (!tls_->encrypt(gather)) {
      write_error_ = EPROTO;
      return true;
    }
    const std::size_t queued = tls_->unsent();
    tls_->send(write_error_);
    const bool nothing_left = write_error_ != 0 && tls_->unsent() == queued;
    if (!nothing_left) bytes_written_ += before - gather.size();
  }
  return true;
}

}  // namespace fusewire::proxy
