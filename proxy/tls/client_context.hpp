// SPDX-License-Identifier: Apache-2.0
// The TLS context for https:// endpoints, and the sessions that can be resumed with them. Immutable except for the
// sessions, of which each worker has its own.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/judges.hpp"
#include "proxy/net/tls_stream.hpp"
#include "proxy/tls/context.hpp"
#include "proxy/tls/pem.hpp"

namespace fusewire::proxy {

class TlsClient {
 public:
  struct Made {
    std::shared_ptr<TlsClient> context;  // nullptr: see findings
    std::vector<config::Finding> findings;
  };
  // Reads the files. Returns `before` where the same files would make it again.
  static Made make(const config::UpstreamTls&, const std::shared_ptr<TlsClient>& before, std::size_t workers);

  // For one connection to the endpoint with that id, whose certificate must be for `name` (a host name or an IP
  // address). On the thread of that worker.
  TlsSetup connect(std::size_t worker, std::size_t endpoint_id, const std::string& name);

  // On the thread of that worker: forgets the sessions with all other endpoints.
  void keep_only(std::size_t worker, const std::unordered_set<std::size_t>& endpoint_ids);
  std::size_t sessions(std::size_t worker) const { return sessions_[worker]->size(); }

  const config::UpstreamTls& section() const { return section_; }

 private:
  // By endpoint: the last one. A connection shares its place, for it may outlive the endpoint.
  using Sessions = std::unordered_map<std::size_t, std::shared_ptr<SslSession>>;

  TlsClient() = default;

  config::UpstreamTls section_;
  Digest files_{};
  SslContext context_;
  std::vector<std::unique_ptr<Sessions>> sessions_;  // by worker
};

}  // namespace fusewire::proxy
