// SPDX-License-Identifier: Apache-2.0
// One connection, non-blocking: reads arrive by themselves into its buffer, writes go straight to the kernel and wait
// only when it is full. A buffer is taken when there is something to read. After start_tls() all of it is under TLS,
// for the same callers. One thread (a worker's).
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "proxy/net/buffer.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/gather.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/tls_stream.hpp"
#include "proxy/net/watcher.hpp"

namespace fusewire::proxy {

// Counted references own it, for a coroutine in flush() needs it after its session or pool entry has closed it. One
// watcher at a time hears that something has come, and asks the channel what it was. Use: start_read(), wait for the
// watcher's on_activity(), take from buffer(), look at ended(); try_write(), and flush() where that is false.
// Invariants: one write is under way at a time; an end, once seen, stays.
class Channel final : public Loop::Source, public boost::intrusive_ref_counter<Channel, boost::thread_unsafe_counter> {
 public:
  // Takes over a connected, non-blocking descriptor.
  Channel(Loop& loop, int descriptor, BufferPool& pool);
  ~Channel();

  void watch(Watcher* watcher) { watcher_ = watcher; }

  // Starts one read, unless the stream has ended or the buffer is full: then false. The watcher is notified of the
  // result.
  bool start_read();
  // From now on the watcher is notified of a reset even while no read is pending because the buffer is full.
  void watch_for_reset();
  // The same, until the next read, for a caller that takes the stream's end for the peer's leaving and will read no
  // more of it: the watcher hears of an end that stands behind bytes for which there is no room.
  void watch_for_end();
  // `allowed`: the peer's FIN says that it sends no more, and not that it has left. watch_for_end() then hears of a
  // reset alone, and a reset is heard of behind a FIN, too.
  void allow_half_close(bool allowed);
  // Such a peer has ended its direction and waits for ours.
  bool is_half_closed() const { return half_close_allowed_ && eof_ && !was_reset() && !closed(); }
  ReadBuffer& buffer() { return buffer_; }
  // The stream gives nothing more: an orderly end (FIN; under TLS close_notify), a reset (under TLS also a FIN alone)
  // or our own close().
  bool ended() const { return eof_ || read_error_ != 0 || closed(); }
  bool eof() const { return eof_; }
  bool was_reset() const { return read_error_ != 0 || write_error_ != 0; }
  // Open, and nothing has come that has not been read, as far as the loop knows. A record of TLS itself (a session
  // ticket) does not count.
  bool is_silent() {
    if (tls_ && readable_) [[unlikely]]
      take_tls();
    return !ended() && buffer_.empty() && !has_input();
  }

  // Whether the kernel holds bytes, or an end, that has not been read; a system call.
  bool has_unread() const;

  // Writes what the kernel takes at once. True when all is written or the connection has failed (see write_failed).
  bool try_write(Gather&);
  // Waits until all is written or the connection has failed.
  Task<void> flush(Gather&);
  bool write_failed() const { return write_error_ != 0 || closed(); }
  bool write_blocked() const { return write_blocked_; }
  std::uint64_t bytes_written() const { return bytes_written_; }
  std::size_t unacknowledged() const;  // bytes that the peer has not taken from the kernel's send queue; a system call

  void shutdown_send();

  // TLS from here on, both ways; a client speaks first. Read until the handshake is done, or ended().
  void start_tls(TlsSetup);
  bool is_handshaking() const { return tls_ && !tls_->ready(); }
  bool is_ready() const { return !ended() && !is_handshaking(); }
  const TlsStream* tls() const { return tls_.get(); }  // nullptr: plain
  // Plain again after a failed handshake, whose unsent bytes go out first.
  void stop_tls();

  // Idempotent. A waiting flush() returns in the next turn; the watcher is not called any more.
  void close();
  // The same with RST instead of FIN: the peer must not take what it got for a whole message.
  void reset();
  bool closed() const { return descriptor_ < 0; }

  int descriptor() const { return descriptor_; }
  Loop& loop() { return loop_; }

 private:
  void note(std::uint32_t events) override;
  void act() override;
  void read_now();
  bool has_left() const;
  bool has_input() const { return readable_ || held_back_; }
  void read_tls();
  bool take_tls();
  bool try_write_tls(Gather&);
  void send_tls();
  std::size_t write_some(Gather::Parts);

  Loop& loop_;
  int descriptor_;
  ReadBuffer buffer_;
  BufferPool& pool_;
  std::unique_ptr<TlsStream> tls_;
  Watcher* watcher_ = nullptr;
  Event writable_;
  std::uint64_t bytes_written_ = 0;
  int read_error_ = 0;
  int write_error_ = 0;
  bool wanted_ = false;     // a read was asked for
  bool readable_ = false;   // the kernel has something to read, as far as we know
  bool ending_ = false;     // and behind it the stream's end
  bool broken_ = false;     // the kernel reports an error
  bool hung_up_ = false;    // and of the peer's end
  bool held_back_ = false;  // TLS has more, or its end, without an event
  bool tell_of_reset_ = false;
  bool tell_of_end_ = false;
  bool half_close_allowed_ = false;
  bool shut_when_sent_ = false;
  bool eof_ = false;
  bool write_blocked_ = false;
};

using ChannelPtr = boost::intrusive_ptr<Channel>;

}  // namespace fusewire::proxy
