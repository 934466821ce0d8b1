// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/channel.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace fusewire::proxy {

Channel::Channel(Loop& loop, int descriptor, BufferPool& pool)
    : loop_(loop), descriptor_(descriptor), buffer_(pool), pool_(pool) {
  if (!loop_.watch(descriptor_, *this)) read_error_ = write_error_ = errno;
}

Channel::~Channel() { close(); }

// ------------------------------------------------------------------------------------------------------ events

void Channel::note(std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  // A read stops short at an urgent mark, too.
  if ((events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ending_ = true;
  if ((events & EPOLLERR) != 0) broken_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) hung_up_ = true;
}

void Channel::act() {
  const ChannelPtr alive(this);
  if (write_blocked_) {  // written to or failed: the next try tells
    write_blocked_ = false;
    writable_.set();
  }
  if (closed()) return;
  if (tls_) [[unlikely]]
    send_tls();
  if (wanted_ && has_input()) return read_now();
  if (read_error_ != 0 || !has_left()) return;
  read_error_ = ECONNRESET;  // an end, too: what stands before it is lost, and it must not look orderly
  if (watcher_ != nullptr) watcher_->on_activity();
}

// Whether the peer is gone, as far as the watcher wants to know. Behind its FIN only a reset can say so.
bool Channel::has_left() const {
  if (broken_ && (tell_of_reset_ || (tell_of_end_ && !eof_))) return true;
  return hung_up_ && tell_of_end_ && !half_close_allowed_ && !eof_;
}

void Channel::watch_for_reset() {
  tell_of_reset_ = true;
  tell_of_end_ = false;
  if (read_error_ == 0 && !closed() && has_left()) loop_.defer(*this);
}

void Channel::watch_for_end() {
  tell_of_end_ = true;
  if (read_error_ == 0 && !closed() && has_left()) loop_.defer(*this);
}

void Channel::allow_half_close(bool allowed) {
  half_close_allowed_ = allowed;
  if (allowed && !tell_of_reset_) watch_for_reset();
}

// ------------------------------------------------------------------------------------------------------ reading

bool Channel::start_read() {
  if (wanted_ || ended()) return true;
  if (!buffer_.make_room()) return false;
  wanted_ = true;
  tell_of_end_ = false;
  if (has_input()) loop_.defer(*this);
  return true;
}

void Channel::read_now() {
  if (tls_) [[unlikely]]
    return read_tls();
  const auto [memory, size] = buffer_.begin_read();
  ssize_t n = -1;
  do {
    n = ::recv(descriptor_, memory, size, 0);
  } while (n < 0 && errno == EINTR);
  const int error = n < 0 ? errno : 0;
  // A short read has emptied the kernel's queue, so what comes next raises an event, except an end that has raised its
  // event already.
  readable_ = n > 0 && (static_cast<std::size_t>(n) == size || ending_);
  buffer_.end_read(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (error == EAGAIN) return;
  wanted_ = false;
  // A reset that a write has already reported looks like a plain end to a read.
  read_error_ = n == 0 && write_error_ == ECONNRESET ? ECONNRESET : error;
  eof_ = n == 0 && read_error_ == 0;
  if (watcher_ != nullptr) watcher_->on_activity();
}

bool Channel::has_unread() const {
  char byte = 0;
  return held_back_ || (!closed() && ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0);
}

// ------------------------------------------------------------------------------------------------------ writing

// One system call.
std::size_t Channel::write_some(Gather::Parts parts) {
  std::array<iovec, Gather::kParts> pieces;
  for (std::size_t i = 0; i < parts.size(); ++i)
    pieces[i] = {.iov_base = const_cast<void*>(parts[i].data()), .iov_len = parts[i].size()};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = parts.size();
  ssize_t n = -1;
  do {
    n = parts.size() == 1 ? ::send(descriptor_, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                          : ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno != EAGAIN) write_error_ = errno;
  return 0;
}

bool Channel::try_write(Gather& gather) {
  if (tls_) [[unlikely]]
    return try_write_tls(gather);
  while (!gather.done() && !write_failed()) {
    const std::size_t n = write_some(gather.parts());
    if (n == 0 && write_error_ == 0) return false;
    bytes_written_ += n;
    gather.wrote(n);
  }
  return true;
}

Task<void> Channel::flush(Gather& gather) {
  const ChannelPtr alive(this);
  while (!try_write(gather)) {
    write_blocked_ = true;
    co_await writable_.wait();
  }
}

std::size_t Channel::unacknowledged() const {
  int bytes = 0;
  if (closed() || ::ioctl(descriptor_, SIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::size_t>(bytes) + (tls_ ? tls_->unsent() : 0);
}

// ------------------------------------------------------------------------------------------------------ the end

void Channel::shutdown_send() {
  if (closed()) return;
  if (!tls_) {
    ::shutdown(descriptor_, SHUT_WR);
    return;
  }
  tls_->close_notify();
  shut_when_sent_ = true;
  send_tls();
}

void Channel::close() {
  if (closed()) return;
  if (tls_) [[unlikely]] {
    tls_->close_notify();
    send_tls();
    tls_.reset();
  }
  loop_.forget(descriptor_);
  ::close(std::exchange(descriptor_, -1));
  watcher_ = nullptr;
  if (write_blocked_)
    loop_.defer(*this);  // the coroutine that waits in flush() holds us
  else
    leave_queue();
}

void Channel::reset() {
  if (closed()) return;
  tls_.reset();  // without its close_notify
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

}  // namespace fusewire::proxy
