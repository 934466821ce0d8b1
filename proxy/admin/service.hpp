// SPDX-License-Identifier: Apache-2.0
// The admin API of a process: its thread, and the addresses that the configuration names. Control thread, except where
// a comment says otherwise.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/admin/server.hpp"
#include "proxy/admin/thread.hpp"
#include "proxy/net/listen_names.hpp"

namespace fusewire::proxy::admin {

class Service {
 public:
  Service(asio::io_context& control_io, Control& control) : thread_(control_io, control) {}

  // Listens on the addresses of the section. A new address gets a new server; the old server's connections end after
  // the answer that is under way, because one of them may have asked for the reload. An error is one clear line, and
  // changes nothing.
  std::string open(const config::Config&, const ListenNames&, PassedSockets&);
  // Those of the section's addresses that open() would open.
  std::vector<config::Address> unopened(const config::Admin&) const;
  void start() { thread_.start(); }  // after Control::start(), before the control thread runs, once
  void close();                      // every connection and both addresses
  void stop() { thread_.stop(); }    // after close(), from another thread than the control thread

  std::uint16_t admin_port() const { return admin_ ? admin_->port() : std::uint16_t{0}; }
  std::uint16_t probes_port() const { return probes_ ? probes_->port() : std::uint16_t{0}; }

 private:
  std::unique_ptr<AdminServer> unless_open(const std::unique_ptr<AdminServer>& current, const config::Address&,
                                           Interface, const ListenOptions&);

  AdminThread thread_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<AdminServer> probes_;
};

}  // namespace fusewire::proxy::admin
