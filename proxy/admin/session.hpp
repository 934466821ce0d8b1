// SPDX-License-Identifier: Apache-2.0
// One connection to the admin API: reads requests, has them answered, streams events. Admin thread. Owned by its
// coroutine.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <optional>

#include "proxy/admin/connections.hpp"
#include "proxy/admin/event_source.hpp"

namespace fusewire::proxy::admin {

class Session final : public std::enable_shared_from_this<Session> {
 public:
  using Stream = boost::beast::basic_stream<Protocol, Executor>;
  Session(std::shared_ptr<Connections>, Socket);
  ~Session();

  AsioTask<void> run();
  void close();
  void wake();  // there may be a new event
  // The time since which it has waited for its client: for a request, for the rest of one, or for the client to read an
  // answer. Nothing for a stream.
  std::optional<std::chrono::steady_clock::time_point> waiting_since() const { return waiting_since_; }
  bool has_unread();  // bytes of its client that have not been read
  bool is_streaming() const { return streaming_; }
  bool is_answering() const { return answering_; }

 private:
  enum class Next { keep, close };

  AsioTask<Next> serve_one(bool first);
  AsioTask<Next> respond(std::shared_ptr<const Request>, bool keep);
  AsioTask<Reply> reply_to(std::shared_ptr<const Request>);
  AsioTask<Next> send_unreadable(const error_code&);
  AsioTask<Next> send(const Reply&, const Request&, bool keep);
  std::unique_ptr<EventSource> source_of(const Reply&);
  AsioTask<bool> has_been_read();
  AsioTask<void> stream(std::unique_ptr<EventSource>);
  AsioTask<bool> write(std::string_view head, std::string_view body = {});
  AsioTask<void> linger();
  void watch_client();
  void begin_wait();
  std::string peer() const;

  std::shared_ptr<Connections> connections_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  asio::steady_timer wait_;
  std::optional<std::chrono::steady_clock::time_point> waiting_since_;
  bool streaming_ = false;
  bool answering_ = false;  // a request has been read, and its answer has not been written whole
  bool gone_ = false;       // closed by us, or by the reader of a stream
};

}  // namespace fusewire::proxy::admin
