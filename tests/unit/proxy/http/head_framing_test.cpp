// SPDX-License-Identifier: Apache-2.0
// Framing (RFC 9112 §6, §9.3): what says how long a request is, and how long its connection lasts.
#include "tests/unit/proxy/http/heads.hpp"

#include "filters/connection_field.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::string_literals;

TEST_CASE("a request whose length can be read in two ways is refused") {
  refuse_all({
      {"Content-Length and then Transfer-Encoding", with("Content-Length: 5\r\nTransfer-Encoding: chunked")},
      {"Transfer-Encoding and then Content-Length", with("Transfer-Encoding: chunked\r\nContent-Length: 5")},
      {"a length of nothing together with Transfer-Encoding", with("Transfer-Encoding: chunked\r\nContent-Length: 0")},
      {"both with other fields between them", with("content-length: 1\r\nA: b\r\ntransfer-encoding: CHUNKED")},
      {"two lengths in two fields", with("Content-Length: 5\r\nContent-Length: 6")},
      {"two lengths in one field", with("Content-Length: 5, 6")},
      {"an empty element after a length", with("Content-Length: 5,")},
      {"an empty element before a length", with("Content-Length: ,5")},
      {"a length with a sign", with("Content-Length: +5")},
      {"a negative length", with("Content-Length: -5")},
      {"a hexadecimal length", with("Content-Length: 0x5")},
      {"a length with a fraction", with("Content-Length: 5.0")},
      {"a length with an exponent", with("Content-Length: 5e3")},
      {"a length with letters", with("Content-Length: 5a")},
      {"a length with a space inside", with("Content-Length: 5 5")},
      {"a length with a tab inside", with("Content-Length: 5\t5")},
      {"a quoted length", with("Content-Length: \"5\"")},
      {"an empty length", with("Content-Length:")},
      {"an empty length beside a good one", with("Content-Length: 5\r\nContent-Length:")},
      {"a length in other digits than ours", with("Content-Length: \xd9\xa5")},
      {"a length that is negative in 64 bits", with("Content-Length: 9223372036854775808")},
      {"a length that is -1 in 64 bits", with("Content-Length: 18446744073709551615")},
      {"a length that wraps to nothing", with("Content-Length: 18446744073709551616")},
      {"a length that wraps to 5", with("Content-Length: 18446744073709551621")},
      {"a length of forty digits", with("Content-Length: 1000000000000000000000000000000000000000")},
  });
}

TEST_CASE("a Transfer-Encoding other than exactly chunked is refused") {
  refuse_all({
      {"a coding alone", with("Transfer-Encoding: gzip")},
      {"chunked before another coding", with("Transfer-Encoding: chunked, gzip")},
      {"chunked before another coding in a second field",
       with("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip")},
      {"chunked twice", with("Transfer-Encoding: chunked, chunked")},
      {"chunked in two fields", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
      {"identity", with("Transfer-Encoding: identity")},
      {"identity in a second field", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")},
      {"a name that ends with chunked", with("Transfer-Encoding: xchunked")},
      {"a name that begins with chunked", with("Transfer-Encoding: chunkedx")},
      {"chunked with a parameter", with("Transfer-Encoding: chunked;q=1")},
      {"chunked in quotes", with("Transfer-Encoding: \"chunked\"")},
      {"an empty element after chunked", with("Transfer-Encoding: chunked,")},
      {"an empty element before chunked", with("Transfer-Encoding: ,chunked")},
      {"two words", with("Transfer-Encoding: chunked chunked")},
      {"an empty value", with("Transfer-Encoding:")},
      {"an empty value beside a good one", with("Transfer-Encoding:\r\nTransfer-Encoding: chunked")},
      {"a vertical tab before chunked", with("Transfer-Encoding: \x0b"s + "chunked")},
      {"a no-break space before chunked", with("Transfer-Encoding: \xa0"s + "chunked")},
      {"a NUL after chunked", with("Transfer-Encoding: chunked"s + '\0')},
      {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"another coding before chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {"another coding before chunked", with("Transfer-Encoding: gzip, chunked"), Problem::not_implemented},
      {"another coding in a field before", with("Transfer-Encoding: a\r\nTransfer-Encoding: chunked"),
       Problem::not_implemented},
  });
}

TEST_CASE("a Connection field that names what frames or routes the message is refused") {
  refuse_all({
      {"Host", with("Connection: Host")},
      {"Content-Length", with("Content-Length: 5\r\nConnection: close, content-length")},
      {"Content-Length before the field itself", with("Connection: Content-Length\r\nContent-Length: 5")},
      {"Transfer-Encoding", with("Transfer-Encoding: chunked\r\nConnection: TRANSFER-ENCODING")},
      {"in a second field", with("Connection: close\r\nConnection: x, ,host")},
      {"something that is no token", with("Connection: close; x")},
      {"a quoted name", with("Connection: \"host\"")},
      {"more than 100 options",
       with("Connection: a" +
            [] {
              std::string list;
              for (int i = 0; i < 100; ++i) list += ",a";
              return list;
            }()),
       Problem::headers_too_large},
  });
}

TEST_CASE("a Connection of more than 100 options is refused, however many fields a head may have") {
  const HeadLimits roomy{.max_bytes = 64 * 1024, .max_fields = 10'000};
  std::string list = "Connection: a";
  for (int i = 0; i < 100; ++i) list += i % 2 == 0 ? ",a" : "\r\nConnection: b";
  Request request;
  const HeadResult result = parse_request_head(with(list), roomy, request);
  CHECK(result.parsed == Parsed::refused);
  CHECK(result.problem == Problem::headers_too_large);
}

TEST_CASE("Connection's options are distinguished, over all its fields") {
  struct Options {
    const char* value;
    bool close, keep_alive, upgrade, names_fields;
  };
  for (const Options& options : std::vector<Options>{
           {"close", true, false, false, false},
           {"Keep-Alive", false, true, false, false},
           {"keep-alive, Upgrade", false, true, true, false},
           {",, x-private ,CLOSE", true, false, false, true},
           {"", false, false, false, false},
       }) {
    CAPTURE(options.value);
    Request request;
    const HeadResult result = parse(with("Connection: "s + options.value), request);
    REQUIRE(result.parsed == Parsed::complete);
    CHECK(result.connection.close == options.close);
    CHECK(result.connection.keep_alive == options.keep_alive);
    CHECK(result.connection.upgrade == options.upgrade);
    CHECK(result.connection.names_fields == options.names_fields);
  }
  const std::string bytes = with("Connection: close\r\nA: b\r\nconnection: X-One, x-two");
  Request request;
  REQUIRE(parse(bytes, request).connection.close);
  CHECK(named_by_connection(request.fields, "x-one"));
  CHECK(named_by_connection(request.fields, "X-Two"));
  CHECK_FALSE(named_by_connection(request.fields, "x"));
  CHECK_FALSE(named_by_connection(request.fields, "a"));
}
