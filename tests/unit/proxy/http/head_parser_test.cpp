// SPDX-License-Identifier: Apache-2.0
// RFC 9112 §2 to §5: request heads, line by line. What is ambiguous is refused, however its bytes arrive.
#include "tests/unit/proxy/http/heads.hpp"

#include "filters/connection_field.hpp"
#include "proxy/http/head_progress.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::string_literals;

TEST_CASE("a line that does not end with exactly CRLF is refused") {
  refuse_all({
      {"a bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n"},
      {"a bare LF after a field", "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n"},
      {"a bare LF as the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\n"},
      {"bare LFs only", "GET / HTTP/1.1\nHost: h\n\n"},
      {"a bare CR after the request line", "GET / HTTP/1.1\rHost: h\r\n\r\n"},
      {"a bare CR in a field", with("A: b\rc")},
      {"a bare CR that hides a field", with("A: b\rTransfer-Encoding: chunked")},
      {"a bare CR before CRLF", with("A: b\r")},
      {"LF and CR in the wrong order", "GET / HTTP/1.1\n\rHost: h\r\n\r\n"},
      {"a bare LF before the request", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a bare CR before the request", "\rGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"},
  });
}

TEST_CASE("a malformed field is refused") {
  refuse_all({
      {"NUL in a value", with("A: b"s + '\0' + "c")},
      {"NUL in a name", with("A"s + '\0' + ": b")},
      {"a control character in a value", with("A: b\x01"s + "c")},
      {"a form feed in a value", with("A: b\x0c"s + "c")},
      {"DEL in a value", with("A: b\x7f"s + "c")},
      {"a control character in a name", with("A\x02: b")},
      {"a byte above 127 in a name", with("\xc3\x84: b")},
      {"a space before the colon", with("Content-Length : 5")},
      {"a tab before the colon", with("Transfer-Encoding\t: chunked")},
      {"obs-fold with a space", with("A: b\r\n c")},
      {"obs-fold with a tab", with("Transfer-Encoding:\r\n\tchunked")},
      {"a folded line of white space", with("A: b\r\n ")},
      {"a space before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n"},
      {"a tab before the first field", "GET / HTTP/1.1\r\n\tContent-Length: 5\r\nHost: h\r\n\r\n"},
      {"no colon", with("nonsense")},
      {"no name", with(": v")},
      {"a name in parentheses", with("A(b): c")},
      {"a name in quotes", with("\"A\": c")},
      {"a name with a slash", with("A/b: c")},
  });
}

TEST_CASE("a malformed request line is refused") {
  refuse_all({
      {"a method that is not a token", "G@T / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"no method", " / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"an empty target", to("")},
      {"no version, as in HTTP/0.9", "GET /\r\n\r\n"},
      {"a space in the target", to("/a b")},
      {"two spaces after the method", to(" /")},
      {"two spaces after the target", to("/ ")},
      {"a tab for a space", "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n"},
      {"a tab in the target", to("/a\tb")},
      {"a control character in the target", to("/\x01")},
      {"NUL in the target", to("/"s + '\0')},
      {"DEL in the target", to("/\x7f")},
      {"a fragment in the target", to("/a#b")},
      {"a target without a slash", to("nonsense")},
      {"a target of another scheme", to("ftp://h/")},
      {"an absolute target without a host", to("http:///x")},
      {"an absolute target with user information", to("http://user@h/")},
      {"an absolute target with a bad port", to("http://h:8o/")},
      {"an asterisk for another method than OPTIONS", to("*")},
      {"white space after the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
      {"a version in small letters", "GET / http/1.1\r\nHost: h\r\n\r\n"},
      {"a version of one digit", "GET / HTTP/1\r\nHost: h\r\n\r\n"},
      {"a version of three digits", "GET / HTTP/1.10\r\nHost: h\r\n\r\n"},
      {"another protocol", "GET / ICY/1.1\r\nHost: h\r\n\r\n"},
      {"the first bytes of TLS", "\x16\x03\x01\x02"s + '\0' + "\x01\xfc\x03\x03"s},
      {"the PROXY protocol, version 2", "\r\n\r\n"s + '\0' + "\r\nQUIT\n"s},
  });
}

TEST_CASE("what this proxy does not serve has an answer of its own") {
  refuse_all({
      {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", Problem::method_not_allowed},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", Problem::method_not_allowed},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", Problem::version_not_supported},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", Problem::version_not_supported},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Problem::version_not_supported},
      {"a request line of 8 KiB and a byte", line_of(8 * 1024 + 1), Problem::uri_too_long},
      {"a request line without end", "GET /" + std::string(9000, 'a'), Problem::uri_too_long},
      {"101 fields", fields_of(101), Problem::headers_too_large},
  });
}

TEST_CASE("a head over 32 KiB is refused, one of 32 KiB is not") {
  Request request;
  CHECK(parse(head_of(32 * 1024), request).parsed == Parsed::complete);
  CHECK(parse("\r\n" + head_of(32 * 1024), request).parsed == Parsed::complete);
  const std::string large = head_of(32 * 1024 + 1);
  CHECK(parse(large, request).problem == Problem::headers_too_large);
  CHECK(parse(large.substr(0, 32 * 1024), request).parsed == Parsed::incomplete);
  CHECK(parse(head_of(40 * 1024).substr(0, 32 * 1024 + 1), request).problem == Problem::headers_too_large);
}

TEST_CASE("a request line of 8 KiB is taken, whichever of its bytes have come") {
  const std::string bytes = line_of(8 * 1024);
  Request request;
  for (std::size_t size : {8191U, 8192U, 8193U, 8194U})
    CHECK(parse(std::string_view(bytes).substr(0, size), request).parsed == Parsed::incomplete);
  CHECK(parse(bytes, request).parsed == Parsed::complete);
}

