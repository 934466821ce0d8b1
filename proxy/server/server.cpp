// SPDX-License-Identifier: Apache-2.0
#include "proxy/server/server.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <future>
#include <optional>

#include "proxy/admin/service.hpp"
#include "proxy/control/config_watch.hpp"
#include "proxy/control/control_timer.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/descriptors.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/server/acceptor.hpp"
#include "proxy/server/cpu_quota.hpp"
#include "proxy/server/service_notice.hpp"
#include "proxy/server/signals.hpp"
#include "proxy/server/worker.hpp"
#include "proxy/tracing/exporter.hpp"
#include "proxy/webhooks/webhooks.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::chrono::milliseconds kDrainPoll{10};
constexpr std::chrono::seconds kWebhookDrain{2};  // what waits in webhooks may take so long once the workers are idle

std::size_t workers_of(const config::Config& config) {
  return config.workers == 0 ? automatic_workers() : config.workers;
}

}  // namespace

// Destroyed from the bottom up: admin before workers before what they report to.
struct Server::Impl {
  Impl(config::Config config, const ServerOptions& options);
  ~Impl();

  void look_up(const config::Config&, std::function<void()> then);
  void find_names(const config::Config&);
  std::string refuse_passed(const config::Config&) const;
  std::string publish(const std::shared_ptr<const Snapshot>&);
  void announce(const ResolvedName&);
  void begin_drain();
  void close_listeners();
  void wait_for_workers();
  void finish();
  void on_signal(int signal);
  void stop_threads();

  asio::io_context io{1};  // the control thread's
  asio::executor_work_guard<Executor> work{io.get_executor()};
  Control control;
  std::unique_ptr<tracing::Exporter> exporter;  // once there is a collector
  DnsCache dns{resolve, [this](const ResolvedName& found) { announce(found); }};
  std::vector<std::unique_ptr<Worker>> workers;  // whole before the first request wants a name
  Acceptor acceptor{workers};
  admin::Service admin{io, control};
  std::unique_ptr<ConfigWatch> watch;
  std::unique_ptr<ControlTimer> look;
  ListenNames names{io};
  PassedSockets passed;
  asio::steady_timer timer{io};
  const std::string service_manager;
  std::promise<void> finished;
  std::shared_future<void> when_finished{finished.get_future().share()};
  std::chrono::steady_clock::time_point drain_until;
  std::optional<std::chrono::steady_clock::time_point> webhooks_until;  // set when the workers are idle
  bool started = false;                                                 // control thread's, as the next three
  bool signalled = false;                                               // SIGTERM or its like has come
  bool reload_waits = false;                                            // SIGHUP has come before it had started
  bool ended = false;
  bool stopped = false;  // stop_threads() has run
  std::thread thread;
  std::unique_ptr<Signals> signals;
};

Server::Impl::Impl(config::Config config, const ServerOptions& options)
    : control(options.loader, workers_of(config)), passed(options.passed), service_manager(options.service_manager) {
  if (options.signals) {  // from the first moment on
    raise_descriptor_limit();
    signals = std::make_unique<Signals>(io, [this](int signal) { on_signal(signal); });
  }
  const std::size_t count = workers_of(config);
  for (std::size_t i = 0; i < count; ++i)
    workers.push_back(std::make_unique<Worker>(i, control.worker_cells().of(i), dns));
  for (auto& worker : workers) worker->context().observe_with(control.journal(), control.spans());
  for (auto& worker : workers) worker->start();
  acceptor.start();
  find_names(config);
  if (signalled) {
    finish();
    return;
  }
  try {
    control.start(std::move(config),
                  {.look_up = [this](const auto& wanted, auto then) { look_up(wanted, std::move(then)); },
                   .publish = [this](auto snapshot) { return publish(snapshot); },
                   .drain = [this] { begin_drain(); },
                   .evict =
                       [this](const UpstreamState* state) {
                         for (auto& worker : workers) worker->evict_idle(state);
                       }});
  } catch (...) {
    stop_threads();
    throw;
  }
  started = true;
  if (reload_waits) asio::post(io, [this] { control.reload("signal"); });
  if (!options.watch.empty())
    watch = std::make_unique<ConfigWatch>(io, options.watch, [this] { control.reload("file"); });
  look = std::make_unique<ControlTimer>(io, control);
  admin.start();
  thread = std::thread([this] { io.run(); });
  notify_service_manager(service_manager, "READY=1");
}

Server::Impl::~Impl() { stop_threads(); }

void Server::Impl::stop_threads() {
  if (std::exchange(stopped, true)) return;
  const auto close_control = [this] {
    watch.reset();
    look.reset();
    control.drop_reload();
    names.forget();
    timer.cancel();
    admin.close();
    finish();
    work.reset();
    io.stop();  // nothing is waited for any more
  };
  if (thread.joinable()) {
    asio::post(io, close_control);
    thread.join();
  } else {
    close_control();
    io.run();
  }
  admin.stop();
  control.webhooks().stop();
  acceptor.close();
  dns.stop();
  for (auto& worker : workers) worker->stop();
  for (auto& worker : workers) worker->join();
  if (exporter) exporter->stop();  // with the spans of the last requests
}

