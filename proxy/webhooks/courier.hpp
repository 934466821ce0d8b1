// SPDX-License-Identifier: Apache-2.0
// Sends one webhook's messages, one at a time and in order. The webhooks' thread. Owned by its coroutine and Webhooks.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <random>
#include <string>

#include "config/config.hpp"
#include "proxy/net/https_client.hpp"
#include "proxy/observe/log_limit.hpp"
#include "proxy/webhooks/outbox.hpp"
#include "proxy/webhooks/webhook_counts.hpp"

namespace fusewire::proxy {

class Courier : public std::enable_shared_from_this<Courier> {
 public:
  Courier(asio::io_context&, NameLookup&, std::shared_ptr<WebhookCounts>, StandingOf);

  void configure(const config::Webhook&);
  const std::string& name() const { return hook_->name; }
  bool wants(config::WebhookEvent) const;
  void offer(Notice);
  void drop(std::uint64_t events);  // they were never seen
  void hurry();                     // the process ends: nothing is held back, pauses are short
  void retire();                    // run() ends; what waits is dropped
  AsioTask<void> run();

 private:
  // What goes out, with the secrets that the files hold now.
  struct Prepared {
    HttpRequest request;
    std::string error;  // why there is none
  };
  static Prepared prepare(const config::Webhook&, const Notice&);
  std::optional<Notice> next();
  AsioTask<void> deliver(Notice);
  AsioTask<void> pause(std::chrono::milliseconds);
  void fail(const config::Webhook&, const Notice&, std::uint32_t attempts, const std::string& error);
  void note();

  std::shared_ptr<const config::Webhook> hook_;  // a message keeps those settings that it began with
  const std::shared_ptr<WebhookCounts> counts_;
  const StandingOf standing_of_;
  Outbox outbox_;
  HttpsClient client_;
  asio::steady_timer timer_;
  std::minstd_rand random_{std::random_device{}()};
  LogLimit log_limit_;
  std::uint64_t unseen_ = 0;
  bool sending_ = false;
  bool hurry_ = false;
  bool retired_ = false;
};

}  // namespace fusewire::proxy
