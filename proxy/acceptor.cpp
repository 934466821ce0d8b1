// SPDX-License-Identifier: Apache-2.0
#include "proxy/acceptor.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <future>
#include <limits>

#include "proxy/net/listen.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy {

namespace {

constexpr int kAcceptsATime = 64;                 // before other sockets get their turn
constexpr std::chrono::milliseconds kPause{100};  // when no descriptor is left
constexpr int kHandshake = 20;                    // ms that one under way gets to complete when a door is shut
constexpr std::uint32_t kRefusedShare = 16;       // of max_connections: connections that are told "full" at a time

}  // namespace

struct Acceptor::Door {
  Door(ListeningSocket opened, config::Address where, std::shared_ptr<ListenerGate> g, asio::io_context& io)
      : socket(std::move(opened)),
        family(socket.local_endpoint().protocol().family()),
        address(std::move(where)),
        gate(std::move(g)),
        timer(io) {}

  ListeningSocket socket;
  const int family;
  config::Address address;
  std::shared_ptr<ListenerGate> gate;
  std::atomic<std::uint32_t> max_connections{0};
  asio::steady_timer timer;
  bool closed = false;  // acceptor thread
};

Acceptor::Acceptor(std::vector<std::unique_ptr<Worker>>& workers)
    : workers_(workers), io_(1), work_(io_.get_executor()) {}

Acceptor::~Acceptor() {
  if (thread_.joinable()) {
    close();
    work_.reset();
    io_.stop();
    thread_.join();
  }
}

void Acceptor::start() {
  thread_ = std::thread([this] { io_.run(); });
}

void Acceptor::run_and_wait(const std::function<void()>& what) {
  std::promise<void> done;
  asio::post(io_, [&] {
    what();
    done.set_value();
  });
  done.get_future().wait();
}

std::shared_ptr<ListenerGate> Acceptor::gate_of(const std::string& listener) {
  auto& gate = gates_[listener];
  if (!gate) {
    gate = std::make_shared<ListenerGate>();
    gate->name = listener;
  }
  return gate;
}

std::string Acceptor::prepare(const Snapshot& snapshot) {
  prepared_.clear();
  for (const auto& listener : snapshot.listeners) {
    const config::Listener& wanted = *listener->config;
    const auto old = doors_.find(wanted.name);
    if (old != doors_.end() && old->second->address == wanted.address) {
      prepared_[wanted.name] = old->second;
      continue;
    }
    try {
      prepared_[wanted.name] =
          std::make_shared<Door>(listen_on(io_, wanted.address), wanted.address, gate_of(wanted.name), io_);
    } catch (const std::exception& error) {
      prepared_.clear();
      return "listener " + wanted.name + ": " + error.what();
    }
  }
  return {};
}

void Acceptor::commit(const Snapshot& snapshot) {
  for (const auto& listener : snapshot.listeners)
    prepared_[listener->config->name]->max_connections = listener->config->limits.max_connections;
  Doors old;
  {
    const std::lock_guard lock(doors_mutex_);
    old = std::exchange(doors_, prepared_);
  }
  const Doors next = std::exchange(prepared_, {});
  const auto stands_in = [](const Doors& doors, const std::string& name, const std::shared_ptr<Door>& door) {
    const auto found = doors.find(name);
    return found != doors.end() && found->second == door;
  };
  run_and_wait([&] {
    for (const auto& [name, door] : next)
      if (!stands_in(old, name, door)) watch(door);
    for (const auto& [name, door] : old)
      if (!stands_in(next, name, door)) shut(*door);
  });
}

void Acceptor::close() {
  Doors doors;
  {
    const std::lock_guard lock(doors_mutex_);
    doors = std::exchange(doors_, {});
  }
  run_and_wait([&] {
    for (const auto& [name, door] : doors) shut(*door);
  });
}

std::uint16_t Acceptor::port(const std::string& listener) const {
  const std::lock_guard lock(doors_mutex_);
  const auto found = doors_.find(listener);
  return found == doors_.end() ? std::uint16_t{0} : port_of(found->second->socket);
}

void Acceptor::watch(const std::shared_ptr<Door>& door) {
  door->socket.async_wait(ListeningSocket::wait_read, [this, door](error_code error) {
    if (door->closed || error) return;
    const int lack = accept_some(*door, kAcceptsATime);
    lack == 0 ? watch(door) : pause(door, lack);
  });
}

// Up to `most` connections of the backlog. Returns the error where no descriptor was to be had, else 0.
int Acceptor::accept_some(Door& door, int most) {
  for (int n = 0; n < most; ++n) {
    const int fd = ::accept4(door.socket.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      hand_over(door, fd);
      complained_ = false;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return errno;
    } else if (errno == EAGAIN) {
      break;
    }
  }
  return 0;
}

// Whoever is in the backlog has been promised a connection, and so has whoever is in the middle of a handshake.
void Acceptor::shut(Door& door) {
  refuse_handshakes(door.socket);
  pollfd waiting{.fd = door.socket.native_handle(), .events = POLLIN, .revents = 0};
  do {
    accept_some(door, std::numeric_limits<int>::max());
  } while (::poll(&waiting, 1, kHandshake) > 0 && accept_some(door, 1) == 0);
  door.closed = true;
  error_code ignored;
  door.socket.close(ignored);
  door.timer.cancel();
}

// Out of descriptors: connections wait in the backlog until some are free. One line says so, and nothing spins.
void Acceptor::pause(const std::shared_ptr<Door>& door, int error) {
  if (!complained_)
    log::error("connections wait: no descriptor is free",
               {{"listener", door->gate->name}, {"error", std::strerror(error)}});
  complained_ = true;
  door->timer.expires_after(kPause);
  door->timer.async_wait([this, door](error_code failed) {
    if (!failed && !door->closed) watch(door);
  });
}

void Acceptor::hand_over(Door& door, int fd) {
  const std::uint32_t max = door.max_connections;
  const std::uint32_t open = door.gate->connections.fetch_add(1, std::memory_order_relaxed);
  if (open >= max + std::max(max / kRefusedShare, 16U)) {
    door.gate->connections.fetch_sub(1, std::memory_order_relaxed);
    ::close(fd);
    return;
  }
  if (door.address.kind == config::Address::Kind::tcp) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  workers_[turn_++ % workers_.size()]->accept(fd, door.family, door.gate, open >= max);
}

}  // namespace fusewire::proxy
