// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/session.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cstring>

#include "proxy/http/chars.hpp"
#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

namespace {

constexpr unsigned kRequestsATurn = 8;  // of one connection, however they are answered

bool contains(const config::Network& network, const std::array<std::uint8_t, 16>& address) {
  for (unsigned bit = 0; bit < network.bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    if ((network.address[bit / 8] & mask) != (address[bit / 8] & mask)) return false;
  }
  return true;
}

std::array<std::uint8_t, 16> as_v6(const asio::ip::address& address) {
  return (address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()) : address.to_v6())
      .to_bytes();
}

}  // namespace

Session::Session(WorkerContext& worker, int descriptor, std::shared_ptr<ListenerGate> gate, bool refuse)
    : worker_(worker),
      client_(new Channel(worker.loop(), descriptor, worker.buffers())),
      gate_(std::move(gate)),
      refuse_(refuse),
      client_deadline_(worker.deadlines(), [this] { on_client_late(); }),
      stream_(*client_, inbound_, client_deadline_, worker.deadlines(), [this] { wake(); }),
      inbound_{.client = stream_, .event = event_, .session = {}} {
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
  session.learn_peer();
  session.adopt_snapshot();
  if (session.listener_ != nullptr && session.listener_->tls) co_await session.handshake();
  session.over_ = steady_now();
  while (!session.close_) {
    const Next next = co_await session.next_request();
    if (next == Next::close) break;
    if (next == Next::request) co_await session.serve();
    session.client_->buffer().release();
    if (session.tunnel_) co_await session.run_tunnel();
    if (session.share_.is_used_up(session.worker_.loop(), kRequestsATurn))
      co_await let_others_go(session.worker_.loop());
  }
}

void Session::learn_peer() {
  Protocol::endpoint remote;
  auto size = static_cast<socklen_t>(remote.capacity());
  if (::getpeername(client_->descriptor(), remote.data(), &size) != 0) return;
  remote.resize(size);
  if (remote.protocol().family() != AF_INET && remote.protocol().family() != AF_INET6) return;
  asio::ip::tcp::endpoint endpoint;
  std::memcpy(endpoint.data(), remote.data(), remote.size());
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  inbound_.peer.address = address.to_string();
  peer_address_ = as_v6(address);
}

// That the client has connected to; 0: a unix socket.
std::uint16_t Session::port_of(const config::Listener& listener) const {
  if (listener.address.kind != config::Address::Kind::tcp || listener.address.port != 0) return listener.address.port;
  asio::ip::tcp::endpoint local;
  auto size = static_cast<socklen_t>(local.capacity());
  return ::getsockname(client_->descriptor(), local.data(), &size) == 0 ? local.port() : std::uint16_t{0};
}

bool Session::is_trusted(const config::Listener& listener) const {
  return std::any_of(
      listener.trust_forwarded.begin(), listener.trust_forwarded.end(),
      [&](const config::Network& network) { return peer_address_ && contains(network, *peer_address_); });
}

// ------------------------------------------------------------------------------------------------------ wake-ups

void Session::on_activity() {
  if (discards_ && discard()) return;
  if (!stream_.gone()) return (stream_.upload() != nullptr ? *stream_.upload() : event_).set();
  if (call_ != nullptr) call_->cut_off(Outcome::client_gone);
  wake();
}

void Session::wake() {
  Event* const upload = stream_.upload();
  if (upload == nullptr) return event_.set();
  const auto alive = shared_from_this();
  upload->set();
  event_.set();
}

void Session::on_client_late() {
  stream_.set_late(true);
  wake();
}

// ------------------------------------------------------------------------------------------------------ reading

// Nothing of the last request is left to be seen in the next one's record.
void Session::forget_request() {
  route_ = nullptr;
  source_ = nullptr;
  status_ = 0;
  error_ = Problem::none;
  bytes_out_ = 0;
  until_close_ = false;
  discarded_ = {};
  inbound_.connection = {};
  inbound_.body = {};
  inbound_.buffered_body = {};
  stream_.took(0);
  inbound_.upgrades = nullptr;
  inbound_.route = nullptr;
}

// Of a head that is not taken two things count: the method, since an answer to HEAD has no body, a refusal's neither;
// and, for the log, an origin-form's path.
void Session::forget_head() {
  auto line = client_->buffer().view();
  if (line.starts_with("\r\n")) line.remove_prefix(2);
  line = line.substr(0, std::min(line.find_first_of("\r\n"), inbound_.limits->max_request_line));
  inbound_.request = {};
  const auto method = line.substr(0, line.find(' '));
  if (!http::is_token(method)) return;
  inbound_.request.method = method;
  line.remove_prefix(std::min(line.size(), method.size() + 1));
  if (line.starts_with('/')) inbound_.request.path = line.substr(0, line.find_first_of(" ?#"));
}

