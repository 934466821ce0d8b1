// SPDX-License-Identifier: Apache-2.0
// Framing of requests (RFC 9112 §6): what is ambiguous is refused, never guessed, never forwarded.
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;
using namespace std::string_literals;

namespace {

struct Fault {
  const char* sentence;
  std::string bytes;
  int status = 400;
  const char* error = "BadRequest";
};

// A request with one more field line, and with a chunked body.
std::string with(const std::string& field) { return "GET / HTTP/1.1\r\nHost: h\r\n" + field + "\r\n\r\n"; }
std::string post(const std::string& field) { return "POST / HTTP/1.1\r\nHost: h\r\n" + field + "\r\n\r\nhello"; }
std::string chunks(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

void refuse(const Rig& rig, const Fault& fault) {
  CAPTURE(fault.sentence);
  Connection client = rig.proxy.connect();
  client.send(fault.bytes);
  const Response reply = read_response(client);
  check_problem(reply, fault.status, fault.error);
  CHECK(reply.field("Connection") == "close");
  CHECK(client.take_all() == "");
  CHECK(client.end() == End::eof);
}

void refuse_all(const std::vector<Fault>& faults) {
  Rig rig(scripts::ok(), kNoBreaker);
  for (const Fault& fault : faults) refuse(rig, fault);
  CHECK(rig.upstream.request_count() == 0);
}

}  // namespace

TEST_CASE("a request whose length can be read in two ways is refused and not forwarded") {
  refuse_all({
      {"Content-Length together with Transfer-Encoding", post("Content-Length: 5\r\nTransfer-Encoding: chunked")},
      {"Transfer-Encoding before Content-Length", post("Transfer-Encoding: chunked\r\nContent-Length: 5")},
      {"two different lengths in two fields", post("Content-Length: 5\r\nContent-Length: 6")},
      {"two different lengths in one field", post("Content-Length: 5, 6")},
      {"a length with a sign", post("Content-Length: +5")},
      {"a negative length", post("Content-Length: -5")},
      {"a hexadecimal length", post("Content-Length: 0x5")},
      {"a length with letters", post("Content-Length: 5a")},
      {"a length with a space inside", post("Content-Length: 5 5")},
      {"an empty length", post("Content-Length:")},
      {"a length that overflows 64 bits", post("Content-Length: 18446744073709551616")},
      {"a length of forty digits", post("Content-Length: 1000000000000000000000000000000000000000")},
  });
}

TEST_CASE("a Transfer-Encoding other than exactly chunked is refused and not forwarded") {
  refuse_all({
      {"a coding alone", post("Transfer-Encoding: gzip")},
      {"chunked is not the last coding", post("Transfer-Encoding: chunked, gzip")},
      {"chunked twice in one field", post("Transfer-Encoding: chunked, chunked")},
      {"chunked in two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
      {"identity", post("Transfer-Encoding: identity")},
      {"a name that contains chunked", post("Transfer-Encoding: xchunked")},
      {"a quoted coding", post("Transfer-Encoding: \"chunked\"")},
      {"an empty value", post("Transfer-Encoding:")},
      {"a vertical tab before it", post("Transfer-Encoding: \x0b"s + "chunked")},
      {"in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"an unknown coding before chunked", post("Transfer-Encoding: gzip, chunked"), 501, "NotImplemented"},
  });
}

TEST_CASE("a Connection field that names a framing field is refused") {
  refuse_all({
      {"Host", with("Connection: Host")},
      {"Content-Length", post("Content-Length: 5\r\nConnection: close, content-length")},
      {"Transfer-Encoding", post("Connection: transfer-encoding\r\nContent-Length: 5")},
  });
}

TEST_CASE("a malformed head is refused and not forwarded") {
  refuse_all({
      {"a bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n"},
      {"a bare LF after a field", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n"},
      {"bare LFs only", "GET / HTTP/1.1\nHost: h\n\n"},
      {"a bare CR in a field", with("A: b\rc")},
      {"a bare CR as a line end", "GET / HTTP/1.1\rHost: h\r\n\r\n"},
      {"NUL in a field", with("A: b"s + '\0' + "c")},
      {"a control character in a field", with("A: b\x01"s + "c")},
      {"DEL in a field", with("A: b\x7f"s + "c")},
      {"a control character in a field name", with("A\x02: b"s)},
      {"a space before the colon", with("A : b")},
      {"a tab before the colon", with("A\t: b")},
      {"obs-fold with a space", with("A: b\r\n c")},
      {"obs-fold with a tab", with("A: b\r\n\tc")},
      {"white space before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"},
      {"a field without a colon", with("nonsense")},
      {"a field without a name", with(": v")},
      {"a name that is not a token", with("A(b): c")},
      {"a method that is not a token", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"s},
      {"two spaces after the method", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a target of no known form", "GET nonsense HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"an asterisk for another method than OPTIONS", "GET * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"two empty lines before it", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a TLS handshake on a plain port", "\x16\x03\x01\x02"s + '\0' + "\x01\r\n\r\n"s},
  });
}

TEST_CASE("a Host that is missing, repeated or invalid is refused") {
  refuse_all({
      {"missing", "GET / HTTP/1.1\r\nA: b\r\n\r\n"},
      {"missing with an absolute target", "GET http://h/ HTTP/1.1\r\nA: b\r\n\r\n"},
      {"repeated", with("Host: other")},
      {"repeated with the same value", with("Host: h")},
      {"with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {"with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"with user information", "GET / HTTP/1.1\r\nHost: user@h\r\n\r\n"},
      {"with a port of letters", "GET / HTTP/1.1\r\nHost: h:http\r\n\r\n"},
      {"a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
  });
}

TEST_CASE("another major version is answered 505") {
  refuse_all({
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, "VersionNotSupported"},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "VersionNotSupported"},
      {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505, "VersionNotSupported"},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505, "VersionNotSupported"},
  });
}

TEST_CASE("a malformed chunked body is answered 400 and never completed towards the upstream") {
  Rig rig(scripts::ok(), kNoBreaker);
  for (const Fault& fault : std::vector<Fault>{
           {"a chunk size with a plus sign", chunks("+5\r\nhello\r\n0\r\n\r\n")},
           {"a chunk size with a minus sign", chunks("-5\r\nhello\r\n0\r\n\r\n")},
           {"a chunk size with 0x", chunks("0x5\r\nhello\r\n0\r\n\r\n")},
           {"white space before the chunk size", chunks(" 5\r\nhello\r\n0\r\n\r\n")},
           {"a chunk size that overflows", chunks("10000000000000000\r\nhello\r\n0\r\n\r\n")},
           {"a chunk size that is not hexadecimal", chunks("5g\r\nhello\r\n0\r\n\r\n")},
           {"no chunk size", chunks("\r\nhello\r\n0\r\n\r\n")},
           {"a bare LF after the chunk size", chunks("5\nhello\r\n0\r\n\r\n")},
           {"more bytes than the chunk size says", chunks("5\r\nhello!\r\n0\r\n\r\n")},
           {"a bare LF after the chunk", chunks("5\r\nhello\n0\r\n\r\n")},
           {"a chunk extension without end", chunks("5;" + std::string(64 * 1024, 'x') + "\r\nhello\r\n0\r\n\r\n")},
           {"a trailer without a colon", chunks("5\r\nhello\r\n0\r\nnonsense\r\n\r\n")},
           {"a trailer that is folded", chunks("5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n")},
           {"a trailer with a control character", chunks("5\r\nhello\r\n0\r\nA: \x01\r\n\r\n"s)},
           {"a chunk extension without a name", chunks("5;\r\nhello\r\n0\r\n\r\n")},
           {"a chunk extension without its value", chunks("5;a=\r\nhello\r\n0\r\n\r\n")},
           {"a chunk extension that is no token", chunks("5;a{}\r\nhello\r\n0\r\n\r\n")},
           {"a chunk extension whose quotes stay open", chunks("5;a=\"b\r\nhello\r\n0\r\n\r\n")},
           {"a trailer section without end", chunks("0\r\nA: " + std::string(64 * 1024, 'x'))},
           {"a trailer with a space before its colon", chunks("5\r\nhello\r\n0\r\nA : b\r\n\r\n")},
       })
    refuse(rig, fault);
  for (const Request& request : rig.upstream.requests()) CHECK_FALSE(request.complete);
}

TEST_CASE("a HEAD that is refused is answered without a body, which would be read as the next answer") {
  Rig rig(scripts::ok(), kNoBreaker);
  for (const std::string& bytes :
       {"HEAD ? HTTP/1.1\r\nHost: h\r\n\r\n"s, "\r\nHEAD / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"s,
        "HEAD / HTTP/1.1\r\nHost: h\r\nA: "s + std::string(40 * 1024, 'a'), "HEAD /"s + std::string(10 * 1024, 'a')}) {
    CAPTURE(bytes.substr(0, 40));
    Connection client = rig.proxy.connect();
    client.send(bytes);
    const auto head = client.take_until("\r\n\r\n");
    REQUIRE(head);
    CHECK(head->substr(0, 10) == "HTTP/1.1 4");
    CHECK(client.take_all() == "");
  }
}

TEST_CASE("what is unusual but unambiguous passes") {
  struct Accepted {
    const char* sentence;
    std::string bytes;
    std::string body;
  };
  Rig rig(scripts::ok(), kNoBreaker);
  for (const Accepted& accepted : std::vector<Accepted>{
           {"one empty line before the request", "\r\n" + with("A: b"), ""},
           {"the same length twice in one field", post("Content-Length: 5, 5"), "hello"},
           {"the same length in two fields", post("Content-Length: 5\r\nContent-Length: 5"), "hello"},
           {"HTTP/1.2 is read as 1.1", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", ""},
           {"HTTP/1.9 is read as 1.1", "GET / HTTP/1.9\r\nHost: h\r\n\r\n", ""},
           {"chunk extensions are dropped", chunks("5;a=b ; c = \"d;\\\"e\"\r\nhello\r\n0;e\r\n\r\n"), "hello"},
           {"chunk sizes in capitals with leading zeros", chunks("00A\r\n0123456789\r\n0\r\n\r\n"), "0123456789"},
           {"a tab and bytes above 127 in a field", with("A: b\tc\xc3\xa9"), ""},
           {"an empty field", with("A:"), ""},
       }) {
    CAPTURE(accepted.sentence);
    const std::size_t before = rig.upstream.request_count();
    Connection client = rig.proxy.connect();
    client.send(accepted.bytes);
    CHECK(read_response(client).status == 200);
    REQUIRE(rig.upstream.request_count() == before + 1);
    const Request seen = rig.upstream.requests().back();
    CHECK(seen.complete);
    CHECK(seen.body == accepted.body);
    CHECK(seen.start_line.substr(seen.start_line.size() - 8) == "HTTP/1.1");
    if (seen.has("Content-Length")) CHECK(seen.field("Content-Length") == "5");
  }
}
