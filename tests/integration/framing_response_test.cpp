// SPDX-License-Identifier: Apache-2.0
// Framing of responses (RFC 9112 §6): the same faults from the upstream are a 502, and its connection is not used
// again.
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;
using namespace std::string_literals;

namespace {

struct Answer {
  const char* sentence;
  std::string bytes;
};

std::string with(const std::string& field) { return "HTTP/1.1 200 OK\r\n" + field + "\r\n\r\nhello"; }

std::string many_fields(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "\r\nX-" + std::to_string(i) + ": v";
  return lines;
}

}  // namespace

TEST_CASE("a malformed head from the upstream is answered 502 and its connection closed") {
  Rig rig(scripts::ok(), kNoBreaker);
  for (const Answer& answer : std::vector<Answer>{
           {"Content-Length together with Transfer-Encoding", with("Content-Length: 5\r\nTransfer-Encoding: chunked")},
           {"another coding than chunked", with("Transfer-Encoding: gzip")},
           {"a coding before chunked", with("Transfer-Encoding: gzip, chunked")},
           {"chunked twice", with("Transfer-Encoding: chunked, chunked")},
           {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
           {"a length with a sign", with("Content-Length: +5")},
           {"a length with letters", with("Content-Length: 5a")},
           {"an empty length", with("Content-Length:")},
           {"a length that overflows", with("Content-Length: 18446744073709551616")},
           {"two different lengths", with("Content-Length: 5\r\nContent-Length: 6")},
           {"a Connection field that names Content-Length", with("Content-Length: 5\r\nConnection: content-length")},
           {"a bare LF in the head", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello"},
           {"bare LFs only", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"},
           {"a bare CR in a field", with("Content-Length: 5\r\nA: b\rc")},
           {"NUL in a field", with("Content-Length: 5\r\nA: b"s + '\0')},
           {"a control character in a field", with("Content-Length: 5\r\nA: \x01"s)},
           {"a space before the colon", with("Content-Length : 5")},
           {"obs-fold", with("Content-Length: 5\r\nA: b\r\n c")},
           {"white space before the first field", "HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\nhello"},
           {"a field without a colon", with("Content-Length: 5\r\nnonsense")},
           {"a status that is no number", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"},
           {"a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
           {"a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"},
           {"a status below 100", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"},
           {"another major version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
           {"no HTTP at all", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\r\n"},
           {"binary garbage", "\x16\x03\x01\x02"s + '\0' + "\xff\xfe\r\n\r\n"s},
           {"a head of 201 fields", with("Content-Length: 5" + many_fields(200))},
           {"a head over 64 KiB", with("Content-Length: 5\r\nA: " + std::string(65 * 1024, 'a'))},
           {"a head without end", "HTTP/1.1 200 OK\r\nA: " + std::string(200 * 1024, 'a')},
       }) {
    CAPTURE(answer.sentence);
    rig.upstream.script(scripts::reply(answer.bytes));
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    check_problem(read_response(client), 502, "UpstreamProtocolError", "http_protocol_error");
    CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  }
}

TEST_CASE("a malformed chunked body from the upstream never ends properly for the client") {
  Rig rig(scripts::ok(), kNoBreaker);
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
  for (const Answer& answer : std::vector<Answer>{
           {"a chunk size with a sign", head + "+5\r\nhello\r\n0\r\n\r\n"},
           {"a chunk size with 0x", head + "0x5\r\nhello\r\n0\r\n\r\n"},
           {"a chunk size that overflows", head + "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"},
           {"more bytes than announced", head + "5\r\nhello!\r\n0\r\n\r\n"},
           {"a bare LF after a chunk size", head + "5\nhello\r\n0\r\n\r\n"},
           {"white space before a chunk size", head + " 5\r\nhello\r\n0\r\n\r\n"},
           {"a chunk extension without end", head + "5;" + std::string(64 * 1024, 'x') + "\r\nhello\r\n0\r\n\r\n"},
           {"a malformed chunk extension", head + "5;a b\r\nhello\r\n0\r\n\r\n"},
           {"a trailer that is folded", head + "0\r\nA: b\r\n c\r\n\r\n"},
       }) {
    CAPTURE(answer.sentence);
    rig.upstream.script(scripts::reply(answer.bytes));
    Connection client = rig.proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    const Response reply = read_response(client);
    if (reply.status == 502) {
      check_problem(reply, 502, "UpstreamProtocolError", "http_protocol_error");
    } else {
      CHECK_FALSE(reply.complete);
      CHECK(client.ended());
    }
    CHECK(eventually([&] { return rig.upstream.open_connections() == 0; }));
  }
}

TEST_CASE("a malformed response is a failure for the breaker") {
  Rig rig(scripts::reply("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"));
  rig.proxy.get("/");
  CHECK(rig.proxy.breaker().totals.failure == 1);
}

TEST_CASE("an unusual but unambiguous response passes") {
  Rig rig(scripts::ok(), kNoBreaker);
  for (const Answer& answer : std::vector<Answer>{
           {"the same length twice", with("Content-Length: 5, 5")},
           {"an empty reason", "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello"},
           {"HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
           {"a chunked body with extensions",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"},
       }) {
    CAPTURE(answer.sentence);
    rig.upstream.script(scripts::reply(answer.bytes));
    const Response reply = rig.proxy.get("/");
    CHECK(reply.status == 200);
    CHECK(reply.body == "hello");
    CHECK(reply.complete);
  }
}

TEST_CASE("a response that lasts until the upstream closes arrives whole") {
  Rig rig(scripts::cut("HTTP/1.1 200 OK\r\nA: b\r\n\r\nall of it"), kNoBreaker);
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 200);
  CHECK(reply.body == "all of it");
  CHECK(reply.complete);
}
