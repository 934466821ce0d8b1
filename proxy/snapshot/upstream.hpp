// SPDX-License-Identifier: Apache-2.0
// An upstream at run time. UpstreamState lives as long as the upstream's name is configured, over any number of
// reloads; everything in it may be used by all threads.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "filters/acquire_one.hpp"
#include "filters/breaker/core/breaker.hpp"
#include "filters/fault/injector.hpp"
#include "filters/health/check_result.hpp"
#include "filters/limits/limits_state.hpp"
#include "filters/retry/retry_budget.hpp"
#include "filters/timeout/adaptive_timeout.hpp"
#include "proxy/net/resolver.hpp"
#include "proxy/observe/cells.hpp"
#include "proxy/snapshot/address_table.hpp"
#include "proxy/snapshot/early_trials.hpp"

namespace fusewire::cache {
class Partition;
}

namespace fusewire::proxy {

struct UpstreamState {
  using Time = std::chrono::steady_clock::time_point;

  UpstreamState(const config::Upstream& config, Time now, std::uint64_t seed, std::size_t workers)
      : name(config.name),
        breaker(config.circuit_breaker, now, seed),
        retry_budget(now),
        cells(workers),
        addresses(config.name, config.circuit_breaker),
        limits(config.name) {}

  const std::string name;
  breaker::Breaker breaker;
  RetryBudget retry_budget;
  PerWorker<UpstreamCells> cells;
  AddressTable addresses;                   // of all its endpoints
  std::shared_ptr<cache::Partition> cache;  // set once, before traffic
  std::function<void()> evict_elsewhere;    // set once, before traffic: every worker closes an idle connection
  // Each attempt looks at these two, and hardly anybody writes to them.
  fault::Injector faults;
  EarlyTrials early_trials;
  alignas(64) std::atomic<std::uint32_t> connections{0};  // open to its endpoints, over all workers
  limits::LimitsState limits;
  // Made by the control thread with the first snapshot that wants it, for timeouts or for hedges, and then kept.
  std::unique_ptr<AdaptiveTimeout> adaptive_timeout;
  std::atomic<std::uint32_t> calls_without_client{0};
  std::atomic<std::uint32_t> refreshes{0};          // under way in the background
  std::atomic<std::uint32_t> long_waits{0};         // of calls until a time that it asks for; each keeps its connection
  std::atomic<std::uint32_t> bound_connections{0};  // of `connections`: those that are one client connection's own
};

// What the admin shows of an endpoint's name. Thread-safe: a mutex, taken once a look-up.
class LookUpRecord {
 public:
  struct View {
    std::vector<std::string> addresses;                       // those in use: of the last good answer
    std::optional<std::chrono::system_clock::time_point> at;  // of the last look-up, good or bad
    std::string error;                                        // of the last look-up; empty: it was good
  };

  void write(View view) {
    const std::lock_guard lock(mutex_);
    view_ = std::move(view);
  }
  View read() const {
    const std::lock_guard lock(mutex_);
    return view_;
  }

 private:
  mutable std::mutex mutex_;
  View view_;
};

// The Host that an endpoint goes by: its own, or another name with its port. A unix socket has none: it is localhost.
inline std::string authority_of(const config::Endpoint& endpoint, std::string_view name) {
  if (endpoint.authority.empty()) return "localhost";
  if (name.empty()) return endpoint.authority;
  const std::size_t port = endpoint.authority.rfind(':');  // the last colon of [::1] is inside its brackets
  const bool has_port = port != std::string::npos && endpoint.authority.find(']', port) == std::string::npos;
  return std::string(name) + (has_port ? endpoint.authority.substr(port) : "");
}

// The name that a certificate must have, without the brackets of an IPv6 address.
inline std::string server_name_of(const config::Endpoint& endpoint, std::string_view name) {
  if (name.empty()) return endpoint.address.host;
  return std::string(name.starts_with('[') ? name.substr(1, name.size() - 2) : name);
}

// One endpoint; kept over reloads while (upstream, URL) stays and, of an https:// one, how it is spoken to.
struct EndpointState {
  // `name` stands for the endpoint's own towards an https:// one; empty: its own.
  EndpointState(const config::Endpoint& config, std::string_view name, std::shared_ptr<UpstreamState> of,
                std::size_t number)
      : url(config.url),
        address(config.address),
        authority(authority_of(config, config.tls ? name : std::string_view{})),
        tls(config.tls),
        server_name(config.tls ? server_name_of(config, name) : std::string()),
        id(number),
        upstream(std::move(of)),
        known(literal(config.address)),
        addresses(upstream->addresses, url) {}

  const std::string url;
  const config::Address address;
  const std::string authority;  // the Host that it goes by (host_rewrite.hpp)
  const bool tls;
  const std::string server_name;  // whose certificate it must show
  const std::size_t id;           // never reused while the process lives: what the workers know it by
  const std::shared_ptr<UpstreamState> upstream;
  const std::optional<SocketAddress> known;  // nothing: it has a name, which is looked up (names.hpp)

  EndpointAddresses addresses;
  std::array<Cell, health::kCheckResults> checks;  // by CheckResult; the worker that has the checks counts

  // Of a name. Any thread.
  std::atomic<bool> in_use{false};  // by a request, since the last look-up
  LookUpRecord last_look_up;
};

}  // namespace fusewire::proxy
