// SPDX-License-Identifier: Apache-2.0
#include "proxy/acceptor.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <future>

#include "proxy/net/descriptors.hpp"
#include "proxy/net/listen.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy {

namespace {

constexpr int kAcceptsATime = 64;                 // before other sockets get their turn
constexpr std::chrono::milliseconds kPause{100};  // when no descriptor is left
constexpr int kHandshake = 20;                    // ms that one under way gets to complete when a door is shut
constexpr std::chrono::milliseconds kMostShutting{500};
constexpr std::uint32_t kRefusedShare = 16;  // of max_connections: connections that are told "full" at a time

}  // namespace

struct Acceptor::Door {
  Door(ListeningSocket opened, config::Address where, asio::io_context& io)
      : socket(std::move(opened)), address(std::move(where)), timer(io) {}

  ListeningSocket socket;
  const config::Address address;

  // The rest: acceptor thread.
  std::shared_ptr<ListenerGate> gate;
  std::uint32_t max_connections = 0;
  config::WhenFull when_full = config::WhenFull::refuse;
  asio::steady_timer timer;
  bool watched = false;
  bool waits = false;     // for a connection to end
  bool shutting = false;  // what has been promised is taken at once, to be served or refused
  bool closed = false;
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
    gate->resume = [this, gate = gate.get()] { asio::post(io_, [this, gate] { resume(*gate); }); };
  }
  return gate;
}

std::string Acceptor::prepare(const Snapshot& snapshot) {
  prepared_.clear();
  for (const auto& listener : snapshot.listeners) {
    const config::Listener& wanted = *listener->config;
    try {
      auto door = door_at(wanted);
      prepared_[wanted.name] = door ? std::move(door) : open(wanted.address, snapshot);
    } catch (const std::exception& error) {
      prepared_.clear();
      return "listener " + wanted.name + ": " + error.what();
    }
  }
  return {};
}

// The open door with that address, whatever its listener was called. Port 0 means another one each time: there the name
// decides.
std::shared_ptr<Acceptor::Door> Acceptor::door_at(const config::Listener& wanted) const {
  const bool any_port = wanted.address.kind == config::Address::Kind::tcp && wanted.address.port == 0;
  for (const auto& [name, door] : doors_)
    if (door->address == wanted.address && (!any_port || name == wanted.name)) return door;
  return nullptr;
}

// Where a door of ours that is to go has the same port on another address (127.0.0.1 and 0.0.0.0), the two share it
// until commit() has closed the old one. A door that stays shares with nobody: the next start would refuse it, too.
std::shared_ptr<Acceptor::Door> Acceptor::open(const config::Address& address, const Snapshot& snapshot) {
  const auto stays = [&](const Door& door) {
    return std::any_of(snapshot.listeners.begin(), snapshot.listeners.end(),
                       [&](const auto& listener) { return listener->config->address == door.address; });
  };
  std::vector<int> sharing;
  for (const auto& [name, door] : doors_)
    if (address.kind == config::Address::Kind::tcp && address.port != 0 && port_of(door->socket) == address.port &&
        !stays(*door))
      sharing.push_back(door->socket.native_handle());
  for (int socket : sharing) share_port(socket, true);
  const auto stop_sharing = [&] {
    for (int socket : sharing) share_port(socket, false);
  };
  try {
    auto door = std::make_shared<Door>(listen_on(io_, address, !sharing.empty()), address, io_);
    stop_sharing();
    return door;
  } catch (...) {
    stop_sharing();
    throw;
  }
}

void Acceptor::commit(const Snapshot& snapshot) {
  struct Change {
    std::shared_ptr<Door> door;
    std::shared_ptr<ListenerGate> gate;
    const config::ListenerLimits& limits;
  };
  std::vector<Change> changes;
  for (const auto& listener : snapshot.listeners) {
    const config::Listener& wanted = *listener->config;
    changes.push_back({prepared_[wanted.name], gate_of(wanted.name), wanted.limits});
  }
  Doors old;
  {
    const std::lock_guard lock(doors_mutex_);
    old = std::exchange(doors_, std::exchange(prepared_, {}));
  }
  run_and_wait([&] {
    for (const Change& change : changes) {
      change.door->gate = change.gate;
      change.door->max_connections = change.limits.max_connections;
      change.door->when_full = change.limits.when_full;
      const bool waited = std::exchange(change.door->waits, false);
      if (!std::exchange(change.door->watched, true) || waited) watch(change.door);
    }
    const auto stays = [&](const Door* door) {
      return std::any_of(changes.begin(), changes.end(), [door](const Change& one) { return one.door.get() == door; });
    };
    for (const auto& [name, door] : old)
      if (!stays(door.get())) shut(*door);
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
    if (lack != 0)
      pause(door, lack);
    else if (!door->waits)
      watch(door);
  });
}

// Where it is full and those who come shall wait: nothing is watched until a connection has ended.
bool Acceptor::must_wait(Door& door) {
  const auto no_room = [&door] { return door.gate->connections.load() >= door.max_connections; };
  if (door.when_full != config::WhenFull::wait || door.shutting || !no_room()) return false;
  door.waits = true;
  door.gate->full = true;
  if (no_room()) return true;
  // One has ended in between; perhaps it has seen that we wait.
  door.gate->full = false;
  door.waits = false;
  return false;
}

void Acceptor::resume(const ListenerGate& gate) {
  std::vector<std::shared_ptr<Door>> waiting;
  {
    const std::lock_guard lock(doors_mutex_);
    for (const auto& [name, door] : doors_)
      if (door->gate.get() == &gate && door->waits) waiting.push_back(door);
  }
  for (const auto& door : waiting) {
    door->waits = false;
    watch(door);
  }
}

// Up to `most` connections of the backlog. Returns the error where no descriptor was to be had, else 0.
int Acceptor::accept_some(Door& door, int most) {
  for (int n = 0; n < most && !must_wait(door); ++n) {
    if (nearly_out_ && is_next_reserved(Reserve::client)) return EMFILE;
    const int fd = ::accept4(door.socket.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      nearly_out_ = is_reserved(fd, Reserve::near_client);
      if (door.shutting) forget_refusal(fd);
      hand_over(door, fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return errno;
    } else if (errno == EAGAIN) {
      complained_ = false;  // nobody waits any more
      break;
    }
  }
  return 0;
}

// Whoever is in the backlog has been promised a connection, and so has whoever is in the middle of a handshake.
void Acceptor::shut(Door& door) {
  door.shutting = true;
  refuse_handshakes(door.socket);
  const auto until = std::chrono::steady_clock::now() + kMostShutting;
  pollfd waiting{.fd = door.socket.native_handle(), .events = POLLIN, .revents = 0};
  bool more = true;
  while (more && std::chrono::steady_clock::now() < until)
    more = accept_some(door, kAcceptsATime) == 0 && door.address.kind == config::Address::Kind::tcp &&
           ::poll(&waiting, 1, kHandshake) > 0;
  door.closed = true;
  door.gate->full = false;
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
  workers_[turn_++ % workers_.size()]->accept(fd, door.gate, open >= max);
}

}  // namespace fusewire::proxy
