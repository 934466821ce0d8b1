// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_upstream.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "tests/chaos/vanish.hpp"
#include "tests/support/forever.hpp"

namespace fusewire::testing {

namespace {

constexpr int kAcceptPollMs = 10;

}  // namespace

Call::Call(ScriptedUpstream& upstream, Connection& connection, Request request)
    : upstream_(upstream), connection_(connection), request_(std::move(request)) {
  number_ = upstream_.record(request_);
}

const Request& Call::read_body() {
  if (std::exchange(body_read_, true)) return request_;
  testing::read_body(connection_, request_, Body::by_fields, kForever);
  upstream_.record_body(number_, request_);
  return request_;
}

void Call::hang() { connection_.ended(kForever); }

bool Call::stopping() const { return upstream_.stopping_.load(); }

ScriptedUpstream::ScriptedUpstream(Script script, std::uint8_t host, std::uint16_t port, TlsEnd* tls)
    : tls_(tls), port_(host, port), script_(std::move(script)) {
  start();
}

ScriptedUpstream::~ScriptedUpstream() { kill(); }

void ScriptedUpstream::start() {
  if (acceptor_.joinable()) return;
  stopping_ = false;
  listener_ = port_.listen();
  acceptor_ = std::thread([this] { accept_loop(); });
}

void ScriptedUpstream::kill() {
  if (!acceptor_.joinable()) return;
  stopping_ = true;
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  connections_.clear();
}

void ScriptedUpstream::silence(bool on) const { chaos::drop_what_arrives(listener_, on); }

void ScriptedUpstream::accept_loop() {
  while (!stopping_) {
    pollfd entry{listener_, POLLIN, 0};
    if (::poll(&entry, 1, kAcceptPollMs) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connection_count_;
    ++open_connections_;
    connections_.emplace_back([this, fd] { serve(fd); });
  }
  ::close(std::exchange(listener_, -1));
}

void ScriptedUpstream::serve(int fd) {
  Connection connection(fd, &stopping_);
  const bool good = tls_ == nullptr || connection.secure(*tls_, false, kForever);
  if (!good) ++refused_;
  if (good && tls_ != nullptr && connection.tls().resumed()) ++resumed_;
  while (good) {
    auto head = read_request_head(connection, kForever);
    if (!head) break;
    Call call(*this, connection, std::move(*head));
    current()(call);
    if (!connection.is_open()) break;
    call.read_body();
    if (connection.end() != End::open) break;
  }
  if (stopping_ && connection.is_open()) connection.reset();
  connection.close();
  --open_connections_;
}

std::size_t ScriptedUpstream::record(const Request& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  return ++request_count_;
}

void ScriptedUpstream::record_body(std::size_t number, const Request& request) {
  const std::lock_guard lock(mutex_);
  requests_[number - 1] = request;
}

Script ScriptedUpstream::current() const {
  const std::lock_guard lock(mutex_);
  return script_;
}

void ScriptedUpstream::script(Script script) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

std::vector<Request> ScriptedUpstream::requests() const {
  const std::lock_guard lock(mutex_);
  return {requests_.begin(), requests_.end()};
}

namespace scripts {

Script reply(std::string raw) {
  return [raw = std::move(raw)](Call& call) {
    call.read_body();
    call.send(raw);
  };
}

Script ok(std::string body) { return reply(response(200, body)); }

Script status(int status, std::string body) { return reply(response(status, body)); }

Script early(std::string raw) {
  return [raw = std::move(raw)](Call& call) { call.send(raw); };
}

Script echo() {
  return [](Call& call) {
    const Request& request = call.read_body();
    if (!request.complete) return;
    if (!request.has("Transfer-Encoding")) {
      call.send(response(200, request.body));
      return;
    }
    std::string trailers;
    for (const auto& [name, value] : request.trailers) trailers.append(name).append(": ").append(value).append("\r\n");
    call.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(request.body, 10000, trailers));
  };
}

Script delayed(milliseconds delay, Script then) {
  return [delay, then = std::move(then)](Call& call) {
    call.read_body();
    if (call.wait(delay)) then(call);
  };
}

Script drip(std::string raw, milliseconds pause) {
  return [raw = std::move(raw), pause](Call& call) {
    call.read_body();
    for (const char& byte : raw)
      if (!call.send({&byte, 1}) || !call.wait(pause)) return;
  };
}

Script hang() {
  return [](Call& call) {
    call.read_body();
    call.hang();
  };
}

Script cut(std::string raw) {
  return [raw = std::move(raw)](Call& call) {
    call.read_body();
    call.send(raw);
    call.connection().close();
  };
}

Script reset(std::string raw) {
  return [raw = std::move(raw)](Call& call) {
    call.read_body();
    call.send(raw);
    if (!raw.empty()) call.wait(50ms);  // an RST overtakes bytes that the proxy has not read yet
    call.connection().reset();
  };
}

Script in_turn(std::vector<Script> list) {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  return [list = std::move(list), next](Call& call) {
    const std::size_t turn = next->fetch_add(1);
    list[turn < list.size() ? turn : list.size() - 1](call);
  };
}

}  // namespace scripts

}  // namespace fusewire::testing
