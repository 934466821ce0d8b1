// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/thread.hpp"

#include <boost/asio/post.hpp>
#include <future>

#include "proxy/admin/metrics/metrics.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy::admin {
namespace {

Scrape::Text render(Control& control, MetricsForm form) {
  try {
    return std::make_shared<const std::string>(metrics_text(control, steady_now(), form));
  } catch (const std::exception& error) {
    log::error("a scrape failed", {{"error", error.what()}});
    return nullptr;
  }
}

// `work` on `there`, then `done` on `here`.
template <class There>
void run_on(const There& there, AdminThread::Work work, const Executor& here, AdminThread::Work done) {
  asio::post(there, [work = std::move(work), here, done = std::move(done)]() mutable {
    work();
    asio::post(here, std::move(done));
  });
}

}  // namespace

AdminThread::AdminThread(asio::io_context& control_io, Control& control) : control_io_(control_io), control_(control) {}

AdminThread::~AdminThread() { stop(); }

void AdminThread::start() {
  asio::post(io_, [this] { tick(); });
  thread_ = std::thread([this] { io_.run(); });
}

// Every second, be there a viewer or not: who opens the dashboard sees at once what has happened.
void AdminThread::tick() {
  try {
    feed_.tick({steady_now(), std::chrono::system_clock::now()});
  } catch (const std::exception& error) {
    log::error("the dashboard's figures could not be read", {{"error", error.what()}});
  }
  tick_.expires_after(dashboard::Feed::kInterval);
  tick_.async_wait([this](const error_code& stopped) {
    if (!stopped) tick();
  });
}

void AdminThread::stop() {
  if (thread_.joinable()) {
    asio::post(io_, [this] { io_.stop(); });
    thread_.join();
  }
  pool_.stop();
  pool_.join();
}

void AdminThread::run(const Work& work) {
  if (!thread_.joinable()) return work();
  const auto done = std::make_shared<std::promise<void>>();  // set_value() may be at work when the waiter goes on
  asio::post(io_, [&work, done] {
    work();
    done->set_value();
  });
  done->get_future().wait();
}

void AdminThread::post(Work work) { asio::post(io_, std::move(work)); }

void AdminThread::on_control(Work work, Work done) {
  run_on(control_io_.get_executor(), std::move(work), io_.get_executor(), std::move(done));
}

void AdminThread::reload(Control::Done report, Work done) {
  asio::post(control_io_, [this, report = std::move(report), done = std::move(done)] {
    control_.reload("admin", [here = io_.get_executor(), report, done](const ReloadReport& concluded) {
      report(concluded);
      asio::post(here, done);
    });
  });
}

void AdminThread::aside(Work work, Work done) { run_on(others_, std::move(work), io_.get_executor(), std::move(done)); }

void AdminThread::ask_scrape(MetricsForm form, Scrape::Answer answer) {
  Scrape& scrape = shared_[static_cast<std::size_t>(form)];
  const bool begin = scrape.ask(control_.view(), steady_now(), std::move(answer));
  if (!begin) return;
  const auto text = std::make_shared<Scrape::Text>();
  run_on(
      scrapes_, [this, text, form] { *text = render(control_, form); }, io_.get_executor(),
      [&scrape, text] { scrape.made(std::move(*text), steady_now()); });
}

}  // namespace fusewire::proxy::admin
