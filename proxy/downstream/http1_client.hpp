// SPDX-License-Identifier: Apache-2.0
// The client of an HTTP/1.1 connection, as those who drive and forward its requests see it; and the state of its
// request's body, the rest of which the session reads. One thread; owned by the session.
#pragma once

#include <cstdint>
#include <utility>

#include "proxy/downstream/http1_connection.hpp"
#include "proxy/downstream/http1_writer.hpp"
#include "proxy/http/client_stream.hpp"

namespace fusewire::proxy {

// The session and what this refers to are one life; nothing is buffered here. It is used through ClientStream: the body
// one piece at a time, read_body(), then consume_body(); all writing is passed on to the request's writer. Invariants:
// a piece stays in the channel's buffer until it is consumed, while an upload runs its event is set in the driver's
// place, and there is a writer while a request is being served.
class Http1Client final : public ClientStream {
 public:
  explicit Http1Client(const Http1Connection& connection) : to_(connection) {}

  // A FIN while its response is pending means that it is gone, but where the listener takes it for the end of the
  // requests alone (client_half_close).
  bool gone() const override {
    return to_.channel.write_failed() || (to_.channel.ended() && !to_.channel.is_half_closed());
  }
  bool closed() const override { return to_.channel.closed(); }
  void listen() override {
    if (!to_.channel.start_read()) to_.channel.watch_for_end();
  }
  void watch_for_end() override { to_.channel.watch_for_end(); }
  void reset() override { to_.channel.reset(); }

  BodyRead read_body(std::string_view& piece) override;
  void consume_body() override { to_.channel.buffer().consume(std::exchange(taken_, 0)); }
  std::size_t unread() const override { return to_.channel.buffer().size(); }
  void wait_for_body(Time now) override;
  void begin_upload(Event& news) override { upload_ = &news; }
  void end_upload() override;

  bool try_write(Gather& gather) override { return to_.channel.try_write(gather); }
  Task<void> flush(Gather& gather) override { return writer_->flush(gather); }
  bool write_blocked() const override { return to_.channel.write_blocked(); }

  bool write(const ResponsePart& part) override { return writer_->write(part); }
  Task<void> flush_response() override { return writer_->flush(); }
  bool write_failed() const override { return to_.channel.write_failed(); }
  void close_after_response() override { to_.persistence.end(); }
  void end_sending() override { to_.channel.shutdown_send(); }
  void break_off() override;

  // The session's own view of it.
  // Nothing more comes of the client, whether it is gone or not.
  bool input_ended() const { return to_.channel.ended() || to_.channel.write_failed(); }
  Event* upload() const { return upload_; }  // whose news the body's bytes are; nullptr: no upload runs
  // Of the channel's buffer that much is under the piece of the body that came with the head.
  void took(std::size_t raw) { taken_ = raw; }
  const Http1Connection& connection() const { return to_; }
  void write_with(Http1Writer* writer) { writer_ = writer; }  // nullptr: no request is being served

 private:
  const Http1Connection to_;
  Http1Writer* writer_ = nullptr;
  Event* upload_ = nullptr;
  std::size_t taken_ = 0;
};

}  // namespace fusewire::proxy
