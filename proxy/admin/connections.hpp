// SPDX-License-Identifier: Apache-2.0
// The connections of one admin address: accepts, counts and closes them. Admin thread. Outlives its AdminServer until
// the last answer that was under way has gone out.
#pragma once

#include <chrono>
#include <memory>
#include <unordered_set>

#include "proxy/admin/router.hpp"
#include "proxy/net/listen.hpp"

namespace fusewire::proxy::admin {

class AdminThread;
class Session;

// What clients may use. The probes' port is open to the whole pod or node, so it must stay cheap whatever it receives.
struct ClientLimits {
  std::size_t connections;
  std::size_t streams;  // of the connections: a stream never gives way, and health checks must get in
  std::size_t head;
  std::chrono::seconds read;  // a request, from its first byte (or the connection) to its last
  std::chrono::seconds idle;  // between two requests
};
constexpr ClientLimits limits_of(Interface interface) {
  using namespace std::chrono_literals;
  if (interface == Interface::probes)
    return {.connections = 128, .streams = 0, .head = 8 * 1024, .read = 5s, .idle = 15s};
  return {.connections = 64, .streams = 16, .head = 16 * 1024, .read = 10s, .idle = 60s};
}

// Shared by its AdminServer, its accepting coroutine and its sessions, each of which adds and removes itself. start()
// is called once; after retire() nothing is accepted, and idle sessions end.
class Connections final : public std::enable_shared_from_this<Connections> {
 public:
  Connections(AdminThread& thread, Interface interface, ListeningSocket acceptor)
      : thread_(thread), interface_(interface), acceptor_(std::move(acceptor)) {}

  void start();   // once
  void retire();  // no more connections; those that there are end as soon as they may
  bool retired() const { return retired_; }
  void wake_streams();
  bool has_room_for_stream() const;
  std::uint16_t port() const { return port_of(acceptor_); }
  bool has_passed_socket() const { return acceptor_.passed; }
  AsioTask<void> accept();  // started by start()

  AdminThread& thread() { return thread_; }
  Interface interface() const { return interface_; }
  ClientLimits limits() const { return limits_of(interface_); }

  void add(Session& session) { sessions_.insert(&session); }
  void remove(Session& session) { sessions_.erase(&session); }

 private:
  bool make_room();
  std::size_t max_connections() const;
  void serve(Socket);

  AdminThread& thread_;
  const Interface interface_;
  ListeningSocket acceptor_;
  bool retired_ = false;
  std::unordered_set<Session*> sessions_;
};

}  // namespace fusewire::proxy::admin
