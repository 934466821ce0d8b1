// SPDX-License-Identifier: Apache-2.0
// The connections of one admin door: accepts, counts and closes them. Control thread. Outlives its AdminServer for as
// long as a connection's coroutine has not seen that it was closed; `control` is not touched after close().
#pragma once

#include <memory>
#include <unordered_set>

#include "proxy/admin/router.hpp"
#include "proxy/net/listen.hpp"

namespace fusewire::proxy::admin {

class Session;

class Connections final : public std::enable_shared_from_this<Connections> {
 public:
  static constexpr std::size_t kMax = 64;
  static constexpr std::size_t kMaxStreams = 16;  // of them: they never give way, and health must get in

  Connections(asio::io_context& io, Control& control, Door door, ListeningSocket acceptor)
      : io_(io), control_(control), door_(door), acceptor_(std::move(acceptor)) {}

  void start();  // once
  void close();
  bool closed() const { return closed_; }
  void wake_streams();
  bool has_room_for_stream() const;
  std::uint16_t port() const { return port_of(acceptor_); }
  AsioTask<void> accept();  // started by start()

  asio::io_context& io() { return io_; }
  Control& control() { return control_; }
  Door door() const { return door_; }

  void add(Session& session) { sessions_.insert(&session); }
  void remove(Session& session) { sessions_.erase(&session); }

 private:
  bool make_room();
  void serve(Socket);

  asio::io_context& io_;
  Control& control_;
  const Door door_;
  ListeningSocket acceptor_;
  bool closed_ = false;
  std::unordered_set<Session*> sessions_;
};

}  // namespace fusewire::proxy::admin
