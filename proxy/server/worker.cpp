// SPDX-License-Identifier: Apache-2.0
#include "proxy/server/worker.hpp"

#include <map>
#include <random>

#include "filters/http_date.hpp"
#include "proxy/downstream/session.hpp"
#include "proxy/net/spawn.hpp"
#include "proxy/request/refresh.hpp"
#include "proxy/tls/client_context.hpp"

namespace fusewire::proxy {

namespace {

constexpr milliseconds kLogFlush{100};
constexpr std::chrono::seconds kStopBackstop{1};
constexpr std::chrono::seconds kTrim{10};

void write_hex(char* out, std::uint64_t value) {
  for (int i = 15; i >= 0; --i, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
}

}  // namespace

Worker::Worker(std::size_t index, WorkerCells& cells, Names& names)
    : index_(index),
      cells_(cells),
      backstop_(deadlines(), [this] { loop_.stop(); }),
      pool_(deadlines()),
      backends_(names, pool_, index),
      access_log_(cells),
      log_flush_(deadlines(), [this] { access_log_.flush(); }),
      trim_(deadlines(), [this] { trim(); }) {
  std::random_device random;
  const std::uint64_t prefix = (std::uint64_t{random()} << 32) | random();
  write_hex(request_id_.data(), prefix);
  write_hex(request_id_.data() + 16, (std::uint64_t{random()} << 32) | random());
}

Worker::~Worker() {
  stop();
  join();
}

void Worker::trim() {
  buffers_.trim();
  trim_.arm(std::chrono::steady_clock::now() + kTrim);
}

void Worker::start() {
  trim();
  thread_ = std::thread([this] {
    FramePool::use(&frames_);
    loop_.run();
    access_log_.flush();  // of those that were cut off last
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::publish(std::shared_ptr<const Snapshot> snapshot) {
  loop_.post([this, snapshot = std::move(snapshot)]() mutable {
    // A holder of its own, so that workers do not share a reference count.
    auto holder = std::make_shared<std::shared_ptr<const Snapshot>>(std::move(snapshot));
    snapshot_ = std::shared_ptr<const Snapshot>(holder, holder->get());
    backends_.keep_only(*snapshot_);
    forget_tls_sessions();
    const std::vector<Session*> sessions(sessions_.begin(), sessions_.end());
    for (Session* session : sessions)
      if (sessions_.contains(session)) session->configuration_changed();
  });
}

// Those with endpoints that are gone. Upstreams with the same section share a context.
void Worker::forget_tls_sessions() {
  std::map<TlsClient*, std::vector<std::size_t>> kept;
  for (const auto& upstream : snapshot_->upstreams) {
    if (!upstream->tls) continue;
    auto& endpoints = kept[upstream->tls.get()];
    for (const auto& endpoint : upstream->endpoints) endpoints.push_back(endpoint->id);
  }
  for (const auto& [client, endpoints] : kept) client->keep_only(index_, endpoints);
}

void Worker::accept(int fd, std::shared_ptr<ListenerGate> gate, bool refuse) {
  gate->arriving.fetch_add(1, std::memory_order_relaxed);
  loop_.post([this, fd, gate = std::move(gate), refuse] {
    spawn(Session::run(std::make_shared<Session>(*this, fd, gate, refuse)), "session");
    gate->arriving.fetch_sub(1, std::memory_order_relaxed);
  });
}

void Worker::part_with_client(std::shared_ptr<ListenerGate> gate, std::function<void(bool made)> done) {
  loop_.post([this, gate = std::move(gate), done = std::move(done)] { done(part_with(gate->waiting.of(index_))); });
}

bool Worker::part_with(WaitingClients& clients) {
  constexpr int kMaxTries = 8;  // some may have gone on just now
  const WaitingList* const list = clients.longest(std::chrono::steady_clock::now());
  WaitingList::Member* member = list != nullptr ? list->first() : nullptr;
  for (int n = 0; member != nullptr && n < kMaxTries; ++n) {
    WaitingList::Member* const next = member->next();
    if (static_cast<Session*>(member)->give_way()) return true;
    member = next;
  }
  return false;
}

void Worker::evict_idle(const UpstreamState* state) {
  loop_.post([this, state] { pool_.evict_one(*state); });
}

void Worker::learn(const NameNews& news) {
  loop_.post([this, news] { backends_.learn(news); });
}

void Worker::drain() {
  loop_.post([this] {
    draining_ = true;
    for (Session* session : sessions_) session->drain();
    drain_begun_ = true;
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.post([this] {
    draining_ = true;
    const std::vector<Session*> sessions(sessions_.begin(), sessions_.end());
    for (Session* session : sessions)
      if (sessions_.contains(session)) session->stop();
    const std::vector<Refresh*> refreshes(refreshes_.begin(), refreshes_.end());
    for (Refresh* refresh : refreshes)
      if (refreshes_.contains(refresh)) refresh->stop();
    access_log_.flush();
    pool_.close_all();
    stopping_ = true;
    end_if_stopped();
    // They end by themselves now; should one not, the process must end all the same.
    backstop_.arm(std::chrono::steady_clock::now() + kStopBackstop);
  });
}

std::string_view Worker::date_line(WallTime now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second != date_second_) {
    const auto text = format_http_date(now);
    date_line_.assign("Date: ").append(text.begin(), text.end()).append("\r\n");
    date_second_ = second;
  }
  return date_line_;
}

std::string_view Worker::new_request_id() {
  // Counts in place, from the last digit on.
  for (auto digit = request_id_.rbegin(); digit != request_id_.rbegin() + 16; ++digit) {
    *digit = *digit == 'f' ? '0' : *digit == '9' ? 'a' : static_cast<char>(*digit + 1);
    if (*digit != '0') break;
  }
  return {request_id_.data(), request_id_.size()};
}

Fields Worker::take_fields() {
  if (fields_.empty()) return {};
  Fields taken = std::move(fields_.back());
  fields_.pop_back();
  return taken;
}

void Worker::give_back(Fields&& fields) {
  constexpr std::size_t kKept = 64;
  constexpr std::size_t kMaxRoom = 256;  // of one list
  Fields kept = std::move(fields);
  if (!kept.has_room() || kept.room() > kMaxRoom || fields_.size() >= kKept) return;
  kept.clear();
  fields_.push_back(std::move(kept));
}

void Worker::arm_log_flush(Time now) {
  if (log_flush_.due() == kNever) log_flush_.arm(now + kLogFlush);
}

void Worker::add(Session& session) {
  sessions_.insert(&session);
  sessions_open_.store(sessions_.size());
}

void Worker::remove(Session& session) {
  sessions_.erase(&session);
  end_if_stopped();
  sessions_open_.store(sessions_.size());
}

void Worker::add(Refresh& refresh) { refreshes_.insert(&refresh); }

void Worker::remove(Refresh& refresh) {
  refreshes_.erase(&refresh);
  end_if_stopped();
}

void Worker::end_if_stopped() {
  if (stopping_ && sessions_.empty() && refreshes_.empty()) loop_.stop();
}

}  // namespace fusewire::proxy
