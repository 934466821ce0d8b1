// SPDX-License-Identifier: Apache-2.0
// What a client reads of a response, at the other end of a pair of sockets.
#include "proxy/downstream/http1_writer.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include "proxy/downstream/http1_client.hpp"
#include "proxy/net/resolver.hpp"
#include "proxy/net/spawn.hpp"
#include "proxy/upstream/dns_cache.hpp"

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

struct Sockets {
  Sockets() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0); }
  ~Sockets() { ::close(ends[1]); }
  int ends[2];
};

struct Writing : Watcher {
  explicit Writing(std::string_view head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n") : text(head) {
    const auto parsed = http::parse_request_head(text, {}, inbound.request);
    REQUIRE(parsed.parsed == http::Parsed::complete);
    inbound.connection = parsed.connection;
    inbound.body = http::BodyDecoder(inbound.request.body, inbound.request.content_length);
    inbound.limits = &limits;
    channel->watch(this);
    writer.emplace(client, context.scratch());
  }
  ~Writing() { channel->close(); }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

  // Nothing but the rest of the request's body comes.
  void on_activity() override { CHECK(writer->is_discarding()); }

  // A response's first part.
  void begin(std::string_view piece, bool last, bool length_known = true, int status = 200) {
    const std::optional<std::uint64_t> length = length_known ? std::optional<std::uint64_t>(5) : std::nullopt;
    const ResponseStart start{
        .status = status, .fields = fields, .length_known = length_known, .content_length = length};
    CHECK(client.write({.start = &start, .piece = piece, .last = last}));
  }
  void go_on(std::string_view piece, bool last) { CHECK(client.write({.piece = piece, .last = last})); }
  // What has come since the last time; `ended`: and the end of it all.
  std::string read() {
    std::string bytes(16 * 1024, '\0');
    const ssize_t n = ::recv(sockets.ends[1], bytes.data(), bytes.size(), 0);
    bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    ended = n == 0;
    return bytes;
  }
  bool closes() { return read().find("Connection: close\r\n") != std::string::npos && persistence.ended(); }

  Sockets sockets;
  WorkerCells cells;
  DnsCache dns{resolve, [](const ResolvedName&) {}};
  WorkerContext context{0, cells, dns, [] {}};
  ListenerGate gate;
  config::ListenerLimits limits;
  ChannelPtr channel{new Channel(context.loop(), sockets.ends[0], context.buffers())};
  Event event;
  ClientDeadline deadline{context.deadlines(), [] {}};
  BodyDiscard discarded;
  Http1Persistence persistence{context, gate, *channel, inbound};
  Http1Client client{{*channel, inbound, deadline, persistence, discarded}};
  Inbound inbound{.client = client, .event = event, .session = {}};
  Fields fields;
  std::string text;
  std::optional<Http1Writer> writer;
  bool ended = false;
};

}  // namespace

TEST_CASE("a body of known length goes out behind its head, and the connection is kept") {
  Writing response;
  response.begin("hello", true);
  CHECK(response.read() == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  CHECK_FALSE(response.persistence.ended());
}

TEST_CASE("a body of unknown length is chunked for a client of HTTP/1.1") {
  Writing response;
  response.begin("hel", false, false);
  CHECK(response.read() == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n");
  response.go_on("lo", true);
  CHECK(response.read() == "2\r\nlo\r\n0\r\n\r\n");
  CHECK_FALSE(response.persistence.ended());
}

TEST_CASE("a body of unknown length ends with the connection for a client of HTTP/1.0") {
  Writing response("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  response.begin("hel", false, false);
  CHECK(response.read() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhel");
  CHECK(response.persistence.ended());
}

TEST_CASE("the response to HEAD declares a length and has no body") {
  Writing response("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  response.begin({}, true);
  CHECK(response.read() == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
}

TEST_CASE("a large piece is not copied behind its head") {
  Writing response;
  const std::string large(8192, 'x');
  response.begin(large, true);
  CHECK(response.read() == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + large);
}

TEST_CASE("a switch of protocols does not say that the connection ends, although it takes no further request") {
  Writing response;
  response.client.close_after_response();
  response.begin({}, true, false, 101);
  CHECK(response.read() == "HTTP/1.1 101 Switching Protocols\r\n\r\n");
}

TEST_CASE("the last response says so: the client asked for it") {
  Writing response("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  response.begin("hello", true);
  CHECK(response.closes());
}

TEST_CASE("the last response says so: the process drains") {
  Writing response;
  response.context.begin_drain();
  response.begin("hello", true);
  CHECK(response.closes());
}

TEST_CASE("the last response says so: others wait for the connection's place") {
  Writing response;
  response.gate.full = true;
  response.begin("hello", true);
  CHECK(response.closes());
}

TEST_CASE("the last response says so: its listener admits others now") {
  Writing response;
  response.persistence.leave();
  response.begin("hello", true);
  CHECK(response.closes());
}

TEST_CASE("the last response says so: too much of the request's body has not been read") {
  Writing response("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  response.begin("hello", true);
  CHECK(response.closes());
}

TEST_CASE("a response that may end before a long upload says that it is the last, whole or not") {
  Writing response("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  response.begin("he", false);
  CHECK(response.closes());
}

TEST_CASE("a response to a request with little left to read keeps the connection") {
  Writing response("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  response.begin("hello", true);
  CHECK_FALSE(response.closes());
}

TEST_CASE("a response whose framing shows that it is unfinished is broken off with an end") {
  Writing response;
  response.begin("hel", false);
  CHECK(response.read().ends_with("\r\n\r\nhel"));
  response.client.break_off();
  CHECK(response.read().empty());
  CHECK(response.ended);
  CHECK(response.channel->closed());
  CHECK(response.persistence.ended());
}

TEST_CASE("without a request under way, breaking off closes the connection") {
  Writing response;
  response.writer.reset();
  response.client.break_off();
  CHECK(response.channel->closed());
}

TEST_CASE("a client that takes nothing is waited for, and the rest of its request's body is dropped meanwhile") {
  Writing response("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  const int small = 4608;
  REQUIRE(::setsockopt(response.sockets.ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  const std::string large(256 * 1024, 'x');
  const ResponseStart start{.fields = response.fields, .content_length = large.size()};
  CHECK_FALSE(response.client.write({.start = &start, .piece = large, .last = true}));
  bool written = false;
  spawn(
      [](Writing& to, bool& done) -> Task<void> {
        co_await to.client.flush_response();
        done = true;
      }(response, written),
      "flush");
  REQUIRE(::send(response.sockets.ends[1], std::string(600, 'b').data(), 600, MSG_NOSIGNAL) == 600);
  std::size_t taken = 0;
  for (int turns = 0; !written && turns < 1000; ++turns) {
    response.context.loop().turn(Time{});
    taken += response.read().size();
  }
  CHECK(written);
  CHECK_FALSE(response.writer->is_discarding());
  while (const std::size_t n = response.read().size()) taken += n;
  CHECK(taken > large.size());
  CHECK(response.inbound.body.decoded() == 600);
}
