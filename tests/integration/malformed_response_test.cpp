// SPDX-License-Identifier: Apache-2.0
// What is said of a malformed response, and how large a response's head may be.
#include <boost/json/value_to.hpp>
#include <string>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

std::string detail_of(Rig& rig, const std::string& raw) {
  rig.upstream.script(scripts::reply(raw));
  const auto body = check_problem(rig.proxy.get("/"), 502, "UpstreamProtocolError", "http_protocol_error");
  return boost::json::value_to<std::string>(body.at("detail"));
}

std::string with_fields(std::size_t count, const std::string& body = "hello") {
  std::string lines;
  for (std::size_t i = 2; i < count; ++i) lines += "X-" + std::to_string(i) + ": v\r\n";
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nA: b\r\n" + lines + "\r\n" + body;
}

std::string with_head_of(std::size_t size, const std::string& body = "hello") {
  std::string head = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\nA: b\r\n";
  while (head.size() + 2 < size) {
    const std::size_t left = size - 2 - head.size();
    const std::size_t line = left < 2000 ? left : 1000;
    head += "X: " + std::string(line - 5, 'x') + "\r\n";
  }
  return head + "\r\n" + body;
}

}  // namespace

TEST_CASE("the answer to a malformed response says what was malformed") {
  Rig rig(scripts::ok(), kNoBreaker);
  const std::string start = "upstream 'orders' sent a malformed response: ";
  CHECK(detail_of(rig, "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello") ==
        start + "Content-Length is not one number");
  CHECK(detail_of(rig, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n") == start + "the status line is malformed");
  CHECK(detail_of(rig, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n") ==
        start + "a switch of protocols that was not asked for");
  CHECK(detail_of(rig, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello") ==
        start + "a chunk size is not hexadecimal");
}

TEST_CASE("a response over the upstream's limits says which limit that is") {
  Rig rig(scripts::ok(), kNoBreaker);
  CHECK(detail_of(rig, with_fields(201)).find("limits.max_fields") != std::string::npos);
  CHECK(detail_of(rig, with_head_of(64 * 1024 + 1)).find("limits.max_head_bytes") != std::string::npos);
}

TEST_CASE("a response up to the upstream's limits passes with its body") {
  const std::string body = pattern(300'000);
  Rig rig(scripts::ok(), kNoBreaker);
  for (const std::string& raw : {with_fields(200, body), with_head_of(49 * 1024, body), with_head_of(60 * 1024, body),
                                 with_head_of(64 * 1024, body)}) {
    rig.upstream.script(scripts::reply(raw));
    const Response reply = rig.proxy.get("/");
    CHECK(reply.status == 200);
    CHECK(reply.body == body);
    CHECK(reply.field("A") == "b");
  }
}

TEST_CASE("the limits of a response can be set, and a connection goes on behind a very large head") {
  const std::string body = pattern(300'000);
  Rig rig(scripts::reply(with_head_of(256 * 1024, body)),
          std::string("    limits: {max_head_bytes: 256KiB, max_fields: 1000}\n") + kNoBreaker, "",
          {"runtime.workers=1"});
  for (int i = 0; i < 3; ++i) {
    const Response reply = rig.proxy.get("/");
    CHECK(reply.status == 200);
    CHECK(reply.head.size() > 256 * 1024 - 100);
    CHECK(reply.body == body);
  }
  CHECK(rig.upstream.connection_count() == 1);
  CHECK(detail_of(rig, with_head_of(256 * 1024 + 1)).find("limits.max_head_bytes") != std::string::npos);

  Rig small(scripts::ok(), std::string("    limits: {max_head_bytes: 1KiB, max_fields: 5}\n") + kNoBreaker);
  CHECK(detail_of(small, with_fields(6)).find("limits.max_fields") != std::string::npos);
  CHECK(detail_of(small, with_head_of(1025)).find("limits.max_head_bytes") != std::string::npos);
}

// `raw` in pieces of 700 bytes: many reads, whatever the kernel makes of them.
Script in_pieces(std::string raw) {
  return [raw = std::move(raw)](Call& call) {
    for (std::size_t at = 0; at < raw.size(); at += 700)
      if (!call.send(raw.substr(at, 700))) return;
  };
}

TEST_CASE("a large head that comes in small pieces passes") {
  const std::string one_line =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: " + std::string(200 * 1024, 'x') + "\r\n\r\nhello";
  for (const std::string& raw : {with_head_of(60 * 1024), one_line}) {
    Rig rig(in_pieces(raw), std::string("    limits: {max_head_bytes: 256KiB}\n") + kNoBreaker);
    const Response reply = rig.proxy.get("/");
    CHECK(reply.status == 200);
    CHECK(reply.body == "hello");
  }
}

TEST_CASE("a line without end that comes in small pieces is refused at the limit") {
  Rig rig(in_pieces("HTTP/1.1 200 OK\r\nX: " + std::string(200 * 1024, 'x')), kNoBreaker);
  check_problem(rig.proxy.get("/"), 502, "UpstreamProtocolError", "http_protocol_error");
  Rig large(in_pieces("HTTP/1.1 200 OK\r\nX: " + std::string(300 * 1024, 'x')),
            std::string("    limits: {max_head_bytes: 256KiB}\n") + kNoBreaker);
  check_problem(large.proxy.get("/"), 502, "UpstreamProtocolError", "http_protocol_error");
}
