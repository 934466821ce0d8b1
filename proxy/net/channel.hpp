// SPDX-License-Identifier: Apache-2.0
// One connection, non-blocking: reads arrive by themselves into its buffer, writes go straight to the kernel and wait
// only when it is full. One thread (a worker's). Kept alive by its pending operations.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "proxy/net/asio.hpp"
#include "proxy/net/buffer.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/task.hpp"

namespace fusewire::proxy {

// Whoever wants to know that a channel has bytes, has ended, or was cut off.
class Watcher {
 public:
  virtual void on_activity() = 0;

 protected:
  ~Watcher() = default;
};

// What is left of a message to be written: up to kParts pieces of memory that the caller keeps alive.
class Gather {
 public:
  static constexpr std::size_t kParts = 4;
  using Parts = std::span<const asio::const_buffer>;

  void add(std::string_view piece) {
    if (!piece.empty()) parts_[count_++] = asio::const_buffer(piece.data(), piece.size());
  }
  Parts parts() const { return {parts_.data() + first_, count_ - first_}; }
  bool done() const { return first_ == count_; }
  void wrote(std::size_t n);

 private:
  std::array<asio::const_buffer, kParts> parts_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

class Channel final : public boost::intrusive_ref_counter<Channel, boost::thread_unsafe_counter> {
 public:
  Channel(Socket socket, BufferPool& pool) : socket_(std::move(socket)), buffer_(pool) {}

  void watch(Watcher* watcher) { watcher_ = watcher; }

  // Posts a read unless one is pending, the stream has ended, or the buffer is full. The watcher hears of its end.
  void start_read();
  // From now on the watcher hears of a reset even when no read is pending, for want of room in the buffer.
  void watch_for_reset();
  ReadBuffer& buffer() { return buffer_; }
  bool reading() const { return reading_; }
  // The stream gives nothing more: an orderly end (FIN), a reset or our own close().
  bool ended() const { return eof_ || read_error_ || closed_; }
  bool eof() const { return eof_; }
  bool was_reset() const { return static_cast<bool>(read_error_) || static_cast<bool>(write_error_); }

  // Writes what the kernel takes at once. True when all is written or the connection has failed (see write_failed).
  bool try_write(Gather&);
  // Waits until all is written or the connection has failed.
  Task<void> flush(Gather&);
  bool write_failed() const { return static_cast<bool>(write_error_) || closed_; }
  bool write_blocked() const { return write_blocked_; }
  std::uint64_t bytes_written() const { return bytes_written_; }
  std::size_t unacknowledged();  // bytes that the peer has not taken from the kernel's send queue; a system call

  // Open, and the peer has said nothing that has not been read; a system call.
  bool is_silent();

  void shutdown_send();
  // Idempotent. A waiting flush() returns; the pending read ends silently (the watcher is not called).
  void close();
  // The same with RST instead of FIN: the peer must not take what it got for a whole message.
  void reset();
  bool closed() const { return closed_; }

  Socket& socket() { return socket_; }

 private:
  std::size_t write_some(Gather::Parts, error_code&);

  Socket socket_;
  ReadBuffer buffer_;
  Watcher* watcher_ = nullptr;
  Event writable_;
  error_code read_error_;
  error_code write_error_;
  std::uint64_t bytes_written_ = 0;
  bool reading_ = false;
  bool watching_for_reset_ = false;
  bool eof_ = false;
  bool closed_ = false;
  bool write_blocked_ = false;
};

using ChannelPtr = boost::intrusive_ptr<Channel>;

}  // namespace fusewire::proxy
