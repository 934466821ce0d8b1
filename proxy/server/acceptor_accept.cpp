// SPDX-License-Identifier: Apache-2.0
// The acceptor thread's part: connections come in, wait for room, and go to the workers.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "proxy/net/clock.hpp"
#include "proxy/net/descriptors.hpp"
#include "proxy/net/listen.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/server/acceptor_port.hpp"

namespace fusewire::proxy {

namespace {

constexpr int kAcceptsATime = 64;                     // before other sockets get their turn
constexpr std::chrono::milliseconds kLookAgain{100};  // where there was no room, or no descriptor
constexpr int kHandshake = 20;                        // ms that one under way gets to complete when a socket is closed
constexpr int kDescriptorPoll = 5;                    // ms between two tries to get a descriptor for what is queued
constexpr std::chrono::milliseconds kMaxShutting{500};
constexpr std::uint32_t kRefusedShare = 16;  // of max_connections: connections that are answered "full" at a time

}  // namespace

void Acceptor::watch(const PortPtr& port) {
  port->resting = port->held;
  if (port->held || port->closed) return;
  port->socket.async_wait(ListeningSocket::wait_read, [this, port](error_code error) {
    if (port->closed || error) return;
    if (port->held) return watch(port);
    const Round round = accept_some(*port, kAcceptsATime);
    if (round.lack != 0)
      pause(port, round.lack);
    else if (port->waits)
      ask_for_room(port);
    else
      watch(port);
  });
}

// Up to `max` connections of the backlog. Where there is no room or no descriptor for one, another may have to give way
// to it: so one must be queued.
Acceptor::Round Acceptor::accept_some(Port& port, int max) {
  for (int n = 0; n < max; ++n) {
    if (is_full(port)) {
      if (port.shutting || !is_queued(port)) return {.emptied = true};
      if (must_wait(port)) return {};
    }
    // While the socket closes there is no later: what is queued may take the last ones.
    if (nearly_out_ && !port.shutting && is_next_reserved(Reserve::client)) return lacking(port, EMFILE);
    const int fd = ::accept4(port.socket.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      nearly_out_ = nearly_out_ || is_reserved(fd, Reserve::near_client);
      if (port.shutting && !port.socket.passed) forget_refusal(fd);
      hand_over(port, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return lacking(port, errno);
    } else if (errno == EAGAIN || errno == EINVAL) {  // EINVAL: of a unix socket after refuse_handshakes()
      complained_ = false;                            // no connection waits any more
      nearly_out_ = nearly_out_ && !are_few_connected();
      return {.emptied = true};
    }
  }
  return {};
}

Acceptor::Round Acceptor::lacking(Port& port, int error) {
  return is_queued(port) ? Round{.lack = error} : Round{.emptied = true};
}

// One that ends leaves a low number free: the number of the last one says little of how many there are.
bool Acceptor::are_few_connected() const {
  std::size_t connections = 0;
  const ListenerGate* counted = nullptr;  // those of one listener stand together
  for (const PortPtr& port : ports())
    if (port->gate && std::exchange(counted, port->gate.get()) != port->gate.get())
      connections += port->gate->connections.load(std::memory_order_relaxed);
  return connections < descriptor_limit() / 8;
}

void Acceptor::hand_over(Port& port, int fd) {
  const std::uint32_t max = port.max_connections;
  const std::uint32_t open = port.gate->connections.fetch_add(1, std::memory_order_relaxed);
  // Those who wait in the backlog of a full one have no later when its socket closes: they are served now, as long as
  // that takes no descriptor away from what others need.
  const bool for_all = port.shutting && port.when_full == config::WhenFull::wait &&
                       !(open >= max && nearly_out_ && is_next_reserved(Reserve::client));
  if (!for_all && open >= max + std::max(max / kRefusedShare, 16U)) {
    port.gate->connections.fetch_sub(1, std::memory_order_relaxed);
    ::close(fd);
    return;
  }
  if (port.address.kind == config::Address::Kind::tcp) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  workers_[turn_++ % workers_.size()]->accept(fd, port.gate, open >= max && !for_all);
}

// ------------------------------------------------------------------------------------------------------ no room

// While a socket of our own closes, no client can wait: connections beyond the limit are served, or get an answer that
// says so (`refuse`). On a passed one they wait for the next process.
bool Acceptor::is_full(const Port& port) {
  return (!port.shutting || port.socket.passed) && port.gate->connections.load() >= port.max_connections;
}

bool Acceptor::is_queued(Port& port) {
  pollfd queue{.fd = port.socket.native_handle(), .events = POLLIN, .revents = 0};
  return ::poll(&queue, 1, 0) > 0;
}

// Of a full one: until a connection has ended, where a client can be parted with now or soon, or clients are to wait.
// Nothing is watched meanwhile.
bool Acceptor::must_wait(Port& port) {
  ListenerGate& gate = *port.gate;
  if (!may_wait(port)) return false;
  port.waits = true;
  gate.full = true;
  if (is_full(port)) return true;
  // One has ended in between; perhaps it has seen that we wait.
  gate.full = false;
  port.waits = false;
  return false;
}

bool Acceptor::may_wait(const Port& port) {
  return port.when_full == config::WhenFull::wait || port.gate->arriving.load(std::memory_order_relaxed) > 0 ||
         port.gate->longest_waiting(steady_now() + WaitingClients::kPatience).has_value();
}

// The client that has waited longest gives way. Where there is none, or it has just gone on, the acceptor looks again:
// in a moment, or (`refuse`) at once.
void Acceptor::ask_for_room(const PortPtr& port) {
  // One at a time: a worker that is slow to hear of it would part with two.
  const auto longest = port->asking ? std::nullopt : port->gate->longest_waiting(steady_now());
  port->asking = port->asking || longest;
  if (longest)
    workers_[longest->worker]->part_with_client(port->gate, [this, weak = std::weak_ptr(port)](bool made) {
      asio::post(io_, [this, weak, made] {
        const PortPtr asked = weak.lock();
        if (!asked) return;
        asked->asking = false;
        if (!made && !may_wait(*asked)) stop_waiting(asked);
      });
    });
  port->timer.expires_after(kLookAgain);
  port->timer.async_wait([this, port](error_code error) {
    if (!error && port->waits && !port->closed) may_wait(*port) ? ask_for_room(port) : stop_waiting(port);
  });
}

void Acceptor::stop_waiting(const PortPtr& port) {
  if (!port->waits || port->closed) return;
  port->gate->full = false;
  port->waits = false;
  watch(port);
}

void Acceptor::resume(const ListenerGate& gate) {
  for (const PortPtr& port : ports()) {
    if (port->gate.get() != &gate || !std::exchange(port->waits, false)) continue;
    port->timer.cancel();
    watch(port);
  }
}

// ------------------------------------------------------------------------------------------------------ no descriptor

// Connections wait in the backlog until a descriptor is free. One line says so, and nothing spins.
void Acceptor::pause(const PortPtr& port, int error) {
  if (!complained_ && complaints_.pass(steady_now()))
    log::error("out of file descriptors, accept paused",
               {{"listener", port->gate->name}, {"error", std::strerror(error)}});
  complained_ = true;
  port->paused = true;
  // A worker may hold this for longer than the port lives.
  const auto go_on = [this, weak = std::weak_ptr(port)] {
    const PortPtr paused = weak.lock();
    if (!paused || paused->closed || !std::exchange(paused->paused, false)) return;
    paused->timer.cancel();
    watch(paused);
  };
  port->timer.expires_after(kLookAgain);
  port->timer.async_wait([go_on](error_code failed) {
    if (!failed) go_on();
  });
  ask_for_descriptor(
      [this, go_on](bool made) {
        if (made) asio::post(io_, go_on);
      },
      workers_.size());
}

// A connection to an upstream that is idle gives way, of whichever worker; where none is idle, a client.
void Acceptor::ask_for_descriptor(std::function<void(bool made)> done, std::size_t workers) {
  if (workers == 0) return ask_client_for_descriptor(std::move(done));
  Worker& next = *workers_[asked_++ % workers_.size()];
  next.part_with_idle([this, workers, done = std::move(done)](bool made) mutable {
    if (made) return done(true);
    asio::post(io_,
               [this, workers, done = std::move(done)]() mutable { ask_for_descriptor(std::move(done), workers - 1); });
  });
}

// The one that has waited longest, of whichever listener.
void Acceptor::ask_client_for_descriptor(std::function<void(bool made)> done) {
  std::optional<ListenerGate::Longest> longest;
  std::shared_ptr<ListenerGate> gate;
  for (const PortPtr& port : ports()) {
    const auto here = port->gate ? port->gate->longest_waiting(steady_now()) : std::nullopt;
    if (!here || (longest && longest->since <= here->since)) continue;
    longest = here;
    gate = port->gate;
  }
  if (longest) workers_[longest->worker]->part_with_client(gate, std::move(done));
}

// ------------------------------------------------------------------------------------------------------ the end

// Connections in the backlog, and handshakes under way, have been promised service: they are accepted before the close.
// A socket that was passed goes on at the service manager's, for the next process: what is queued now is served here
// where there is room, and the rest waits there.
void Acceptor::shut(Port& port) {
  if (port.closed || !port.gate) return;
  const bool passed = port.socket.passed;
  port.shutting = true;
  port.file.remove();
  if (!passed) refuse_handshakes(port.socket);
  const auto until = steady_now() + kMaxShutting;
  pollfd waiting{.fd = port.socket.native_handle(), .events = POLLIN, .revents = 0};
  const bool completes_handshakes = !passed && port.address.kind == config::Address::Kind::tcp;
  // A whole backlog is accepted, however slow the machine is.
  auto goes_on = [&, before = turn_, last = turn_]() mutable {
    const bool accepted = std::exchange(last, turn_) != turn_;
    return steady_now() < until || (!passed && accepted && turn_ - before < SOMAXCONN);
  };
  bool asks_client = false;  // and in between for a connection to an upstream
  for (bool more = true; more && goes_on();) {
    const Round round = accept_some(port, kAcceptsATime);
    if (round.lack != 0 && passed) break;
    if (round.lack != 0) {
      const auto nobody = [](bool) {};
      if (std::exchange(asks_client, !asks_client))
        ask_client_for_descriptor(nobody);
      else
        workers_[asked_++ % workers_.size()]->part_with_idle(nobody);
      ::poll(nullptr, 0, kDescriptorPoll);
    } else if (round.emptied) {
      more = completes_handshakes && ::poll(&waiting, 1, kHandshake) > 0;
    }
  }
  port.closed = true;
  port.waits = false;
  port.gate->full = false;
  error_code ignored;
  port.socket.close(ignored);
  port.timer.cancel();
}

}  // namespace fusewire::proxy
