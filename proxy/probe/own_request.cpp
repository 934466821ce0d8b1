// SPDX-License-Identifier: Apache-2.0
#include "proxy/probe/own_request.hpp"

#include <algorithm>
#include <utility>

#include "proxy/http/interims.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/descriptors.hpp"
#include "proxy/net/spawn.hpp"
#include "proxy/tls/client_context.hpp"
#include "proxy/upstream/host_rewrite.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::uint64_t kEnoughBody = 65'536;  // of a response's body; the rest is not waited for

// As an ordinary request without a Host of its own has it: by the first route that leads there.
std::string host_of(const Snapshot& snapshot, const Upstream& upstream, const EndpointState& endpoint) {
  const Request request;
  for (const auto& listener : snapshot.listeners)
    for (const Route& route : listener->routes)
      if (route.upstream == &upstream) return std::string(host_sent(route.config->host, request, endpoint));
  return endpoint.authority;
}

std::string head_of(const std::string& path, const std::string& host) {
  return "GET " + path + " HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: fusewire-health-check/" FUSEWIRE_VERSION "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

http::HeadLimits limits_of(const Upstream& upstream) {
  const config::UpstreamLimits& limits = upstream.config->limits;
  const std::size_t bytes = std::min(limits.max_head_bytes, config::kMaxHeadBytes);
  return {.max_line = bytes, .max_bytes = bytes, .max_fields = limits.max_fields};
}

}  // namespace

std::shared_ptr<OwnRequest> OwnRequest::start(WorkerContext& worker, Wanted wanted, Done done) {
  auto made = std::make_shared<OwnRequest>(worker, std::move(wanted), std::move(done));
  spawn(run(made), "own request");
  return made->is_over() ? nullptr : made;
}

OwnRequest::OwnRequest(WorkerContext& worker, Wanted wanted, Done done)
    : worker_(worker),
      wanted_(std::move(wanted)),
      done_(std::move(done)),
      deadline_(worker.deadlines(), [this] { on_deadline(); }),
      until_(steady_now() + wanted_.timeout) {
  worker_.own_requests().add(*this);
}

OwnRequest::~OwnRequest() { worker_.own_requests().remove(*this); }

Task<void> OwnRequest::run(std::shared_ptr<OwnRequest> self) {
  self->deadline_.arm(self->until_);
  co_await self->connect();
  if (!self->is_over() && !self->wanted_.path.empty()) co_await self->exchange();
  self->end(Outcome::complete);
  self->deadline_.disarm();
  if (self->channel_) {
    self->channel_->watch(nullptr);
    self->channel_->close();
  }
  if (const Done done = std::exchange(self->done_, nullptr)) done({self->outcome_, self->status_});
}

// The first end counts.
void OwnRequest::end(Outcome outcome) {
  if (!is_over()) outcome_ = outcome;
}

void OwnRequest::cancel() {
  done_ = nullptr;
  end(Outcome::cut_off);
  if (channel_) channel_->close();
  event_.set();
}

// A write that waits returns when its channel is closed.
void OwnRequest::on_deadline() {
  late_ = true;
  if (channel_ && channel_->write_blocked()) {
    end(Outcome::response_timeout);
    channel_->close();
  }
  event_.set();
}

// ------------------------------------------------------------------------------------------------------ a connection

Task<void> OwnRequest::connect() {
  if (is_next_reserved(Reserve::upstream)) co_return end(Outcome::resource_exhausted);
  const ConnectorPtr connector(new Connector(worker_.loop()));
  connector->start({wanted_.address}, until_, *this);
  while (!connector->done() && !is_over()) {
    if (late_) end(Outcome::connect_timeout);
    if (!is_over()) co_await event_.wait();
  }
  if (!connector->done()) connector->cancel();
  if (is_over()) co_return;
  if (connector->outcome() != Outcome::pending) co_return end(connector->outcome());
  if (wanted_.state) wanted_.state->dials.note_answer(until_ - wanted_.timeout, steady_now());
  channel_.reset(new Channel(worker_.loop(), connector->take_descriptor(), worker_.buffers()));
  if (channel_->was_reset()) co_return end(Outcome::resource_exhausted);  // the loop has no room for it
  channel_->watch(this);
  if (wanted_.endpoint->tls) co_await secure();
}

Task<void> OwnRequest::secure() {
  const EndpointState& endpoint = *wanted_.endpoint;
  channel_->start_tls(wanted_.upstream->tls->connect(worker_.index(), endpoint.id, endpoint.server_name));
  bool waits = channel_->is_handshaking();
  while (waits) {
    waits = co_await more(Outcome::connect_timeout);
    waits = waits && channel_->is_handshaking();
  }
  if (!channel_->is_ready()) end(Outcome::tls_error);
}

// ------------------------------------------------------------------------------------------------------ an exchange

Task<void> OwnRequest::exchange() {
  head_ = head_of(wanted_.path, host_of(*wanted_.snapshot, *wanted_.upstream, *wanted_.endpoint));
  Gather unsent;
  unsent.add(head_);
  if (!channel_->try_write(unsent)) co_await channel_->flush(unsent);
  co_await read_head();
  if (!is_over()) co_await read_body();
}

// Waits for more bytes. False: there are none, since the stream or the time is over; that is the outcome where it is
// the time.
Task<bool> OwnRequest::more(Outcome timeout) {
  if (!is_over() && !channel_->ended()) {
    if (late_) {
      end(timeout);
    } else {
      channel_->start_read();
      co_await event_.wait();
      co_return !is_over();
    }
  }
  co_return false;
}

Task<void> OwnRequest::read_head() {
  bool waits = !take_head();
  while (waits) {
    waits = co_await more(Outcome::response_timeout);
    waits = waits && !take_head();
  }
  if (!has_head_) end(Outcome::reset);
}

// What is at hand. True: the response's own head is there, or its bytes are none.
bool OwnRequest::take_head() {
  ReadBuffer& buffer = channel_->buffer();
  const http::HeadLimits limits = limits_of(*wanted_.upstream);
  while (!buffer.empty() && head_progress_.may_be_complete(buffer.view(), limits)) {
    const http::HeadResult head = http::parse_response_head(buffer.view(), limits, false, response_);
    if (head.parsed == http::Parsed::incomplete) {
      head_progress_.found_incomplete(buffer.size());
      return false;
    }
    const bool interim = head.parsed == http::Parsed::complete && response_.status < 200 && response_.status != 101;
    if (head.parsed == http::Parsed::refused || (interim && ++interims_ > http::kMaxInterims))
      return end(Outcome::protocol_error), true;
    status_ = response_.status;
    has_head_ = !interim;
    body_ = http::BodyDecoder(response_.body, response_.content_length);
    buffer.consume(head.size);
    head_progress_.restart();
    if (has_head_) return true;
  }
  return false;
}

Task<void> OwnRequest::read_body() {
  bool waits = true;
  while (waits) {
    ReadBuffer& buffer = channel_->buffer();
    if (!buffer.empty()) buffer.consume(body_.decode(buffer.data(), buffer.size()).consumed);
    if (body_.failed()) co_return end(Outcome::protocol_error);
    if (body_.done() || body_.decoded() >= kEnoughBody) co_return;
    waits = co_await more(Outcome::response_timeout);
  }
  if (is_over()) co_return;
  if (!channel_->eof() || !body_.finish()) end(Outcome::incomplete);
}

}  // namespace fusewire::proxy