// ------------------------------------------------------------------------------------------------------ configuration

void Server::Impl::look_up(const config::Config& config, std::function<void()> then) {
  std::vector<config::Address> wanted = admin.unopened(config.admin);
  for (const auto& listener : config.listeners)
    if (!acceptor.is_open(listener)) wanted.push_back(listener.address);
  names.look_up(std::move(wanted), std::move(then));
}

// At the start: returns early when a signal ends the process.
void Server::Impl::find_names(const config::Config& config) {
  bool found = false;
  look_up(config, [&found] { found = true; });
  while (!found && !signalled) io.run_one();
  if (!found) names.forget();
}

// A socket that was passed and that nothing would serve is an error, and not a warning: its clients would be connected,
// and wait for an answer that never comes. Once the process has started there are none left.
std::string Server::Impl::refuse_passed(const config::Config& config) const {
  if (passed.empty()) return {};
  std::vector<config::Address> addresses{config.admin.address};
  if (config.admin.probes) addresses.push_back(*config.admin.probes);
  for (const auto& listener : config.listeners) addresses.push_back(listener.address);
  std::vector<Protocol::endpoint> configured;
  for (const config::Address& address : addresses) {
    const auto looked_up = names.find(address);
    const ListenAddresses found = looked_up ? *looked_up : addresses_to_listen_on(address);
    configured.insert(configured.end(), found.endpoints.begin(), found.endpoints.end());
  }
  return passed.unwanted(configured);
}

// Everything that can fail comes first: sockets are opened before any worker is notified.
std::string Server::Impl::publish(const std::shared_ptr<const Snapshot>& snapshot) {
  if (std::string error = refuse_passed(snapshot->config); !error.empty()) return error;
  if (std::string error = acceptor.prepare(*snapshot, names, passed); !error.empty()) return error;
  if (std::string error = admin.open(snapshot->config, names, passed); !error.empty()) {
    acceptor.discard();
    return error;
  }
  acceptor.hold();
  for (auto& worker : workers) worker->publish(snapshot);
  if (!exporter && snapshot->config.tracing) exporter = std::make_unique<tracing::Exporter>(control.spans());
  if (exporter) exporter->configure(snapshot->config.tracing);
  acceptor.commit(*snapshot);
  return {};
}

void Server::Impl::announce(const ResolvedName& found) {
  for (auto& worker : workers) worker->on_resolved(found);
}

// ------------------------------------------------------------------------------------------------------ life

void Server::Impl::on_signal(int signal) {
  if (signal == SIGHUP) {
    if (started) return control.reload("signal");
    reload_waits = true;
  } else if (std::exchange(signalled, true)) {
    finish();  // the second one ends at once
  } else if (started) {
    control.drain();  // does nothing where the admin has begun it
  }
}

void Server::Impl::begin_drain() {
  notify_service_manager(service_manager, "STOPPING=1");
  timer.expires_after(control.snapshot()->config.shutdown.grace);
  timer.async_wait([this](const error_code& error) {
    if (!error) close_listeners();
  });
}

// drain_timeout runs from here.
void Server::Impl::close_listeners() {
  drain_until = steady_now() + control.snapshot()->config.shutdown.drain_timeout;
  acceptor.close();
  for (auto& worker : workers) worker->drain();
  control.webhooks().hurry();
  wait_for_workers();
}

void Server::Impl::wait_for_workers() {
  const bool idle = std::all_of(workers.begin(), workers.end(), [](const auto& worker) { return worker->drained(); });
  const auto now = steady_now();
  const bool late = now >= drain_until;
  if (late && !idle) log::warn("drain_timeout expired, closing remaining connections");
  if (idle && !webhooks_until) webhooks_until = std::min(drain_until, now + kWebhookDrain);
  const bool posted = control.webhooks().idle() || (webhooks_until && now >= *webhooks_until);
  if ((idle && posted) || late) return finish();
  timer.expires_after(kDrainPoll);
  timer.async_wait([this](const error_code& error) {
    if (!error) wait_for_workers();
  });
}

void Server::Impl::finish() {
  if (!std::exchange(ended, true)) finished.set_value();
}

// ------------------------------------------------------------------------------------------------------ the face

Server::Server(config::Config config, const ServerOptions& options)
    : impl_(std::make_unique<Impl>(std::move(config), options)) {}
Server::~Server() = default;

void Server::drain() {
  asio::post(impl_->io, [impl = impl_.get()] { impl->control.drain(); });
}

int Server::wait() {
  impl_->when_finished.wait();
  impl_->stop_threads();
  return 0;
}

bool Server::started() const { return impl_->started; }
std::uint16_t Server::port(const std::string& listener) const { return impl_->acceptor.port(listener); }
std::vector<std::pair<std::string, std::string>> Server::addresses() const { return impl_->acceptor.addresses(); }
std::uint16_t Server::admin_port() const { return impl_->admin.admin_port(); }
std::uint16_t Server::probes_port() const { return impl_->admin.probes_port(); }

void Server::on_control(const std::function<void(Control&)>& what) {
  std::promise<void> done;
  asio::post(impl_->io, [&] {
    what(impl_->control);
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace fusewire::proxy
