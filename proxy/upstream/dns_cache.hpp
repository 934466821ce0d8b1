// SPDX-License-Identifier: Apache-2.0
// The names of endpoints: looked up once for all workers and off their threads, again every dns_refresh for as long as
// the upstream is in use. What is found is announced to all workers. See docs/decisions/0013.
//
// Thread-safe: one mutex, which the hot path never takes. Look-ups run on a few threads of their own, started when they
// are needed and ended when they are not; a name has one look-up at a time. No thread waits for them: one that hangs
// when the process ends is abandoned.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proxy/net/resolver.hpp"
#include "proxy/snapshot/upstream.hpp"

namespace fusewire::proxy {

// What is known of a name after a look-up.
struct ResolvedName {
  std::size_t endpoint_id = 0;
  std::shared_ptr<const std::vector<SocketAddress>> addresses;  // of the last good answer; empty: there was none yet
  std::chrono::steady_clock::time_point until{};                // when it is looked up again
};

class DnsCache {
 public:
  using Publish = std::function<void(const ResolvedName&)>;  // any thread; must not call back

  DnsCache(Resolver resolver, Publish publish);
  ~DnsCache();
  DnsCache(const DnsCache&) = delete;
  DnsCache& operator=(const DnsCache&) = delete;

  // A request goes to that endpoint. Called where `in_use` is not set (it is then), and by a caller that knows no
  // address: there will be an announcement, of what is known or of the look-up that begins.
  void request_lookup(const std::shared_ptr<EndpointState>&, std::chrono::milliseconds refresh);
  // Nothing is announced any more.
  void stop();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace fusewire::proxy
