// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/connections.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "proxy/admin/session.hpp"
#include "proxy/admin/thread.hpp"
#include "proxy/net/descriptors.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::proxy::admin {
namespace {

constexpr std::size_t kLookedAt = 8;                    // of those that have waited longest
constexpr std::chrono::milliseconds kAcceptPause{100};  // after an error such as EMFILE: no spin

// These hold what they run: it lives as long as its coroutine.
AsioTask<void> accept_on(std::shared_ptr<Connections> connections) { co_await connections->accept(); }
AsioTask<void> run(std::shared_ptr<Session> session) { co_await session->run(); }

}  // namespace

void Connections::start() { spawn(thread_.io(), accept_on(shared_from_this()), "admin accept"); }

void Connections::retire() {
  retired_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  const std::vector<Session*> sessions(sessions_.begin(), sessions_.end());
  for (Session* session : sessions)
    if (!session->is_answering()) session->close();
}

void Connections::wake_streams() {
  for (Session* session : sessions_) session->wake();
}

bool Connections::has_room_for_stream() const {
  const auto streams =
      std::count_if(sessions_.begin(), sessions_.end(), [](const Session* session) { return session->is_streaming(); });
  return static_cast<std::size_t>(streams) < std::min(limits().streams, max_connections() / 4);
}

AsioTask<void> Connections::accept() {
  asio::steady_timer pause(thread_.io());
  while (!retired_) {
    error_code error;
    Socket socket = co_await acceptor_.async_accept(asio::redirect_error(use_task, error));
    if (retired_) break;
    if (!error && make_room()) {
      serve(std::move(socket));
    } else if (error && error != asio::error::connection_aborted) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::redirect_error(use_task, error));
    }
  }
}

// Where descriptors are few, so are connections here: the proxy's own clients need them.
std::size_t Connections::max_connections() const {
  constexpr std::size_t kShare = 8;
  constexpr std::size_t kLeast = 4;
  return std::min(limits().connections, std::max(kLeast, descriptor_limit() / kShare));
}

// The one that has waited longest for its client gives way, be it idle or slow; but not for want of a turn of ours,
// where others do: its request may have come already. Where none gives way the newcomer is refused.
bool Connections::make_room() {
  if (sessions_.size() < max_connections()) return true;
  std::vector<Session*> waiting;
  for (Session* session : sessions_)
    if (session->waiting_since()) waiting.push_back(session);
  if (waiting.empty()) return false;
  const std::size_t looked_at = std::min(waiting.size(), kLookedAt);
  const auto earlier = [](const Session* a, const Session* b) { return *a->waiting_since() < *b->waiting_since(); };
  std::partial_sort(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(looked_at), waiting.end(), earlier);
  waiting.resize(looked_at);
  const auto silent =
      std::find_if_not(waiting.begin(), waiting.end(), [](Session* each) { return each->has_unread(); });
  (silent != waiting.end() ? *silent : waiting.front())->close();
  return true;
}

void Connections::serve(Socket socket) {
  auto session = std::make_shared<Session>(shared_from_this(), std::move(socket));
  spawn(thread_.io(), run(std::move(session)), "admin connection");
}

}  // namespace fusewire::proxy::admin
