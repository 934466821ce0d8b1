// SPDX-License-Identifier: Apache-2.0
// The client of an HTTP/1.1 connection, as those who forward its request see it; and the state of its request's body,
// which the session reads the rest of. One thread; owned by the session.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "proxy/http/client_stream.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/net/deadlines.hpp"
#include "proxy/upstream/inbound.hpp"

namespace fusewire::proxy {

// The session, its channel and its Inbound are one life: this refers to the other two and buffers nothing itself.
// Attempts and uploads use it through ClientStream, one piece of the body at a time: read_body, then consume_body.
// Invariants: a piece stays in the channel's buffer until it is consumed, and while an upload runs its event is set in
// the driver's place.
class Http1Client final : public ClientStream {
 public:
  // `deadline` is the session's for all that the client owes; its end calls set_late().
  // `wake` wakes the session and its upload.
  Http1Client(Channel& channel, Inbound& inbound, Deadline& deadline, DeadlineWheel& wheel, std::function<void()> wake)
      : channel_(channel),
        inbound_(inbound),
        deadline_(deadline),
        wake_(std::move(wake)),
        send_deadline_(wheel, [this] { on_send_late(); }) {}

  // A FIN while its response is pending means that it is gone, but where the listener takes it for the end of the
  // requests alone (client_half_close).
  bool gone() const override { return channel_.write_failed() || (channel_.ended() && !channel_.is_half_closed()); }
  bool closed() const override { return channel_.closed(); }
  void listen() override {
    if (!channel_.start_read()) channel_.watch_for_end();
  }
  void watch_for_end() override { channel_.watch_for_end(); }
  void reset() override { channel_.reset(); }

  BodyRead read_body(std::string_view& piece) override;
  void consume_body() override { channel_.buffer().consume(std::exchange(taken_, 0)); }
  std::size_t unread() const override { return channel_.buffer().size(); }
  void wait_for_body(Time now) override;
  void begin_upload(Event& news) override { upload_ = &news; }
  void end_upload() override;

  bool try_write(Gather& gather) override { return channel_.try_write(gather); }
  // Ends with a reset where the client takes nothing for send_timeout.
  Task<void> flush(Gather& gather) override;
  bool write_blocked() const override { return channel_.write_blocked(); }

  // The session's own view of it.
  // Nothing more comes of the client, whether it is gone or not.
  bool input_ended() const { return channel_.ended() || channel_.write_failed(); }
  bool is_late() const { return late_; }
  void set_late(bool late) { late_ = late; }
  Event* upload() const { return upload_; }  // whose news the body's bytes are; nullptr: no upload runs
  // Of the channel's buffer that much is under the piece of the body that came with the head.
  void took(std::size_t raw) { taken_ = raw; }

 private:
  void arm_send_deadline();
  void on_send_late();

  Channel& channel_;
  Inbound& inbound_;
  Deadline& deadline_;
  std::function<void()> wake_;
  Deadline send_deadline_;
  std::uint64_t sent_before_ = 0;  // at the last look whether the client still reads
  std::size_t unacknowledged_before_ = 0;
  Event* upload_ = nullptr;
  std::size_t taken_ = 0;
  bool late_ = false;
};

}  // namespace fusewire::proxy
