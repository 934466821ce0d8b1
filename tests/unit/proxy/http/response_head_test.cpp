// SPDX-License-Identifier: Apache-2.0
// RFC 9112 §4 to §7: response heads and trailer sections.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proxy/http/head_parser.hpp"
#include "tests/support/exact_bytes.hpp"

using namespace fusewire;
using namespace fusewire::proxy::http;
using namespace std::string_literals;
using fusewire::testing::ExactBytes;

namespace {

std::string ok(std::string_view fields) { return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n\r\n"; }

template <class Parse>
Parsed at_every_split(std::string_view bytes, Parse parse) {
  bool refused = false;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ExactBytes some(bytes.substr(0, size));
    const Parsed parsed = parse(some.view());
    CAPTURE(size);
    REQUIRE(parsed != Parsed::complete);
    REQUIRE_FALSE((refused && parsed == Parsed::incomplete));
    refused = parsed == Parsed::refused;
  }
  const ExactBytes all(bytes);
  return parse(all.view());
}

Parsed response_verdict(std::string_view bytes) {
  return at_every_split(bytes, [](std::string_view some) {
    Response response;
    const HeadResult result = parse_response_head(some, {}, false, response);
    if (result.parsed == Parsed::refused) CHECK(result.problem == Problem::upstream_protocol_error);
    return result.parsed;
  });
}

Parsed trailer_verdict(std::string_view bytes) {
  return at_every_split(bytes, [](std::string_view some) {
    Fields fields;
    return parse_trailers(some, {}, fields).parsed;
  });
}

struct Case {
  const char* sentence;
  std::string bytes;
};

}  // namespace