// The first bytes of a head have come.
void Session::begin_head() {
  started_ = steady_now();
  wall_ = std::chrono::system_clock::now();
  inbound_.request_id = worker_.new_request_id();
  client_deadline_.arm(started_ + inbound_.limits->head_timeout);
}

// `request`, or `close`: there will be none.
Task<Session::Next> Session::next_request() {
  adopt_snapshot();
  if (close_) {
    if (must_linger()) co_await linger();
    co_return Next::close;
  }
  forget_request();
  stream_.set_late(false);
  idle_ = true;
  const auto patience = worker_.draining() || leaving_ ? kDrainIdle
                        : refuse_                      ? inbound_.limits->head_timeout
                                                       : inbound_.limits->idle_timeout;
  client_deadline_.arm(over_ + patience);
  Next next = Next::incomplete;
  while (next == Next::incomplete) {
    if (!client_->buffer().empty()) {
      adopt_snapshot();
      next = parse_request();
      if (next != Next::incomplete) break;
      if (std::exchange(idle_, false)) begin_head();
    }
    if (stream_.input_ended()) co_return Next::close;
    if (idle_ && (stream_.is_late() || close_ || inbound_.has_lost_bound())) co_return Next::close;
    if (stream_.is_late()) {
      forget_head();
      leave();
      co_await refuse(Problem::request_timeout, "the request's head did not arrive in time");
      co_return Next::close;
    }
    if (client_->buffer().empty()) {
      client_->buffer().shrink();
      worker_.give_back(std::move(inbound_.request.fields));
    }
    client_->start_read();
    if (idle_ && !fresh_)
      wait_in(waiting().idle, over_);
    else
      wait_in(waiting().unfinished, idle_ ? over_ : started_);
    co_await event_.wait();
  }
  leave();
  fresh_ = false;
  if (next == Next::request) co_return next;
  co_await refuse(refusal_.problem, std::string(refusal_.reason));
  co_return Next::close;
}

Session::Next Session::parse_request() {
  client_->buffer().compact();
  if (!inbound_.request.fields.has_room()) inbound_.request.fields = worker_.take_fields();
  const http::HeadLimits limits{.max_line = inbound_.limits->max_request_line,
                                .max_bytes = inbound_.limits->max_head_bytes,
                                .max_fields = inbound_.limits->max_fields};
  const auto bytes = client_->buffer().view();
  if (!head_progress_.may_be_complete(bytes, limits)) return Next::incomplete;
  inbound_.request.scheme = secure_ ? "https" : "http";
  const auto head = http::parse_request_head(bytes, limits, inbound_.request);
  if (head.parsed == http::Parsed::incomplete) {
    head_progress_.found_incomplete(bytes.size());
    return Next::incomplete;
  }
  head_progress_.restart();
  return begin_request(head);
}

Session::Next Session::begin_request(const http::HeadResult& head) {
  idle_ = false;
  client_deadline_.disarm();
  started_ = steady_now();
  wall_ = std::chrono::system_clock::now();
  inbound_.connection = head.connection;
  inbound_.connection_bound = head.connection_bound;
  if (head.parsed == http::Parsed::refused) {
    refusal_ = head;
    forget_head();
    inbound_.request_id = worker_.new_request_id();
    return Next::refused;
  }
  auto& buffer = client_->buffer();
  buffer.hold(head.size);
  choose_request_id();
  inbound_.body = http::BodyDecoder(inbound_.request.body, inbound_.request.content_length);
  if (inbound_.body.done() || buffer.empty()) return Next::request;
  const auto step = inbound_.body.decode(buffer.data(), buffer.size());
  inbound_.buffered_body = step.data;
  if (inbound_.body.done())
    buffer.hold(step.consumed);  // in memory as a whole: it can be sent again
  else
    stream_.took(step.consumed);
  return Next::request;
}

// Kept when it is short and visible, else made (docs/reference.md, "Access log").
void Session::choose_request_id() {
  const auto given = inbound_.request.fields.find("x-request-id");
  const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
  if (given && !given->empty() && given->size() <= 128 && std::all_of(given->begin(), given->end(), visible))
    inbound_.request_id = *given;
  else
    inbound_.request_id = worker_.new_request_id();
}

}  // namespace fusewire::proxy
