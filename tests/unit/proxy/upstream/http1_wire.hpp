// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 exchange over one end of a pair of sockets, with a loop that is run only where the test says so; the
// upstream at the other end says and reads what the test wants.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"
#include "proxy/upstream/http1_exchange.hpp"

namespace fusewire::testing {

using namespace proxy;
using HeadRead = UpstreamStream::HeadRead;
using BodyRead = UpstreamStream::BodyRead;

struct Http1Wire {
  Http1Wire() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(UpstreamConnection::acquire_slot(*state, 1));
    peer = ends[1];
    connection = std::make_unique<UpstreamConnection>(ChannelPtr(new Channel(loop, ends[0], buffers)),
                                                      BackendPtr(new Backend(SocketAddress())), state, 0);
    request.method = "GET";
    request.path = request.target = "/";
    begin();
  }
  ~Http1Wire() {
    exchange.reset();
    connection.reset();
    pool.close_all();
    if (peer >= 0) ::close(peer);
  }

  void begin() { exchange.emplace(*connection, limits, scratch, news); }
  bool send(std::string_view body = {}, bool last = true) {
    const RequestHead asked{.request = request,
                            .connection = options,
                            .peer = client,
                            .via = "via",
                            .request_id = "id",
                            .host = "h",
                            .deadline_header = {},
                            .deadline_ms = {},
                            .upgrades = nullptr,
                            .conditions = {}};
    return exchange->try_send(asked, {body, last, trailers});
  }
  bool send_more(std::string_view body, bool last) { return exchange->try_send_body({body, last, trailers}); }
  // What the upstream has got.
  std::string received() {
    std::string bytes(1 << 20, '\0');
    const ssize_t n = ::recv(peer, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  void turn() {
    exchange->listen();
    for (int turns = 0; turns < 3; ++turns) loop.turn(Time{});
  }
  void says(std::string_view bytes) {
    REQUIRE(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
    turn();
  }
  void hangs_up() {
    ::close(std::exchange(peer, -1));
    turn();
  }
  void finishes() {
    ::shutdown(peer, SHUT_WR);
    turn();
  }
  HeadRead read_head() { return exchange->read_head(head); }
  BodyRead read_body() { return exchange->read_body(piece); }
  // A request without a body is answered.
  HeadRead answer(std::string_view bytes) {
    REQUIRE(send());
    received();
    says(bytes);
    return read_head();
  }

  BufferPool buffers;
  Scratch::Pool scratch;
  Loop loop;
  UpstreamPool pool{loop.deadlines()};
  std::shared_ptr<UpstreamState> state = std::make_shared<UpstreamState>(config::Upstream{}, steady_now(), 1, 1);
  config::UpstreamLimits limits;
  Event news;
  Peer client;
  Request request;
  http::ConnectionOptions options;
  Fields trailers;
  int peer = -1;
  std::unique_ptr<UpstreamConnection> connection;
  std::optional<Http1Exchange> exchange;
  UpstreamHead head;
  std::string_view piece;
};

}  // namespace fusewire::testing
