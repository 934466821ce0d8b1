// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/connections.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "proxy/admin/session.hpp"
#include "proxy/admin/thread.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::proxy::admin {
namespace {

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
  return static_cast<std::size_t>(streams) < limits().streams;
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

// The one that has waited longest for its client gives way, be it idle or slow; where none does, the newcomer is
// refused.
bool Connections::make_room() {
  if (sessions_.size() < limits().connections) return true;
  Session* longest = nullptr;
  for (Session* session : sessions_)
    if (session->waiting_since() && (!longest || *session->waiting_since() < *longest->waiting_since()))
      longest = session;
  if (longest) longest->close();
  return longest != nullptr;
}

void Connections::serve(Socket socket) {
  auto session = std::make_shared<Session>(shared_from_this(), std::move(socket));
  spawn(thread_.io(), run(std::move(session)), "admin connection");
}

}  // namespace fusewire::proxy::admin
