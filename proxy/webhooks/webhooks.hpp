// SPDX-License-Identifier: Apache-2.0
// Posts events of breakers to where `events.webhooks` says, on a thread of its own: neither a request nor the control
// thread waits for a receiver. The thread exists from the first configuration that names a webhook. What the event log
// keeps is the queue between the threads; behind it each webhook has an Outbox.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/config.hpp"
#include "proxy/net/asio.hpp"
#include "proxy/net/name_lookup.hpp"
#include "proxy/observe/event_log.hpp"
#include "proxy/webhooks/notice.hpp"
#include "proxy/webhooks/webhook_counts.hpp"

namespace fusewire::proxy {

class Courier;

// Control thread, except where a comment says otherwise.
class Webhooks {
 public:
  // The log outlives it. `standing_of` is asked on this thread of its own.
  Webhooks(EventLog& events, StandingOf standing_of);
  ~Webhooks();
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;

  // From now on these; what waits in one whose name stays is kept.
  void configure(const config::Config&);
  void hurry();  // the process ends: what waits goes at once, with short pauses between attempts
  void stop();   // at once

  // Any thread, from here on.
  bool idle() const;  // nothing waits, and nothing is being sent
  struct Figures {
    std::string name;
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;
    std::uint64_t dropped = 0;
    std::uint64_t held_back = 0;
  };
  std::vector<Figures> figures() const;

 private:
  struct Settings;
  using Counts = std::map<std::string, std::shared_ptr<WebhookCounts>>;

  void ask();                                          // any thread
  void apply(const std::shared_ptr<const Settings>&);  // this thread's own, as the next two
  void collect();
  Notice notice_of(const LoggedEvent&) const;

  EventLog& events_;
  const StandingOf standing_of_;
  asio::io_context io_{1};
  asio::executor_work_guard<Executor> guard_{io_.get_executor()};
  NameLookup names_{io_};
  std::vector<std::shared_ptr<Courier>> couriers_;  // this thread's own, as the next two
  std::shared_ptr<const Settings> settings_;
  std::uint64_t seen_ = 0;    // up to this event
  mutable std::mutex mutex_;  // of counts_
  Counts counts_;
  std::vector<std::string> order_;
  std::atomic<bool> asked_{false};       // collect() has been posted
  std::atomic<bool> collecting_{false};  // and runs
  std::uint64_t subscription_ = 0;
  bool hurry_ = false;
  std::thread thread_;
};

}  // namespace fusewire::proxy
