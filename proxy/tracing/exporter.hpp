// SPDX-License-Identifier: Apache-2.0
// Sends spans to a collector: OTLP over HTTP, in batches, from a thread of its own.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "config/config.hpp"
#include "proxy/net/https_client.hpp"
#include "proxy/observe/span_queue.hpp"

namespace fusewire::proxy::tracing {

// The server makes it for the first configuration that traces, and calls it on the control thread; the queue outlives
// it. A batch that fails is sent again with a growing pause, kMaxTries times in all; meanwhile the queue fills, and
// what has no place in it is dropped and counted. Nobody waits for a collector, but stop() for kLastSend.
class Exporter {
 public:
  static constexpr std::chrono::milliseconds kInterval{1000};  // between two batches that are not full
  static constexpr std::chrono::milliseconds kPostLimit{5000};
  static constexpr std::chrono::milliseconds kLastSend{1000};
  static constexpr std::chrono::milliseconds kFirstPause{1000};
  static constexpr std::chrono::milliseconds kMaxPause{30'000};
  static constexpr int kMaxTries = 5;
  static constexpr std::size_t kMaxAnswer = std::size_t{64} * 1024;

  explicit Exporter(SpanQueue&);  // begins the thread
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  void configure(const std::optional<config::Tracing>&);
  // The process ends: what is there is sent, if that is quick.
  void stop();

 private:
  using Batch = std::vector<SpanQueue::Item>;
  enum class Sent : std::uint8_t { all, again, never };

  AsioTask<void> run();
  AsioTask<void> send_what_is_there();
  AsioTask<void> send(Batch);
  AsioTask<Sent> try_once(const Batch&, std::uint64_t spans);
  std::shared_ptr<asio::ssl::context> trusted();
  AsioTask<void> wait(std::chrono::milliseconds);
  void report(const std::string& error);

  SpanQueue& queue_;
  asio::io_context io_{1};
  asio::steady_timer timer_{io_};
  // The exporter's thread, from here on.
  NameLookup names_{io_};
  HttpsClient client_{io_, names_, kMaxAnswer};
  std::optional<config::Tracing> tracing_;
  std::shared_ptr<asio::ssl::context> trust_;  // read when it is needed
  bool stopping_ = false;
  bool failing_ = false;  // the last post failed
  std::thread thread_;
};

}  // namespace fusewire::proxy::tracing
