// SPDX-License-Identifier: Apache-2.0
// The control thread's part: which sockets there are.
#include "proxy/server/acceptor.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>

#include "config/addresses.hpp"
#include "config/from_variables.hpp"
#include "proxy/server/acceptor_port.hpp"

namespace fusewire::proxy {

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
  if (!thread_.joinable()) return what();
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
    gate = std::make_shared<ListenerGate>(workers_.size());
    gate->name = listener;
    gate->resume = [this, gate = gate.get()] { asio::post(io_, [this, gate] { resume(*gate); }); };
  }
  return gate;
}

Acceptor::PortList Acceptor::ports() const {
  const std::lock_guard lock(ports_mutex_);
  PortList all;
  for (const auto& [name, ports] : ports_) all.insert(all.end(), ports.begin(), ports.end());
  return all;
}

// ------------------------------------------------------------------------------------------------------ a new snapshot

std::string Acceptor::prepare(const Snapshot& snapshot, const ListenNames& names, PassedSockets& passed) {
  prepared_.clear();
  for (std::size_t i = 0; i < snapshot.listeners.size(); ++i) {
    const config::Listener& wanted = *snapshot.listeners[i]->config;
    try {
      const PortList* const kept = ports_at(wanted);
      prepared_[wanted.name] =
          kept != nullptr ? *kept
                          : open(wanted, snapshot,
                                 {.mode = wanted.mode,
                                  .shown = config::shown(snapshot.config, {"listeners", std::to_string(i), "address"},
                                                         config::format_address(wanted.address)),
                                  .found = names.find(wanted.address),
                                  .passed = &passed});
    } catch (const std::exception& error) {
      prepared_.clear();
      return "listener " + wanted.name + ": " + error.what();
    }
  }
  return {};
}

void Acceptor::discard() { prepared_.clear(); }

// The open sockets of that address, whatever their listener was called. Port 0 means another one each time: there the
// name decides.
const Acceptor::PortList* Acceptor::ports_at(const config::Listener& wanted) const {
  const bool any_port = wanted.address.kind == config::Address::Kind::tcp && wanted.address.port == 0;
  for (const auto& [name, ports] : ports_)
    if (ports.front()->address == wanted.address && (!any_port || name == wanted.name)) return &ports;
  return nullptr;
}

// Where a socket of ours that is to go has the same port on another address (127.0.0.1 and 0.0.0.0), the two share it
// until hold() has closed the old one. A socket that stays shares its port with no other process: the next start would
// refuse it, too. One that was passed stays in any case: the service manager has it.
Acceptor::PortList Acceptor::open(const config::Listener& wanted, const Snapshot& snapshot, ListenOptions options) {
  const config::Address& address = wanted.address;
  const auto stays = [&](const Port& port) {
    return std::any_of(snapshot.listeners.begin(), snapshot.listeners.end(),
                       [&](const auto& listener) { return listener->config->address == port.address; });
  };
  std::vector<int> sharing;
  for (const PortPtr& port : ports())
    if (address.kind == config::Address::Kind::tcp && address.port != 0 && port->number == address.port &&
        !stays(*port) && !port->socket.passed)
      sharing.push_back(port->socket.native_handle());
  for (int socket : sharing) share_port(socket, true);
  const auto stop_sharing = [&] {
    for (int socket : sharing) share_port(socket, false);
  };
  try {
    PortList opened;
    options.beside_own = !sharing.empty();
    for (ListeningSocket& socket : listen_on_all(io_, address, options))
      opened.push_back(std::make_shared<Port>(std::move(socket), address, io_));
    stop_sharing();
    return opened;
  } catch (...) {
    stop_sharing();
    throw;
  }
}

void Acceptor::hold() {
  const auto name_in = [](const Ports& ports, const Port* wanted) -> const std::string* {
    for (const auto& [name, list] : ports)
      if (list.front().get() == wanted) return &name;
    return nullptr;
  };
  run_and_wait([&] {
    for (const auto& [name, list] : ports_) {
      const std::string* const next = name_in(prepared_, list.front().get());
      for (const PortPtr& port : list)
        if (next == nullptr)
          shut(*port);
        else if (*next != name)
          port->held = true;
    }
  });
}

void Acceptor::commit(const Snapshot& snapshot) {
  struct Change {
    PortPtr port;
    std::shared_ptr<ListenerGate> gate;
    const config::ListenerLimits& limits;
  };
  std::vector<Change> changes;
  for (const auto& listener : snapshot.listeners) {
    const config::Listener& wanted = *listener->config;
    for (const PortPtr& port : prepared_[wanted.name]) {
      changes.push_back({port, gate_of(wanted.name), wanted.limits});
      if (wanted.mode) port->file.set_mode(*wanted.mode);
    }
  }
  {
    const std::lock_guard lock(ports_mutex_);
    ports_ = std::exchange(prepared_, {});
  }
  run_and_wait([&] {
    for (const Change& change : changes) {
      Port& port = *change.port;
      port.gate = change.gate;
      port.max_connections = change.limits.max_connections;
      port.when_full = change.limits.when_full;
      port.held = false;
      const bool waited = std::exchange(port.waits, false);
      if (std::exchange(port.resting, false) || waited) watch(change.port);
    }
  });
}

void Acceptor::close() {
  run_and_wait([&] {
    for (const PortPtr& port : ports()) shut(*port);
  });
  const std::lock_guard lock(ports_mutex_);
  ports_.clear();
}

// ------------------------------------------------------------------------------------------------------ what is open

std::uint16_t Acceptor::port(const std::string& listener) const {
  const std::lock_guard lock(ports_mutex_);
  const auto found = ports_.find(listener);
  return found == ports_.end() ? std::uint16_t{0} : found->second.front()->number;
}

std::vector<std::pair<std::string, std::string>> Acceptor::addresses() const {
  const std::lock_guard lock(ports_mutex_);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, ports] : ports_) {
    config::Address bound = ports.front()->address;
    if (bound.kind == config::Address::Kind::tcp) bound.port = ports.front()->number;
    all.emplace_back(name, config::format_address(bound));
  }
  return all;
}

}  // namespace fusewire::proxy
