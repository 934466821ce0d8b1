// SPDX-License-Identifier: Apache-2.0
// Heads that come into a buffer by hand: no socket, and deadlines that the test has fall due.
#include "proxy/downstream/http1_reader.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <string_view>

#include "proxy/net/resolver.hpp"
#include "proxy/upstream/dns_cache.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;
using Next = Http1Reader::Next;

namespace {

struct Read {
  Read() {
    inbound.limits = &limits;
    reader.begin(now + limits.idle_timeout);
  }
  Next look() { return reader.look(false, true); }
  Next comes(std::string_view bytes) {
    REQUIRE(buffer.make_room());
    const auto [memory, room] = buffer.begin_read();
    REQUIRE(room >= bytes.size());
    std::memcpy(memory, bytes.data(), bytes.size());
    buffer.end_read(bytes.size());
    return look();
  }
  // The client's time is over.
  void time_passes() {
    const Time due = deadline.due();
    REQUIRE(due != kNever);
    context.deadlines().tick(due + 10ms);
  }

  WorkerCells cells;
  DnsCache dns{resolve, [](const ResolvedName&) {}};
  WorkerContext context{0, cells, dns, [] {}};
  config::ListenerLimits limits;
  NoClient client;
  Event event;
  Inbound inbound{.client = client, .event = event, .session = {}};
  ReadBuffer buffer{context.buffers()};
  int wakes = 0;
  ClientDeadline deadline{context.deadlines(), [this] { ++wakes; }};
  Http1Reader reader{context, buffer, inbound, deadline};
  const Time now = std::chrono::steady_clock::now();
};

constexpr std::string_view kGet = "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace

TEST_CASE_FIXTURE(Read, "a head that has come as a whole is a request, and is held") {
  CHECK(look() == Next::incomplete);
  CHECK(reader.is_idle());
  CHECK(comes(kGet) == Next::request);
  CHECK_FALSE(reader.is_idle());
  CHECK(inbound.request.method == "GET");
  CHECK(inbound.request.path == "/a");
  CHECK(inbound.request.scheme == "http");
  CHECK(inbound.request_id.size() == 32);
  CHECK(buffer.empty());
  CHECK(deadline.due() == kNever);
}

TEST_CASE_FIXTURE(Read, "a head may come byte by byte, and has head_timeout from its first") {
  for (const char c : kGet.substr(0, kGet.size() - 1)) {
    CHECK(comes({&c, 1}) == Next::incomplete);
    CHECK_FALSE(reader.is_idle());
  }
  CHECK(deadline.due() == reader.started() + limits.head_timeout);
  CHECK(comes("\n") == Next::request);
  CHECK(inbound.request.path == "/a");
}

TEST_CASE_FIXTURE(Read, "requests that come together are read one after the other") {
  CHECK(comes(std::string(kGet) + "HEAD /c HTTP/1.1\r\nHost: h\r\n\r\n") == Next::request);
  CHECK(inbound.request.path == "/a");
  buffer.release();
  reader.begin(now + 1h);
  CHECK(look() == Next::request);
  CHECK(inbound.request.method == "HEAD");
  CHECK(inbound.request.path == "/c");
}

TEST_CASE_FIXTURE(Read, "a body that came whole with its head stays in memory") {
  CHECK(comes("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc") == Next::request);
  CHECK(inbound.body.done());
  CHECK(inbound.buffered_body == "abc");
  CHECK(reader.body_taken() == 0);
  CHECK(buffer.empty());
}

TEST_CASE_FIXTURE(Read, "of a body that is still coming, what came with the head is not consumed yet") {
  CHECK(comes("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc") == Next::request);
  CHECK_FALSE(inbound.body.done());
  CHECK(inbound.buffered_body == "abc");
  CHECK(reader.body_taken() == 3);
  CHECK(buffer.view() == "abc");
}

TEST_CASE_FIXTURE(Read, "a request's own id is kept when it is short and visible") {
  CHECK(comes("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine\r\n\r\n") == Next::request);
  CHECK(inbound.request_id == "mine");
}

TEST_CASE_FIXTURE(Read, "a request's own id is replaced when it has blanks") {
  CHECK(comes("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: not mine\r\n\r\n") == Next::request);
  CHECK(inbound.request_id.size() == 32);
}

TEST_CASE_FIXTURE(Read, "a refused head shows its method and its path, and nothing else") {
  CHECK(comes("HEAD /secret?key HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n") == Next::refused);
  CHECK(reader.problem() == Problem::bad_request);
  CHECK_FALSE(reader.reason().empty());
  CHECK(inbound.request.method == "HEAD");
  CHECK(inbound.request.path == "/secret");
  CHECK(inbound.request.query.empty());
  CHECK(inbound.request.authority.empty());
  CHECK(inbound.request.target.empty());
}

TEST_CASE_FIXTURE(Read, "a head over its limit is refused before it is whole") {
  limits.max_request_line = 20;
  CHECK(comes("GET /" + std::string(40, 'a')) == Next::refused);
  CHECK(reader.problem() == Problem::uri_too_long);
  CHECK(inbound.request.method == "GET");
  CHECK(inbound.request.path == "/" + std::string(15, 'a'));
}

TEST_CASE_FIXTURE(Read, "a head that is late is refused") {
  CHECK(comes("GET /a HTT") == Next::incomplete);
  time_passes();
  CHECK(wakes == 1);
  CHECK(look() == Next::refused);
  CHECK(reader.problem() == Problem::request_timeout);
  CHECK(inbound.request.path == "/a");
}

TEST_CASE_FIXTURE(Read, "a client that has nothing to ask in time gets no answer") {
  time_passes();
  CHECK(look() == Next::close);
}

TEST_CASE_FIXTURE(Read, "a client that ends in the middle of a head gets no answer") {
  CHECK(comes("GET /a HTT") == Next::incomplete);
  CHECK(reader.look(true, true) == Next::close);
}

TEST_CASE_FIXTURE(Read, "a whole request is served although its client sends nothing more") {
  const auto [memory, room] = buffer.begin_read();
  std::memcpy(memory, kGet.data(), kGet.size());
  buffer.end_read(kGet.size());
  CHECK(reader.look(true, true) == Next::request);
}

TEST_CASE_FIXTURE(Read, "where no request is wanted any more, one that has begun may still come") {
  CHECK(comes("GET /a?b HTTP/1.1\r\n") == Next::incomplete);
  CHECK(reader.look(false, false) == Next::incomplete);
  CHECK(comes("Host: h\r\n\r\n") == Next::request);
  buffer.release();
  reader.begin(now + 1h);
  CHECK(reader.look(false, false) == Next::close);
}

TEST_CASE_FIXTURE(Read, "under TLS the scheme is https") {
  reader.set_secure(true);
  CHECK(comes(kGet) == Next::request);
  CHECK(inbound.request.scheme == "https");
}

TEST_CASE_FIXTURE(Read, "nothing of the last request is left for the next one") {
  CHECK(comes("PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc") == Next::request);
  CHECK(inbound.connection.close);
  buffer.release();
  reader.begin(now + 1h);
  CHECK(reader.is_idle());
  CHECK_FALSE(inbound.connection.close);
  CHECK(inbound.body.done());
  CHECK(inbound.body.decoded() == 0);
  CHECK(inbound.buffered_body.empty());
}
