// SPDX-License-Identifier: Apache-2.0
// Host and target of a request (RFC 9112 §3.2).
#include "tests/unit/proxy/http/heads.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::string_literals;

TEST_CASE("a Host that is missing, repeated or invalid is refused") {
  refuse_all({
      {"missing", "GET / HTTP/1.1\r\nA: b\r\n\r\n"},
      {"missing beside an absolute target", "GET http://h/ HTTP/1.1\r\n\r\n"},
      {"repeated", with("Host: other")},
      {"repeated with the same value", with("Host: h")},
      {"repeated in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n"},
      {"empty", at_host("")},
      {"a port alone", at_host(":80")},
      {"a space inside", at_host("a b")},
      {"a path", at_host("a/b")},
      {"a query", at_host("a?b")},
      {"user information", at_host("user@h")},
      {"a port of letters", at_host("h:http")},
      {"two ports", at_host("h:1:2")},
      {"a port of six digits", at_host("h:123456")},
      {"a list", at_host("a, b")},
      {"an IPv6 address without brackets", at_host("::1")},
      {"brackets without an address", at_host("[]")},
      {"an open bracket", at_host("[::1")},
      {"something after the bracket", at_host("[::1]x")},
      {"a bracket within a name", at_host("a[b")},
      {"a bracket after a name", at_host("a]")},
      {"a bracket alone", at_host("[")},
      {"a backslash", at_host("a\\b")},
      {"a quote", at_host("a\"b")},
      {"a byte above 127", at_host("\xc3\xa4")},
      {"invalid beside an absolute target", "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n"},
  });
}

TEST_CASE("the parts of a request are views of its bytes") {
  Request request;
  const std::string bytes = "\r\nPOST /a/../b?c=/d HTTP/1.9\r\nhOST:\tShop.Example:8080 \r\nX-Empty:\r\n\r\nbody";
  REQUIRE(parse(bytes, request).size == bytes.size() - 4);
  CHECK(request.method == "POST");
  CHECK(request.target == "/a/../b?c=/d");
  CHECK(request.path == "/a/../b");
  CHECK(request.query == "?c=/d");
  CHECK(request.authority == "Shop.Example:8080");
  CHECK(request.minor_version == 1);
  REQUIRE(request.fields.size() == 2);
  CHECK(request.fields.begin()[0].name == "hOST");
  CHECK(request.fields.begin()[0].value == "Shop.Example:8080");
  CHECK(request.fields.begin()[0].id == FieldId::host);
  CHECK(request.fields.begin()[1].value == "");
  CHECK(request.method.data() == bytes.data() + 2);
}

TEST_CASE("an absolute-form target gives the authority, and its path goes on") {
  struct Absolute {
    const char* target;
    const char* authority;
    const char* origin_form;
    const char* path;
  };
  for (const Absolute& absolute : std::vector<Absolute>{
           {"http://other/x?y", "other", "/x?y", "/x"},
           {"HTTP://Other:81/", "Other:81", "/", "/"},
           {"http://other", "other", "", "/"},
           {"http://other?y=/z", "other", "?y=/z", "/"},
           {"http://[::1]:80/x", "[::1]:80", "/x", "/x"},
           {"http://shop?x=http://evil/pay", "shop", "?x=http://evil/pay", "/"},
       }) {
    CAPTURE(absolute.target);
    const std::string bytes = to(absolute.target);
    Request request;
    REQUIRE(parse(bytes, request).parsed == Parsed::complete);
    CHECK(request.authority == absolute.authority);
    CHECK(request.target == absolute.origin_form);
    CHECK(request.path == absolute.path);
    CHECK(std::string(request.path) + std::string(request.query) ==
          (absolute.origin_form[0] == '/' ? "" : "/") + std::string(absolute.origin_form));
  }
}

TEST_CASE("an absolute-form target has the scheme of its connection") {
  const std::string secure = to("HTTPS://other:81/x");
  const std::string plain = to("http://other:81/x");
  Request request;
  request.scheme = "https";
  REQUIRE(parse(secure, request).parsed == Parsed::complete);
  CHECK(request.authority == "other:81");
  CHECK(request.target == "/x");
  CHECK(parse(plain, request).parsed == Parsed::refused);
  request.scheme = "http";
  CHECK(parse(secure, request).parsed == Parsed::refused);
}
