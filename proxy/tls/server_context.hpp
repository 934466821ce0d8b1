// SPDX-License-Identifier: Apache-2.0
// How one listener does its handshakes. Immutable once made and shared by all workers; the library counts its uses.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "config/judges.hpp"
#include "proxy/net/tls_stream.hpp"
#include "proxy/tls/context.hpp"
#include "proxy/tls/pem.hpp"

namespace fusewire::proxy {

class TlsServer {
 public:
  struct Made {
    std::shared_ptr<const TlsServer> context;  // nullptr: see findings
    std::vector<config::Finding> findings;
  };
  // Reads the files. Returns `before` where the same files would make it again; else its clients can still resume their
  // sessions, unless it trusts other authorities or its ticket keys are kTicketKeys old.
  static Made make(const config::ListenerTls&, const std::shared_ptr<const TlsServer>& before,
                   std::chrono::steady_clock::time_point now);
  static constexpr std::chrono::hours kTicketKeys{12};

  TlsSetup accept() const;  // any thread
  // Whether a connection that was made under `before` would be admitted now, too: it was asked for a certificate by the
  // same authorities (or none is asked for now), and speaks no older TLS than is allowed. Any thread.
  bool still_admits(const TlsServer& before, const TlsStream&) const;
  std::chrono::system_clock::time_point ends() const { return ends_; }
  std::chrono::steady_clock::time_point ticket_keys_made() const { return ticket_keys_made_; }

 private:
  TlsServer() = default;
  void take_ticket_keys(const TlsServer& before);

  config::ListenerTls section_;
  Digest files_{};
  Digest authorities_{};
  SslContext context_;
  std::chrono::system_clock::time_point ends_;
  std::chrono::steady_clock::time_point ticket_keys_made_;
};

}  // namespace fusewire::proxy
