// SPDX-License-Identifier: Apache-2.0
#include "proxy/tracing/exporter.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "proxy/observe/log.hpp"
#include "proxy/tracing/otlp.hpp"

namespace fusewire::proxy::tracing {
namespace {

namespace json = boost::json;

std::uint64_t spans_of(const std::vector<SpanQueue::Item>& batch) {
  return std::accumulate(batch.begin(), batch.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& item) { return sum + item.spans; });
}

// Those that OTLP calls retryable, and no answer at all.
bool may_pass(const HttpAnswer& answer) {
  constexpr std::array kStatuses = {0, 429, 502, 503, 504};
  return std::find(kStatuses.begin(), kStatuses.end(), answer.status) != kStatuses.end();
}

// ExportTracePartialSuccess.rejected_spans; an int64 is a text in JSON.
std::uint64_t rejected_spans(const std::string& body) {
  error_code error;
  const json::value answer = json::parse(body, error);
  if (error || !answer.is_object()) return 0;
  const json::value* partial = answer.get_object().if_contains("partialSuccess");
  if (partial == nullptr || !partial->is_object()) return 0;
  const json::value* rejected = partial->get_object().if_contains("rejectedSpans");
  if (rejected == nullptr) return 0;
  if (rejected->is_string()) return std::strtoull(rejected->get_string().c_str(), nullptr, 10);
  return rejected->is_int64() && rejected->get_int64() > 0 ? static_cast<std::uint64_t>(rejected->get_int64()) : 0;
}

}  // namespace

Exporter::Exporter(SpanQueue& queue) : queue_(queue) {
  queue_.on_many([this] { asio::post(io_, [this] { timer_.cancel(); }); });
  asio::co_spawn(io_, run(), asio::detached);
  thread_ = std::thread([this] { io_.run(); });
}

Exporter::~Exporter() { stop(); }

void Exporter::configure(const std::optional<config::Tracing>& tracing) {
  asio::post(io_, [this, tracing] {
    tracing_ = tracing;
    trust_.reset();  // a collector's authorities may have changed, too
  });
}

void Exporter::stop() {
  if (!thread_.joinable()) return;
  queue_.on_many({});
  asio::post(io_, [this] {
    stopping_ = true;
    timer_.cancel();
  });
  asio::steady_timer last(io_, kLastSend);
  last.async_wait([this](const error_code& error) {
    if (!error) io_.stop();
  });
  thread_.join();
  queue_.count_dropped(spans_of(queue_.take(SpanQueue::kMaxRequests)));
}

AsioTask<void> Exporter::run() {
  while (!stopping_) {
    co_await wait(kInterval);
    co_await send_what_is_there();
  }
  io_.stop();  // the limit of stop() is waited for no longer
}

AsioTask<void> Exporter::send_what_is_there() {
  for (;;) {
    Batch batch = queue_.take(SpanQueue::kWakeAt);
    if (batch.empty()) co_return;
    const bool full = batch.size() == SpanQueue::kWakeAt;
    co_await send(std::move(batch));
    if (!full && !stopping_) co_return;  // the rest has time to become a batch
  }
}

AsioTask<void> Exporter::send(Batch batch) {
  const std::uint64_t spans = spans_of(batch);
  auto pause = kFirstPause;
  for (int tries = 1;; ++tries) {
    if (!tracing_) break;  // switched off meanwhile
    const Sent sent = co_await try_once(batch, spans);
    if (sent == Sent::all) co_return;
    if (sent == Sent::never || tries == kMaxTries || stopping_) break;
    const auto until = std::chrono::steady_clock::now() + pause;
    while (!stopping_ && std::chrono::steady_clock::now() < until)
      co_await wait(std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()));
    pause = std::min(pause * 2, kMaxPause);
  }
  queue_.count_dropped(spans);
}

AsioTask<Exporter::Sent> Exporter::try_once(const Batch& batch, std::uint64_t spans) {
  HttpRequest request{.endpoint = tracing_->collector,
                      .target = "/v1/traces",
                      .fields = {{"Content-Type", "application/json"}},
                      .body = otlp_json(batch, tracing_->service_name)};
  const auto trust = trusted();
  const HttpAnswer answer = co_await client_.ask(std::move(request), trust.get(), kPostLimit);
  if (answer.status / 100 == 2) {
    const std::uint64_t rejected = std::min(rejected_spans(answer.body), spans);
    queue_.count_exported(spans - rejected);
    if (rejected > 0) queue_.count_dropped(rejected);
    if (std::exchange(failing_, false)) log::info("the collector of traces takes spans again");
    co_return Sent::all;
  }
  report(answer.status == 0 ? answer.error : "it answered " + std::to_string(answer.status));
  co_return may_pass(answer) ? Sent::again : Sent::never;
}

// Null: it is not needed, or the authorities cannot be read, which HttpsClient then says.
std::shared_ptr<asio::ssl::context> Exporter::trusted() {
  try {
    if (!trust_ && tracing_->collector.tls) trust_ = std::make_shared<asio::ssl::context>(verifying_context({}));
  } catch (const boost::system::system_error&) {
    return nullptr;
  }
  return trust_;
}

AsioTask<void> Exporter::wait(std::chrono::milliseconds duration) {
  if (stopping_) co_return;
  error_code cancelled;
  timer_.expires_after(duration);
  co_await timer_.async_wait(asio::redirect_error(use_task, cancelled));
}

void Exporter::report(const std::string& error) {
  if (std::exchange(failing_, true)) return;
  log::warn("traces cannot be exported", {{"collector", tracing_ ? tracing_->collector.url : ""}, {"error", error}});
}

}  // namespace fusewire::proxy::tracing
