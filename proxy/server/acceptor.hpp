// SPDX-License-Identifier: Apache-2.0
// The listening sockets and the thread that accepts on them. Connections go to the workers in turn. Sockets stay open
// over a reload while their address stays, whatever their listener is called; a name is not looked up again then.
//
// A new configuration is taken in three steps, so that each connection is served by the configuration under whose
// listener it was accepted: prepare() opens what is new; hold() accepts what is queued on sockets that go, and stops
// accepting on those whose listener has another name now; the workers get the snapshot; commit() accepts again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/net/asio.hpp"
#include "proxy/net/listen_names.hpp"
#include "proxy/observe/log_limit.hpp"
#include "proxy/server/worker.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::proxy {

class Acceptor {
 public:
  explicit Acceptor(std::vector<std::unique_ptr<Worker>>& workers);
  ~Acceptor();

  void start();
  // In the place of start(), for tests: what has come happens now, on the caller's thread, which is control thread and
  // acceptor thread in one.
  void turn() { io_.poll(); }
  // Control thread. Opens what is new, and accepts nothing on it yet. On failure gives one clear line.
  std::string prepare(const Snapshot&, const ListenNames&, PassedSockets&);
  // Control thread. Whether the listener has its sockets already.
  bool is_open(const config::Listener& wanted) const { return ports_at(wanted) != nullptr; }
  void discard();  // what prepare() has opened
  // Control thread. Returns when what is gone has been closed, with its backlog accepted.
  void hold();
  void commit(const Snapshot&);
  // Control thread; returns when the backlogs have been accepted empty and every socket is closed.
  void close();
  // Any thread; 0 for a unix socket or an unknown name.
  std::uint16_t port(const std::string& listener) const;
  // Any thread. Each listener's name, and its address with the port that it is bound to.
  std::vector<std::pair<std::string, std::string>> addresses() const;

 private:
  struct Port;
  using PortPtr = std::shared_ptr<Port>;
  using PortList = std::vector<PortPtr>;          // one listener's: one for each address of its name
  using Ports = std::map<std::string, PortList>;  // by listener name

  const PortList* ports_at(const config::Listener&) const;
  PortList open(const config::Listener&, const Snapshot&, ListenOptions);
  void run_and_wait(const std::function<void()>&);
  std::shared_ptr<ListenerGate> gate_of(const std::string& listener);

  // Acceptor thread (acceptor_accept.cpp).
  struct Round {
    int lack = 0;          // the error where no descriptor was to be had
    bool emptied = false;  // no connection is queued any more
  };
  void watch(const PortPtr&);
  Round accept_some(Port&, int max);
  static Round lacking(Port&, int error);
  bool are_few_connected() const;
  static bool is_full(const Port&);
  static bool is_queued(Port&);
  bool must_wait(Port&);
  static bool may_wait(const Port&);
  void ask_for_room(const PortPtr&);
  void resume(const ListenerGate&);
  void stop_waiting(const PortPtr&);
  void pause(const PortPtr&, int error);
  void ask_for_descriptor(std::function<void(bool made)>, std::size_t workers);
  void ask_client_for_descriptor(std::function<void(bool made)>);
  void hand_over(Port&, int fd);
  void shut(Port&);
  PortList ports() const;

  std::vector<std::unique_ptr<Worker>>& workers_;
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_;
  std::thread thread_;
  std::map<std::string, std::shared_ptr<ListenerGate>> gates_;  // control thread
  mutable std::mutex ports_mutex_;                              // guards ports_
  Ports ports_;
  Ports prepared_;                                // control thread
  std::size_t turn_ = 0;                          // connections handed over so far
  std::size_t asked_ = 0;                         // workers, for a descriptor
  bool nearly_out_ = false;                       // of descriptors
  LogLimit complaints_{std::chrono::seconds(5)};  // a shortage comes and goes while connections give way
  bool complained_ = false;                       // of running out of descriptors, once until it is over
};

}  // namespace fusewire::proxy
