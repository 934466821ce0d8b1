// SPDX-License-Identifier: Apache-2.0
// Bodies of all sizes in both framings and both directions, trailers, and back-pressure.
#include <atomic>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr std::size_t kSizes[] = {0, 1, 100, 64 * 1024, 64 * 1024 + 1, 5 * 1024 * 1024};

Response send_and_read(Connection& client, const std::string& raw) {
  REQUIRE(client.send(raw));
  return read_response(client);
}

}  // namespace

TEST_CASE("a response body arrives byte for byte, with Content-Length and chunked") {
  Rig rig;
  Connection client = rig.proxy.connect();
  for (const std::size_t size : kSizes) {
    CAPTURE(size);
    const std::string body = pattern(size);
    rig.upstream.script(scripts::ok(body));
    const Response counted = send_and_read(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(counted.complete);
    CHECK((counted.body == body));
    CHECK(counted.field("Content-Length") == std::to_string(size));

    rig.upstream.script(scripts::reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 10000)));
    const Response in_chunks = send_and_read(client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(in_chunks.complete);
    CHECK((in_chunks.body == body));
    CHECK(in_chunks.field("Transfer-Encoding") == "chunked");
    CHECK_FALSE(in_chunks.has("Content-Length"));
  }
  CHECK(rig.upstream.connection_count() == 1);
}

TEST_CASE("a request body arrives byte for byte, with Content-Length and chunked") {
  Rig rig(scripts::echo());
  Connection client = rig.proxy.connect();
  for (const std::size_t size : kSizes) {
    CAPTURE(size);
    const std::string body = pattern(size);
    const Response counted = send_and_read(
        client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + body);
    CHECK(counted.complete);
    CHECK((counted.body == body));

    const Response in_chunks =
        send_and_read(client, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 30000));
    CHECK(in_chunks.complete);
    CHECK((in_chunks.body == body));
  }
  for (const Request& request : rig.upstream.requests()) CHECK(request.complete);
}

TEST_CASE("trailers pass through chunked messages in both directions") {
  Rig rig(scripts::echo());
  Connection client = rig.proxy.connect();
  const Response reply = send_and_read(client,
                                       "POST / HTTP/1.1\r\nHost: h\r\nTrailer: X-Sum, X-Count\r\n"
                                       "Transfer-Encoding: chunked\r\n\r\n" +
                                           chunked("hello", 2, "X-Sum: abc\r\nX-Count: 5\r\n"));
  const FieldList trailers{{"X-Sum", "abc"}, {"X-Count", "5"}};
  CHECK(reply.complete);
  CHECK(reply.body == "hello");
  CHECK((reply.trailers == trailers));
  const Request seen = rig.upstream.requests().front();
  CHECK((seen.trailers == trailers));
  CHECK(seen.field("Trailer") == "X-Sum, X-Count");
}

TEST_CASE("a trailer that has no business there is dropped in either direction, and the message passes") {
  Rig rig(scripts::echo());
  Connection client = rig.proxy.connect();
  const std::string bad =
      "Content-Length: 3\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nConnection: Host\r\nAuthorization: x\r\n"
      "Content-Type: x\r\nX-Forwarded-For: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\nSet-Cookie: a\r\n";
  for (int i = 0; i < 2; ++i) {  // the connection goes on
    const Response reply = send_and_read(client, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                                     chunked("hello", 2, "X-Sum: abc\r\n" + bad + "X-Count: 5\r\n"));
    CHECK(reply.complete);
    CHECK((rig.upstream.requests().back().trailers == FieldList{{"X-Sum", "abc"}, {"X-Count", "5"}}));
  }
  rig.upstream.script(scripts::reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                     chunked("hello", 2, bad + "X-Sum: abc\r\n")));
  const Response back = rig.proxy.get("/");
  CHECK(back.status == 200);
  CHECK(back.complete);
  CHECK((back.trailers == FieldList{{"X-Sum", "abc"}}));
}

TEST_CASE("a deadline that a client sends as a trailer does not pass, nor what reads like it") {
  Rig rig(scripts::echo(), "    timeouts: {deadline_header: x-deadline}\n");
  Connection client = rig.proxy.connect();
  for (const std::size_t size : {std::size_t{5}, std::size_t{1024 * 1024}}) {  // with the head, and after it
    CAPTURE(size);
    const std::string trailers = "X-Sum: abc\r\nX-Deadline: 5\r\nx_deadline: 5\r\nX-Deadlines: 5\r\n";
    const Response reply = send_and_read(client, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                                     chunked(pattern(size), 30000, trailers));
    CHECK(reply.complete);
    CHECK((rig.upstream.requests().back().trailers == FieldList{{"X-Sum", "abc"}, {"X-Deadlines", "5"}}));
  }
}

TEST_CASE("a body in single bytes arrives as it was sent") {
  Rig rig(scripts::drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("dripping", 3), 1ms));
  const Response reply = rig.proxy.get("/");
  CHECK(reply.complete);
  CHECK(reply.body == "dripping");
}

TEST_CASE("a client that does not read makes the upstream wait") {
  constexpr std::size_t kOffered = 128 * 1024 * 1024;
  std::atomic<std::size_t> sent{0};
  std::atomic<bool> blocked{false};
  Rig rig([&](Call& call) {
    const std::string piece(256 * 1024, 'x');
    call.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kOffered) + "\r\n\r\n");
    while (sent < kOffered && call.connection().send(piece, 500ms)) sent += piece.size();
    blocked = true;
    call.hang();
  });
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(eventually([&] { return blocked.load(); }));
  CHECK(sent < kOffered / 2);
}

TEST_CASE("an upstream that does not read makes the client wait") {
  std::atomic<bool> done{false};
  Rig rig([&](Call& call) {
    eventually([&] { return done.load() || call.stopping(); });
    call.connection().close();
  });
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 134217728\r\n\r\n");
  const std::string piece(256 * 1024, 'x');
  std::size_t sent = 0;
  while (sent < 134217728 && client.send(piece, 500ms)) sent += piece.size();
  CHECK(sent < 134217728 / 2);
  done = true;
}
