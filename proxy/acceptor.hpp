// SPDX-License-Identifier: Apache-2.0
// The listening sockets and the thread that accepts on them. Connections go to the workers in turn. Sockets stay open
// over a reload while their address stays, whatever their listener is called.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/net/asio.hpp"
#include "proxy/snapshot.hpp"
#include "proxy/worker.hpp"

namespace fusewire::proxy {

class Acceptor {
 public:
  explicit Acceptor(std::vector<std::unique_ptr<Worker>>& workers);
  ~Acceptor();

  void start();
  // Control thread. Opens what is new, and accepts nothing on it yet. On failure gives one clear line.
  std::string prepare(const Snapshot&);
  void discard() { prepared_.clear(); }  // what prepare() has opened
  // Control thread. Accepts on what prepare() has opened, closes what is gone.
  void commit(const Snapshot&);
  // Control thread; returns when the backlogs have been accepted empty and every socket is closed.
  void close();
  // Any thread; 0 for a unix socket or an unknown name.
  std::uint16_t port(const std::string& listener) const;

 private:
  struct Door;
  using Doors = std::map<std::string, std::shared_ptr<Door>>;  // by listener name

  std::shared_ptr<Door> door_at(const config::Listener&) const;
  std::shared_ptr<Door> open(const config::Address&, const Snapshot&);
  void run_and_wait(const std::function<void()>&);
  void watch(const std::shared_ptr<Door>&);
  int accept_some(Door&, int most);
  bool must_wait(Door&);
  void resume(const ListenerGate&);
  void shut(Door&);
  void pause(const std::shared_ptr<Door>&, int error);
  void hand_over(Door&, int fd);
  std::shared_ptr<ListenerGate> gate_of(const std::string& listener);

  std::vector<std::unique_ptr<Worker>>& workers_;
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_;
  std::thread thread_;
  std::map<std::string, std::shared_ptr<ListenerGate>> gates_;  // control thread
  mutable std::mutex doors_mutex_;                              // doors_ is read by port()
  Doors doors_;
  Doors prepared_;  // control thread
  std::size_t turn_ = 0;
  bool nearly_out_ = false;  // of descriptors
  bool complained_ = false;  // of running out of descriptors, once until it is over
};

}  // namespace fusewire::proxy
