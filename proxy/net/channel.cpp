// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/channel.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>

namespace fusewire::proxy {

void Gather::wrote(std::size_t n) {
  while (n > 0) {
    auto& part = parts_[first_];
    const std::size_t taken = std::min(n, part.size());
    part += taken;
    n -= taken;
    if (part.size() == 0) ++first_;
  }
}

void Channel::start_read() {
  if (reading_ || ended()) return;
  const auto [memory, size] = buffer_.begin_read();
  if (size == 0) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(memory, size), [self = ChannelPtr(this)](error_code error, std::size_t n) {
    self->reading_ = false;
    self->buffer_.end_read(n);
    if (self->closed_) return;
    if (error == asio::error::eof)
      self->eof_ = true;
    else if (error)
      self->read_error_ = error;
    if (self->watcher_ != nullptr) self->watcher_->on_activity();
  });
}

bool Channel::try_write(Gather& gather) {
  while (!gather.done() && !write_failed()) {
    error_code error;
    const std::size_t n = socket_.write_some(gather.parts(), error);
    if (error == asio::error::would_block) return false;
    if (error == asio::error::interrupted) continue;
    if (error) {
      write_error_ = error;
      break;
    }
    bytes_written_ += n;
    gather.wrote(n);
  }
  return true;
}

Task<void> Channel::flush(Gather& gather) {
  const ChannelPtr alive(this);
  while (!try_write(gather)) {
    write_blocked_ = true;
    error_code error;
    co_await socket_.async_wait(Socket::wait_write, asio::redirect_error(use_task, error));
    write_blocked_ = false;
    if (error && !closed_) write_error_ = error;
  }
}

std::size_t Channel::unacknowledged() {
  int bytes = 0;
  return closed_ || ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) != 0 ? 0 : static_cast<std::size_t>(bytes);
}

void Channel::shutdown_send() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Channel::close() {
  if (closed_) return;
  closed_ = true;
  watcher_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
}

void Channel::reset() {
  if (closed_) return;
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

}  // namespace fusewire::proxy
