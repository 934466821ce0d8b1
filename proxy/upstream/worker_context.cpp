// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/worker_context.hpp"

#include <map>
#include <unordered_set>

#include "filters/http_date.hpp"
#include "proxy/net/random_seed.hpp"
#include "proxy/text/hex.hpp"
#include "proxy/tls/client_context.hpp"

namespace fusewire::proxy {

namespace {

constexpr milliseconds kLogFlush{100};

}  // namespace

WorkerContext::WorkerContext(std::size_t index, WorkerCells& cells, DnsCache& dns, std::function<void()> on_task_ended)
    : index_(index),
      cells_(cells),
      random_(random_seed()),
      pool_(deadlines()),
      balancer_(dns, pool_, random_, index),
      access_log_(cells),
      log_flush_(deadlines(), [this] { access_log_.flush(); }),
      connections_(on_task_ended),
      refreshes_(on_task_ended),
      own_requests_(std::move(on_task_ended)) {
  write_hex(request_id_.data(), random_seed());
  write_hex(request_id_.data() + 16, random_seed());
}

void WorkerContext::adopt(const std::shared_ptr<const Snapshot>& snapshot) {
  // A holder of its own, so that workers do not share a reference count.
  auto holder = std::make_shared<std::shared_ptr<const Snapshot>>(snapshot);
  snapshot_ = std::shared_ptr<const Snapshot>(holder, holder->get());
  balancer_.keep_only(*snapshot_);
  if (journal_) journal_->forget_names();
  forget_tls_sessions();
  connections_.for_each(&WorkerTask::configuration_changed);
}

// Those with endpoints that are gone. Upstreams with the same section share a context.
void WorkerContext::forget_tls_sessions() {
  std::map<TlsClient*, std::unordered_set<std::size_t>> kept;
  for (const auto& upstream : snapshot_->upstreams) {
    if (!upstream->tls) continue;
    auto& endpoints = kept[upstream->tls.get()];
    for (const auto& endpoint : upstream->endpoints) endpoints.insert(endpoint->id);
  }
  for (const auto& [client, endpoints] : kept) client->keep_only(index_, endpoints);
}

std::string_view WorkerContext::date_line(WallTime now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second != date_second_) {
    const auto text = format_http_date(now);
    date_line_.assign("Date: ").append(text.begin(), text.end()).append("\r\n");
    date_second_ = second;
  }
  return date_line_;
}

std::string_view WorkerContext::new_request_id() {
  // Counts in place, from the last digit on.
  for (auto digit = request_id_.rbegin(); digit != request_id_.rbegin() + 16; ++digit) {
    *digit = *digit == 'f' ? '0' : *digit == '9' ? 'a' : static_cast<char>(*digit + 1);
    if (*digit != '0') break;
  }
  return {request_id_.data(), request_id_.size()};
}

Fields WorkerContext::take_fields() {
  if (fields_.empty()) return {};
  Fields taken = std::move(fields_.back());
  fields_.pop_back();
  return taken;
}

void WorkerContext::give_back(Fields&& fields) {
  constexpr std::size_t kKept = 64;
  constexpr std::size_t kMaxRoom = 256;  // of one list
  Fields kept = std::move(fields);
  if (!kept.has_room() || kept.room() > kMaxRoom || fields_.size() >= kKept) return;
  kept.clear();
  fields_.push_back(std::move(kept));
}

void WorkerContext::arm_log_flush(Time now) {
  if (log_flush_.due() == kNever) log_flush_.arm(now + kLogFlush);
}

}  // namespace fusewire::proxy
