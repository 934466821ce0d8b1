// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/channel.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <cerrno>
#include <utility>

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

void Channel::watch_for_reset() {
  if (std::exchange(watching_for_reset_, true) || ended()) return;
  socket_.async_wait(Socket::wait_error, [self = ChannelPtr(this)](error_code error) {
    self->watching_for_reset_ = false;
    if (error || self->ended()) return;
    pollfd state{.fd = self->socket_.native_handle(), .events = 0, .revents = 0};
    if (::poll(&state, 1, 0) <= 0 || (state.revents & POLLERR) == 0) return;  // urgent data, say
    self->read_error_ = asio::error::connection_reset;
    if (self->watcher_ != nullptr) self->watcher_->on_activity();
  });
}

// One system call; straight, for Asio makes a gathering one of each.
std::size_t Channel::write_some(Gather::Parts parts, error_code& error) {
  std::array<iovec, Gather::kParts> pieces;
  for (std::size_t i = 0; i < parts.size(); ++i)
    pieces[i] = {.iov_base = const_cast<void*>(parts[i].data()), .iov_len = parts[i].size()};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = parts.size();
  const int socket = socket_.native_handle();
  const ssize_t n = parts.size() == 1 ? ::send(socket, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                                      : ::sendmsg(socket, &message, MSG_NOSIGNAL);
  if (n >= 0) return static_cast<std::size_t>(n);
  error = error_code(errno == EAGAIN ? EWOULDBLOCK : errno, boost::system::system_category());
  return 0;
}

bool Channel::try_write(Gather& gather) {
  while (!gather.done() && !write_failed()) {
    error_code error;
    const std::size_t n = write_some(gather.parts(), error);
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
    socket_.async_wait(Socket::wait_write, [this](error_code error) {
      write_blocked_ = false;
      if (error && !closed_) write_error_ = error;
      writable_.set();
    });
    co_await writable_.wait();
  }
}

std::size_t Channel::unacknowledged() {
  int bytes = 0;
  return closed_ || ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) != 0 ? 0 : static_cast<std::size_t>(bytes);
}

bool Channel::is_silent() {
  if (ended() || !buffer_.empty()) return false;
  char byte = 0;
  return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
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
