// SPDX-License-Identifier: Apache-2.0
// The handshake of a connection to a TLS listener, before its first request.
#include "proxy/downstream/session.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/tls/server_context.hpp"

namespace fusewire::proxy {

// Within head_timeout. Afterwards there is TLS, or close_.
Task<void> Session::handshake() {
  secure_ = true;
  client_deadline_.arm(steady_now() + inbound_.limits->head_timeout);
  client_->start_tls(listener_->tls->accept());
  wait_in(waiting().unfinished, steady_now());
  while (client_->is_handshaking() && !stream_.input_ended() && !stream_.is_late()) {
    client_->start_read();
    co_await event_.wait();
  }
  client_deadline_.disarm();
  if (client_->is_ready()) co_return worker_.cells().tls.done(client_->tls()->resumed());
  close_ = true;
  worker_.cells().tls.failed.add();
  if (client_->closed() || stream_.is_late()) co_return;
  note_failed_handshake();
  const bool spoke_http = client_->tls()->spoke_http();
  client_->stop_tls();
  secure_ = false;
  if (!spoke_http) co_return co_await linger();  // so that it can read why
  begin_head();
  client_deadline_.disarm();
  co_await refuse(Problem::bad_request, "plain HTTP on a port that speaks TLS");
}

void Session::note_failed_handshake() {
  if (!log::enabled(config::LogLevel::debug) || !worker_.client_complaints().pass(steady_now())) return;
  const TlsFault& fault = client_->tls()->fault();
  const log::Pair pairs[] = {{"listener", std::string_view(gate_->name)},
                             {"client", std::string_view(inbound_.peer.address)},
                             {"error", fault.error},
                             {"reason", fault.reason}};
  log::write(config::LogLevel::debug, "TLS handshake with a client failed", pairs);
}

}  // namespace fusewire::proxy