TEST_CASE("a malformed response is refused, always as the upstream's fault") {
  for (const Case& fault : std::vector<Case>{
           {"Content-Length together with Transfer-Encoding", ok("Content-Length: 5\r\nTransfer-Encoding: chunked")},
           {"another coding than chunked", ok("Transfer-Encoding: gzip")},
           {"another coding before chunked", ok("Transfer-Encoding: gzip, chunked")},
           {"chunked twice", ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
           {"identity", ok("Transfer-Encoding: identity")},
           {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
           {"two different lengths", ok("Content-Length: 5\r\nContent-Length: 6")},
           {"a length with a sign", ok("Content-Length: +5")},
           {"an empty length", ok("Content-Length:")},
           {"a length that overflows", ok("Content-Length: 18446744073709551616")},
           {"a bad length where there is no body", "HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n"},
           {"a Connection field that names Content-Length", ok("Content-Length: 5\r\nConnection: content-length")},
           {"a Connection field that names Transfer-Encoding",
            ok("Transfer-Encoding: chunked\r\nConnection: transfer-encoding")},
           {"a bare LF after the status line", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n"},
           {"bare LFs only", "HTTP/1.1 200 OK\nContent-Length: 5\n\n"},
           {"a bare CR in a field", ok("A: b\rContent-Length: 5")},
           {"NUL in a field", ok("A: b"s + '\0')},
           {"a control character in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n"},
           {"a bare CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n"},
           {"a space before the colon", ok("Content-Length : 5")},
           {"obs-fold", ok("A: b\r\n c")},
           {"white space before the first field", "HTTP/1.1 200 OK\r\n Content-Length: 5\r\n\r\n"},
           {"no colon", ok("nonsense")},
           {"an empty line before the response", "\r\n" + ok("A: b")},
           {"white space before the response", " " + ok("A: b")},
           {"a status of letters", "HTTP/1.1 abc OK\r\n\r\n"},
           {"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
           {"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
           {"a status with a sign", "HTTP/1.1 +20 OK\r\n\r\n"},
           {"a status below 100", "HTTP/1.1 099 OK\r\n\r\n"},
           {"a status above 599", "HTTP/1.1 600 OK\r\n\r\n"},
           {"two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n"},
           {"a tab after the status", "HTTP/1.1 200\tOK\r\n\r\n"},
           {"no status", "HTTP/1.1\r\n\r\n"},
           {"another major version", "HTTP/2.0 200 OK\r\n\r\n"},
           {"another protocol", "ICY 200 OK\r\n\r\n"},
           {"101 fields",
            [] {
              std::string s = "HTTP/1.1 200 OK\r\n";
              for (int i = 0; i < 101; ++i) s += "A: b\r\n";
              return s + "\r\n";
            }()},
       }) {
    CAPTURE(fault.sentence);
    CHECK(response_verdict(fault.bytes) == Parsed::refused);
  }
}

TEST_CASE("a response's head says how its body ends") {
  struct Framed {
    const char* sentence;
    std::string bytes;
    bool to_head;
    BodyKind body;
    std::uint64_t length = 0;
  };
  for (const Framed& framed : std::vector<Framed>{
           {"a length", ok("Content-Length: 5"), false, BodyKind::length, 5},
           {"the same length twice", ok("Content-Length: 5, 5"), false, BodyKind::length, 5},
           {"chunked", ok("Transfer-Encoding: chunked"), false, BodyKind::chunked},
           {"neither: until the connection closes", ok("A: b"), false, BodyKind::until_close},
           {"HTTP/1.0 with neither", "HTTP/1.0 200 OK\r\n\r\n", false, BodyKind::until_close},
           {"an answer to HEAD", ok("Content-Length: 5"), true, BodyKind::none, 5},
           {"a chunked answer to HEAD", ok("Transfer-Encoding: chunked"), true, BodyKind::none},
           {"204", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false, BodyKind::none},
           {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, BodyKind::none, 5},
           {"100", "HTTP/1.1 100 Continue\r\n\r\n", false, BodyKind::none},
           {"103 with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", false, BodyKind::none, 5},
           {"205 is not an exception", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", false,
            BodyKind::length},
       }) {
    CAPTURE(framed.sentence);
    CHECK(response_verdict(framed.bytes) == Parsed::complete);
    Response response;
    CHECK(parse_response_head(framed.bytes + "more", {}, framed.to_head, response).size == framed.bytes.size());
    CHECK(response.body == framed.body);
    CHECK(response.content_length == framed.length);
  }
}

TEST_CASE("a reason may be empty, missing, or any text") {
  struct Line {
    const char* line;
    int status;
    const char* reason;
  };
  for (const Line& line :
       std::vector<Line>{{"HTTP/1.1 200 ", 200, ""},
                         {"HTTP/1.1 200", 200, ""},
                         {"HTTP/1.0 404 nicht gefunden, \xc3\xa4h", 404, "nicht gefunden, \xc3\xa4h"},
                         {"HTTP/1.7 599 x\ty", 599, "x\ty"}}) {
    CAPTURE(line.line);
    const std::string bytes = line.line + "\r\n\r\n"s;
    Response response;
    REQUIRE(parse_response_head(bytes, {}, false, response).parsed == Parsed::complete);
    CHECK(response.status == line.status);
    CHECK(response.reason == line.reason);
  }
}

TEST_CASE("a trailer that has no business there is left out") {
  for (const char* line : {"Content-Length: 5",
                           "Content-Length: x",
                           "Transfer-Encoding: chunked",
                           "host: h",
                           "Connection: close",
                           "Connection: Host",
                           "Connection: (",
                           "TE: trailers",
                           "Upgrade: h2c",
                           "Keep-Alive: timeout=5",
                           "Trailer: A",
                           "Authorization: x",
                           "Proxy-Authenticate: x",
                           "Cookie: a",
                           "SET-COOKIE: a",
                           "Content-Encoding: gzip",
                           "Content_Type: x",
                           "X-Forwarded-For: x",
                           "X_Real_IP: x",
                           "Via: x",
                           "Date: x",
                           "Cache-Control: x",
                           "If-Match: x"}) {
    CAPTURE(line);
    Fields fields;
    CHECK(parse_trailers(std::string("A: b\r\n") + line + "\r\nC: d\r\n\r\n", {}, fields).parsed == Parsed::complete);
    CHECK(fields.size() == 2);
  }
}

TEST_CASE("a malformed trailer is refused") {
  for (const Case& fault : std::vector<Case>{
           {"no colon", "nonsense\r\n\r\n"},
           {"a space before the colon", "A : b\r\n\r\n"},
           {"obs-fold", "A: b\r\n c\r\n\r\n"},
           {"white space first", " A: b\r\n\r\n"},
           {"a bare LF", "A: b\n\r\n"},
           {"a bare LF at the end", "A: b\r\n\n"},
           {"NUL", "A: b"s + '\0' + "\r\n\r\n"},
       }) {
    CAPTURE(fault.sentence);
    CHECK(trailer_verdict(fault.bytes) == Parsed::refused);
  }
  CHECK(trailer_verdict("\r\n") == Parsed::complete);
  CHECK(trailer_verdict("A: b\r\nX-Checksum: 1\r\n\r\n") == Parsed::complete);
}
