// SPDX-License-Identifier: Apache-2.0
// What the control thread owns: the current configuration, how it came to be, and everything that outlives a reload.
// All members are called on the control thread, except where a comment says otherwise; other threads read view().
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "config/load.hpp"
#include "proxy/control/content_watch.hpp"
#include "proxy/control/control_view.hpp"
#include "proxy/control/reload_report.hpp"
#include "proxy/control/snapshot_builder.hpp"
#include "proxy/control/state_registry.hpp"
#include "proxy/control/timed_overrides.hpp"
#include "proxy/control/tls_contexts.hpp"
#include "proxy/observe/event_log.hpp"
#include "proxy/observe/journal.hpp"
#include "proxy/observe/span_queue.hpp"
#include "proxy/snapshot/snapshot.hpp"

namespace fusewire::cache {
class RequestCollapser;
class Store;
}  // namespace fusewire::cache

namespace fusewire::proxy {

class Webhooks;

// The server owns it and calls start() once; from then on reload() and apply() replace the configuration as a whole,
// and poll() runs in between. Invariants: snapshot() is what workers were last given; a configuration that fails
// anywhere changes nothing but last_reload(); what is found by name (breakers, counters, cache partitions) outlives
// each reload.
class Control {
 public:
  // How the configuration is read.
  struct Loader {
    Loader() = default;
    template <class Read>
    requires std::is_invocable_r_v<config::LoadResult, Read&> Loader(Read file) : read(std::move(file)) {}

    std::function<config::LoadResult()> read;  // again; empty where there is no file (demo, tests)
    // Loads a text as if it were the file, with the same environment and command line. Empty: the text is loaded
    // without any. Called by another thread than `read`, maybe at the same time.
    std::function<config::LoadResult(const std::string&)> judge;
    std::vector<std::string> warnings;  // the warnings of the first load
  };
  struct Hooks {
    // Looks up the names that the configuration listens at, and calls `then` on the control thread: before it returns
    // where there is nothing to look up. Called again, it forgets the earlier call. Empty: there is never any.
    std::function<void(const config::Config&, std::function<void()> then)> look_up = {};
    // Hands a new snapshot to acceptor and workers. Returns an error text when a new listener can't be opened; then
    // nothing has changed.
    std::function<std::string(std::shared_ptr<const Snapshot>)> publish = {};
    std::function<void()> drain = {};
    // Any thread: every worker closes one idle connection of that upstream, if it has one.
    std::function<void(const UpstreamState*)> evict = {};
  };

  Control(Loader loader, std::size_t workers);
  ~Control();

  using Done = std::function<void(const ReloadReport&)>;

  // Builds and publishes the first snapshot, whose names have been looked up. Throws std::runtime_error with one clear
  // line.
  void start(config::Config first, Hooks hooks);
  // Loads, has names looked up, builds, publishes; a bad configuration changes nothing. The report is kept as
  // last_reload(), and given to `done`: before it returns, unless a name is looked up. A reload that comes meanwhile,
  // or a drain, ends the one that waits; one with the same configuration joins it.
  void reload(const std::string& trigger, Done done = {});
  // Drops a reload that waits for names; its `done` is not called. The process ends.
  void drop_reload() { pending_.reset(); }
  // The same for a configuration already at hand.
  const ReloadReport& apply(config::Config, const std::string& trigger, std::vector<std::string> warnings = {});
  const ReloadReport& last_reload() const { return last_reload_; }

  std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }
  // The snapshot's, with the token as admin.token_file holds it now.
  const config::Admin& admin() const { return admin_; }
  // Handles what no event reports in time: an override or a fault whose `for` is over, a rotated token, a renewed
  // certificate. Called every kPollInterval.
  void poll(std::chrono::steady_clock::time_point now);
  static constexpr std::chrono::milliseconds kPollInterval{400};
  std::size_t workers() const { return workers_; }

  void drain();  // once; later calls do nothing

  // Any thread, from here on.
  std::shared_ptr<const ControlView> view() const;  // nullptr before start() has succeeded
  // When the breaker's override ends by itself; nothing where it has none, or one without an end.
  std::optional<breaker::Time> override_end(const std::string& breaker) const { return overrides_.end_of(breaker); }
  // Judges a text as if it were the file; changes nothing.
  config::LoadResult check(const std::string& text) const;
  EventLog& events() { return events_; }
  Webhooks& webhooks() { return *webhooks_; }
  Journal& journal() { return journal_; }
  SpanQueue& spans() { return spans_; }
  cache::Store& cache() { return *cache_; }
  PerWorker<WorkerCells>& worker_cells() { return worker_cells_; }
  bool ready() const { return serving_.load() && !draining_.load(); }
  bool draining() const { return draining_.load(); }
  std::chrono::steady_clock::time_point started() const { return started_; }

 private:
  // A reload whose names are being looked up.
  struct Pending {
    std::uint64_t number = 0;
    config::Config config;
    std::string trigger;
    std::vector<std::string> warnings;
    std::vector<Done> done;
  };
  void go_on(std::uint64_t reload);
  void give_way();
  const ReloadReport& conclude(ReloadReport);
  void forget_other_sites(const Snapshot& next);
  std::shared_ptr<UpstreamState> begin_state(const config::Upstream&);
  std::shared_ptr<RouteBreaker> begin_breaker(const std::string& name, const config::CircuitBreaker&);
  void listen(const std::string& name, breaker::Breaker&);
  static void reconfigure_routes(const Snapshot&, breaker::Time now, ReloadReport&);
  void commit(const std::shared_ptr<const Snapshot>&, ReloadReport&);
  void end_overrides(std::chrono::steady_clock::time_point now);
  void end_faults(std::chrono::steady_clock::time_point now);
  void show();
  void watch_token();
  void look_at_token();
  void take_token();
  std::string shown_token_file() const;
  std::string renew_certificates(std::chrono::steady_clock::time_point now);
  void look_at_certificates(std::chrono::steady_clock::time_point now);

  Loader loader_;
  const std::size_t workers_;
  Hooks hooks_;
  std::shared_ptr<const Snapshot> snapshot_;
  config::Admin admin_;
  std::optional<ContentWatch> token_watch_;  // of admin.token_file
  CertificateWatch certificates_;
  std::chrono::steady_clock::time_point ticket_keys_due_{};
  ReloadReport last_reload_;
  std::chrono::system_clock::time_point last_success_{};
  const std::chrono::steady_clock::time_point started_;
  EventLog events_;
  std::unique_ptr<Webhooks> webhooks_;
  Journal journal_;
  SpanQueue spans_;
  TimedOverrides overrides_;
  std::unique_ptr<cache::Store> cache_;
  std::unique_ptr<cache::RequestCollapser> fetches_;
  PerWorker<WorkerCells> worker_cells_;
  StateRegistry lasting_;
  SnapshotBuilder builder_;
  std::optional<Pending> pending_;
  std::uint64_t reloads_ = 0;  // so many have had a good configuration
  std::uint64_t version_ = 0;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const ControlView> view_;
  std::atomic<bool> serving_{false};
  std::atomic<bool> draining_{false};
};

}  // namespace fusewire::proxy
