// SPDX-License-Identifier: Apache-2.0
// The thread that the admin API, the probes and the scrape run on, so that none of it delays a signal or a reload. Its
// connections have work done elsewhere: changes on the control thread, in turn with that thread's own work; work that
// takes long on one of two threads beside it. The result always comes back to the admin thread.
//
// Made and destroyed by the thread that owns the control thread; `control` and `control_io` outlive it. Before start()
// connections are accepted by the kernel alone.
#pragma once

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <thread>

#include "proxy/admin/dashboard/feed.hpp"
#include "proxy/admin/metrics/exposition.hpp"
#include "proxy/admin/scrape.hpp"
#include "proxy/control/control.hpp"
#include "proxy/net/asio.hpp"

namespace fusewire::proxy::admin {

class AdminThread {
 public:
  using Work = std::function<void()>;  // throws nothing

  AdminThread(asio::io_context& control_io, Control& control);
  ~AdminThread();
  AdminThread(const AdminThread&) = delete;
  AdminThread& operator=(const AdminThread&) = delete;

  void start();  // after Control::start(), before the control thread runs, once
  // Runs what has been posted until now, and ends. Must not be called by work of the control thread or of this thread,
  // because it waits for what is under way aside.
  void stop();

  void post(Work);        // any thread
  void run(const Work&);  // control thread: waits for it, which is short, for nothing here waits for another thread

  // The admin thread's own, from here on. `done` runs on this thread when `work` has run on the other one.
  void on_control(Work work, Work done);
  void reload(Control::Done report, Work done);  // `report` runs on the control thread
  void aside(Work work, Work done);              // in turn
  void ask_scrape(MetricsForm, Scrape::Answer);
  dashboard::Feed& dashboard() { return feed_; }
  asio::io_context& io() { return io_; }
  Control& control() { return control_; }

 private:
  void tick();

  using Strand = asio::strand<asio::thread_pool::executor_type>;

  asio::io_context& control_io_;
  Control& control_;
  dashboard::Feed feed_{control_};  // before io_, whose connections know it
  asio::io_context io_{1};
  asio::steady_timer tick_{io_};
  asio::executor_work_guard<Executor> guard_{io_.get_executor()};
  std::array<Scrape, 2> shared_;  // by MetricsForm: each form has a text of its own
  asio::thread_pool pool_{2};     // one for each strand: a long check delays no scrape
  Strand scrapes_{pool_.get_executor()};
  Strand others_{pool_.get_executor()};
  std::thread thread_;
};

}  // namespace fusewire::proxy::admin
