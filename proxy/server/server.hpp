// SPDX-License-Identifier: Apache-2.0
// The process: one acceptor thread, one control thread (signals, reload, drain), one admin thread (admin API, probes,
// scrape) and N workers, wired by hand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "proxy/control/control.hpp"
#include "proxy/net/passed_sockets.hpp"

namespace fusewire::proxy {

struct ServerOptions {
  Control::Loader loader;            // how to read the configuration again; empty: reload is refused
  std::string watch;                 // the file whose content is watched; empty: none
  bool signals = false;              // the process' signals are ours
  std::string service_manager = {};  // its socket (NOTIFY_SOCKET); empty: there is none
  PassedVariables passed = {};       // sockets that it has passed (LISTEN_FDS); the first server takes them
};

class Server {
 public:
  // Binds every address; throws std::runtime_error with one clear line (address in use, bad certificate, …).
  Server(config::Config, const ServerOptions&);
  ~Server();  // stops at once if still running
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  bool started() const;  // false: a signal has ended it while its names were being looked up; then only wait() follows

  // Any thread.
  void drain();                                           // as SIGTERM
  int wait();                                             // until drained or stopped; the process' exit status
  std::uint16_t port(const std::string& listener) const;  // the bound port, with `:0` configured
  // Each listener's name, and its address with the bound port.
  std::vector<std::pair<std::string, std::string>> addresses() const;
  std::uint16_t admin_port() const;
  std::uint16_t probes_port() const;
  // Runs on the control thread and waits for it.
  void on_control(const std::function<void(Control&)>&);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusewire::proxy
