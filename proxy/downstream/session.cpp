// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/session.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/tls/server_context.hpp"

namespace fusewire::proxy {

namespace {

constexpr unsigned kRequestsATurn = 8;  // of one connection, however they are answered

// A connection that is kept while we drain may have a request on its way; it gets this long to arrive.
constexpr milliseconds kDrainIdle{500};

void log_failed_handshake(std::string_view listener, std::string_view client, const TlsFault& fault) {
  const log::Pair pairs[] = {
      {"listener", listener}, {"client", client}, {"error", fault.error}, {"reason", fault.reason}};
  log::write(config::LogLevel::debug, "TLS handshake with a client failed", pairs);
}

}  // namespace

Session::Session(WorkerContext& worker, int descriptor, std::shared_ptr<ListenerGate> gate, bool refuse)
    : worker_(worker),
      client_(new Channel(worker.loop(), descriptor, worker.buffers())),
      gate_(std::move(gate)),
      refuse_(refuse),
      deadline_(worker.deadlines(), [this] { wake(); }),
      persistence_(worker, *gate_, *client_, inbound_),
      stream_({*client_, inbound_, deadline_, persistence_, discarded_}),
      inbound_{.client = stream_, .event = event_, .session = {}},
      reader_(worker, client_->buffer(), inbound_, deadline_),
      admission_(worker, *gate_, *client_, inbound_, persistence_) {
  client_->watch(this);
  worker_.connections().add(*this);
  worker_.cells().connections_accepted.add();
  worker_.cells().connections_open.add();
}

Session::~Session() {
  client_->close();
  leave();
  worker_.connections().remove(*this);
  worker_.cells().connections_open.subtract();
  gate_->leave();
}

Task<void> Session::run(std::shared_ptr<Session> self) {
  Session& session = *self;
  session.inbound_.session = self;
  session.admission_.adopt();
  const Listener* const listener = session.admission_.listener();
  if (listener != nullptr && listener->tls) co_await session.handshake();
  session.over_ = steady_now();
  while (!session.persistence_.ended()) {
    const Http1Reader::Next next = co_await session.next_request();
    if (next == Http1Reader::Next::close) break;
    co_await session.serve(next);
    co_await session.finish_request();
    session.client_->buffer().release();
    if (session.tunnel_) co_await session.run_tunnel();
    if (session.share_.is_used_up(session.worker_.loop(), kRequestsATurn))
      co_await let_others_go(session.worker_.loop());
  }
}

void Session::on_activity() {
  if (serving_ && serving_->writer.is_discarding()) return;
  if (!stream_.gone()) return (stream_.upload() != nullptr ? *stream_.upload() : event_).set();
  if (serving_) serving_->runner.client_left();
  wake();
}

void Session::wake() {
  Event* const upload = stream_.upload();
  if (upload == nullptr) return event_.set();
  const auto alive = shared_from_this();
  upload->set();
  event_.set();
}

// Its place in the list is that of its first wait of this kind: a client that drips does not move back.
void Session::wait_in(WaitingList& list, Time since) {
  if (refuse_ || this->list() == &list) return;
  leave();
  list.append(*this, since);
}

// ------------------------------------------------------------------------------------------------------ its requests

// Within head_timeout. Afterwards there is TLS, or the connection has ended.
Task<void> Session::handshake() {
  deadline_.allow(steady_now() + inbound_.limits->head_timeout);
  client_->start_tls(admission_.listener()->tls->accept());
  wait_in(waiting().unfinished, steady_now());
  while (client_->is_handshaking() && !stream_.input_ended() && !deadline_.passed()) {
    client_->start_read();
    co_await event_.wait();
  }
  deadline_.disarm();
  reader_.set_secure(client_->is_ready());
  if (client_->is_ready()) co_return worker_.cells().tls.done(client_->tls()->resumed());
  persistence_.end();
  worker_.cells().tls.failed.add();
  if (client_->closed() || deadline_.passed()) co_return;
  if (log::enabled(config::LogLevel::debug) && worker_.client_complaints().pass(steady_now()))
    log_failed_handshake(gate_->name, inbound_.peer.address, client_->tls()->fault());
  const bool spoke_http = client_->tls()->spoke_http();
  client_->stop_tls();
  if (!spoke_http) co_return co_await linger();  // so that it can read why
  reader_.refuse_input(Problem::bad_request, "plain HTTP on a port that speaks TLS");
  co_await serve(Http1Reader::Next::refused);
  co_await finish_request();
}

Task<Http1Reader::Next> Session::next_request() {
  using Next = Http1Reader::Next;
  admission_.adopt();
  if (persistence_.ended()) {
    if (must_linger()) co_await linger();
    co_return Next::close;
  }
  discarded_ = {};
  const auto patience = worker_.draining() || persistence_.leaving() ? kDrainIdle
                        : refuse_                                    ? inbound_.limits->head_timeout
                                                                     : inbound_.limits->idle_timeout;
  reader_.begin(over_ + patience);
  Next next{};
  for (;;) {
    if (!client_->buffer().empty()) admission_.adopt();
    next = reader_.look(stream_.input_ended(), !persistence_.ended() && !inbound_.has_lost_bound());
    if (next != Next::incomplete) break;
    client_->start_read();
    if (reader_.is_idle() && has_served_)
      wait_in(waiting().idle, over_);
    else
      wait_in(waiting().unfinished, reader_.is_idle() ? over_ : reader_.started());
    co_await event_.wait();
  }
  if (next == Next::close) co_return next;
  leave();
  has_served_ = true;
  stream_.took(reader_.body_taken());
  co_return next;
}

Session::Serving::Serving(Session& s)
    : writer(s.stream_, s.worker_.scratch()),
      runner(s.worker_, s.inbound_,
             {.snapshot = s.admission_.snapshot(),
              .listener = s.admission_.listener(),
              .listener_name = s.gate_->name,
              .started = s.reader_.started(),
              .wall = s.reader_.wall()}) {}

// Also a request that is refused; finish_request() comes next.
Task<void> Session::serve(Http1Reader::Next next) {
  serving_ = std::make_unique<Serving>(*this);
  RequestRunner& runner = serving_->runner;
  if (next == Http1Reader::Next::refused) return runner.refuse(reader_.problem(), std::string(reader_.reason()));
  if (refuse_) return runner.refuse(Problem::concurrency_limit, "this listener has all its connections in use");
  return runner.serve();
}

// What is left of the request's body is dropped, so that the next one can be read; else the connection ends.
Task<void> Session::finish_request() {
  over_ = serving_->runner.ended();
  if (auto* const switched = serving_->runner.switched()) {
    tunnel_ = std::make_unique<Tunnel>(worker_.deadlines(), client_, std::move(switched->upstream), switched->idle);
    tunnel_->keep(switched->record, std::move(switched->endpoint));
  }
  serving_.reset();
  if (tunnel_) return Task<void>::ended();
  stream_.consume_body();
  if (!inbound_.body.done()) return drain_request_body();
  deadline_.disarm();
  return linger_if_needed();
}

// The request and its buffers are gone by now: a tunnel without traffic holds little.
Task<void> Session::run_tunnel() {
  worker_.give_back(std::move(inbound_.request.fields));
  inbound_.request = {};
  admission_.let_go();
  co_await tunnel_->run();
  const Time end = steady_now();
  AccessRecord line = tunnel_->finished_record(reader_.started(), end);
  if (stopped_) line.flags = static_cast<Flags>(line.flags | bits(Flag::shut_down));
  write_access_line(worker_, worker_.snapshot()->config.log, line, end);
}

// ------------------------------------------------------------------------------------------------------ the rest

Task<void> Session::drain_request_body() {
  auto& buffer = client_->buffer();
  if (!persistence_.rest_is_drainable()) persistence_.end();
  const Time begun = steady_now();
  if (!persistence_.ended()) deadline_.extend(begun + inbound_.limits->body_timeout);  // for all of it
  owes_body_ = true;
  while (!persistence_.ended() && !inbound_.body.done()) {
    if (!buffer.empty()) {
      buffer.consume(inbound_.body.decode(buffer.data(), buffer.size()).consumed);
      if (inbound_.body.failed()) persistence_.end();
    } else if (stream_.input_ended() || deadline_.passed()) {
      persistence_.end();
    } else {
      wait_in(waiting().unfinished, begun);
      client_->start_read();
      co_await event_.wait();
    }
  }
  leave();
  owes_body_ = false;
  deadline_.disarm();
  over_ = steady_now();
  co_await linger_if_needed();
}

// A client whose request was not understood is always waited for.
Task<void> Session::linger_if_needed() {
  if (client_->write_failed()) persistence_.end();
  if (!persistence_.ended()) return Task<void>::ended();
  const bool misunderstood = inbound_.request.target.empty();
  return misunderstood || must_linger() ? linger() : Task<void>::ended();
}

// Whether the client may be sending still: an end at once would cost it its answer.
bool Session::must_linger() {
  if (!persistence_.ended() || client_->closed()) return false;
  if (!inbound_.body.done() || !client_->buffer().empty() || !client_->is_silent()) return true;
  return !persistence_.client_closes() && client_->has_unread();
}

// The client must be able to read its answer although its request is not wanted (RFC 9112 §9.6).
Task<void> Session::linger() {
  if (client_->closed()) co_return;
  lingers_ = true;
  client_->shutdown_send();
  deadline_.forgive();
  const Time begun = steady_now();
  discarded_.begin(begun);
  leave();
  wait_in(waiting().unfinished, begun);
  auto& buffer = client_->buffer();
  while (!stream_.input_ended() && !deadline_.passed()) {
    const bool enough = !discarded_.drop(buffer.size());
    buffer.consume(buffer.size());
    if (enough) break;
    deadline_.extend(discarded_.due(steady_now()));
    client_->start_read();
    co_await event_.wait();
  }
  deadline_.disarm();
  client_->close();
}

// An idle connection does not keep the old configuration alive.
void Session::configuration_changed() {
  if (inbound_.bound) inbound_.bound->drop_retired();
  if (tunnel_) return;
  if (!reader_.is_idle()) return admission_.look_ahead();
  admission_.adopt();
  if (!persistence_.leaving()) return;
  if (!persistence_.ended()) return drain();
  client_->close();
  wake();
}

void Session::drain() {
  if (serving_) serving_->runner.drain();
  if (!reader_.is_idle() && !owes_body_) return;
  deadline_.extend(std::min(deadline_.due(), steady_now() + kDrainIdle));
}

bool Session::give_way() {
  if (!lingers_ && client_->has_unread()) return false;
  persistence_.end();
  client_->close();
  wake();
  return true;
}

void Session::stop() {
  stopped_ = true;
  if (tunnel_) tunnel_->cut();
  stream_.break_off();
  if (serving_) serving_->runner.stop();
  wake();
}

}  // namespace fusewire::proxy