TEST_CASE("what is unusual but unambiguous is complete with its last byte and not before") {
  struct Accepted {
    const char* sentence;
    std::string bytes;
    BodyKind body = BodyKind::none;
    std::uint64_t length = 0;
  };
  for (const Accepted& accepted : std::vector<Accepted>{
           {"one empty line before the request", "\r\n" + with("A: b")},
           {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
           {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n"},
           {"a method that nobody knows", "PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n"},
           {"an empty field", with("A:")},
           {"white space around a value", with("A: \t b \t ")},
           {"a tab and bytes above 127 in a value", with("A: b\tc\xc3\xa9")},
           {"100 fields", fields_of(100)},
           {"a length", with("Content-Length: 5"), BodyKind::length, 5},
           {"a length of nothing", with("Content-Length: 0"), BodyKind::length, 0},
           {"the same length twice in one field", with("Content-Length: 5 ,\t5"), BodyKind::length, 5},
           {"the same length in two fields", with("Content-Length: 5\r\ncontent-length: 5"), BodyKind::length, 5},
           {"a length with leading zeros", with("Content-Length: 00000000000000000000005"), BodyKind::length, 5},
           {"the largest length", with("Content-Length: 9223372036854775807"), BodyKind::length, 9223372036854775807U},
           {"chunked in any case of letters", with("TRANSFER-encoding: ChunkeD"), BodyKind::chunked},
           {"a Connection field of 100 options", with("Connection: a" +
                                                      [] {
                                                        std::string list;
                                                        for (int i = 1; i < 100; ++i) list += ",a";
                                                        return list;
                                                      }())},
       }) {
    CAPTURE(accepted.sentence);
    const HeadResult result = parse_at_every_split(accepted.bytes);
    CHECK(result.parsed == Parsed::complete);
    CHECK(result.size == accepted.bytes.size());
    Request request;
    const std::string next = accepted.bytes + "GET /next HTTP/1.1\r\n";
    CHECK(parse(next, request).size == accepted.bytes.size());
    CHECK(request.body == accepted.body);
    CHECK(request.content_length == accepted.length);
  }
}

TEST_CASE("no bytes at all are an unfinished head") {
  Request request;
  Response response;
  Fields fields;
  CHECK(parse({}, request).parsed == Parsed::incomplete);
  CHECK(parse_response_head({}, {}, false, response).parsed == Parsed::incomplete);
  CHECK(parse_trailers({}, {}, fields).parsed == Parsed::incomplete);
}

TEST_CASE("a head that comes byte by byte is looked at line by line") {
  const std::string head = "\r\nGET / HTTP/1.1\r\nHost: h\r\nX-Long: " + std::string(2000, 'x') + "\r\n\r\n";
  HeadProgress progress;
  std::size_t looks = 0;
  Request request;
  HeadResult result;
  for (std::size_t n = 1; n <= head.size(); ++n) {
    const std::string_view some(head.data(), n);
    if (!progress.may_be_complete(some, HeadLimits{})) continue;
    ++looks;
    result = parse(some, request);
    progress.found_incomplete(n);
  }
  CHECK(result.parsed == Parsed::complete);
  CHECK(looks == 6);  // its first byte and its five lines
}

TEST_CASE("a large head that comes line by line is parsed a few times only") {
  std::string head = "HTTP/1.1 200 OK\r\n";
  std::vector<std::size_t> ends{head.size()};
  while (head.size() < 200 * 1024) ends.push_back((head += "X-Some: " + std::string(50, 'x') + "\r\n").size());
  ends.push_back((head += "\r\n").size());
  const HeadLimits limits{.max_line = 1 << 20, .max_bytes = 1 << 20, .max_fields = 100'000};
  HeadProgress progress;
  std::size_t parsed = 0;
  Response response;
  HeadResult result;
  for (const std::size_t n : ends) {
    const std::string_view some(head.data(), n);
    if (!progress.may_be_complete(some, limits)) continue;
    parsed += n;
    result = parse_response_head(some, limits, false, response);
    progress.found_incomplete(n);
  }
  CHECK(result.parsed == Parsed::complete);
  CHECK(parsed < 6 * head.size());
}

TEST_CASE("the end of a large head is news, however it is cut") {
  const std::string head = "HTTP/1.1 200 OK\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n";
  for (std::size_t cut = 1; cut <= 3; ++cut) {
    HeadProgress progress;
    const std::string_view some(head.data(), head.size() - cut);
    CHECK(progress.may_be_complete(some, HeadLimits{}));
    progress.found_incomplete(some.size());
    CHECK(progress.may_be_complete(head, HeadLimits{}));
  }
}

TEST_CASE("a limit that is passed in the middle of a line is news") {
  const HeadLimits limits{.max_line = 100, .max_bytes = 300, .max_fields = 10};
  const auto refused_at = [&](const std::string& endless) {
    Request request;
    HeadProgress progress;
    for (std::size_t n = 1; n <= endless.size(); ++n) {
      const std::string_view some(endless.data(), n);
      if (!progress.may_be_complete(some, limits)) continue;
      progress.found_incomplete(n);
      if (parse_request_head(some, limits, request).parsed == Parsed::refused) return n;
    }
    return std::size_t{0};
  };
  CHECK(refused_at("GET /" + std::string(1000, 'x')) == 104);
  CHECK(refused_at("\r\nGET /" + std::string(1000, 'x')) == 104);
  CHECK(refused_at("GET / HTTP/1.1\r\nX: " + std::string(1000, 'x')) == 304);
}
