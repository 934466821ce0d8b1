// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/auth.hpp"

#include <doctest/doctest.h>

using namespace fusewire;
using namespace fusewire::proxy::admin;
using fusewire::proxy::admin::Request;

namespace {

Request request(std::string host = "127.0.0.1:9901") {
  Request r;
  r.method = "POST";
  r.hosts = {std::move(host)};
  return r;
}

int status(const std::optional<Reply>& reply) { return reply ? reply->status : 0; }

std::string field(const std::optional<Reply>& reply, std::string_view name) {
  if (reply)
    for (const auto& [key, value] : reply->fields)
      if (key == name) return value;
  return "";
}

}  // namespace

TEST_CASE("Host is an IP address, localhost, or one of the allowed names") {
  const std::vector<std::string> allowed = {"ops.example", "proxy.example:9901"};
  for (const char* host : {"127.0.0.1", "127.0.0.1:9901", "10.0.0.7:1", "[::1]", "[::1]:9901", "localhost",
                           "LocalHost:80", "ops.example", "OPS.example:9901", "proxy.example:9901"})
    CHECK_MESSAGE(host_allowed(host, allowed), host);
  for (const char* host : {"",
                           "evil.example",
                           "127.0.0.1.evil.example",
                           "localhost.evil.example",
                           "notlocalhost",
                           "localhost:",
                           ":80",
                           "localhost:80x",
                           "localhost:123456",
                           "[::1",
                           "[localhost]",
                           "[127.0.0.1]",
                           "::1",
                           "[::1]x",
                           "proxy.example",
                           "ops.example.",
                           "127.1",
                           "0x7f.1",
                           "evil@127.0.0.1",
                           "127.0.0.1 "})
    CHECK_MESSAGE(!host_allowed(host, allowed), host);
}

TEST_CASE("a request with no Host, two of them, or the wrong one is refused") {
  const config::Admin config;
  Request r = request();
  CHECK(status(refuse_host(config, r, "")) == 0);
  r.hosts = {};
  CHECK(status(refuse_host(config, r, "")) == 400);
  r.hosts = {"127.0.0.1", "127.0.0.1"};
  CHECK(status(refuse_host(config, r, "")) == 400);
  CHECK(status(refuse_host(config, request("evil.example"), "")) == 421);
  CHECK(status(refuse_host(config, request(), "evil.example")) == 421);  // absolute-form
}

TEST_CASE("a read in HTTP/1.0 may lack Host, a change may not") {
  const config::Admin config;
  Request r;
  r.http_1_0 = true;
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
    r.method = method;
    CHECK(status(refuse_host(config, r, "")) == 0);
    CHECK(status(refuse_host(config, r, "127.0.0.1")) == 400);
  }
  for (const char* method : {"POST", "DELETE", "PUT"}) {
    r.method = method;
    CHECK(status(refuse_host(config, r, "")) == 400);
  }
  r.method = "GET";
  r.hosts = {"evil.example"};
  CHECK(status(refuse_host(config, r, "")) == 421);
  r.http_1_0 = false;
  r.hosts = {};
  CHECK(status(refuse_host(config, r, "")) == 400);
}

TEST_CASE("a change needs the configured token") {
  config::Admin config;
  Request r = request();
  r.authorizations = {"Bearer x"};
  CHECK(status(refuse_change(config, r)) == 403);  // none is configured
  config.token = "s3cret";
  r.authorizations = {};
  const auto without = refuse_change(config, r);
  CHECK(status(without) == 401);
  CHECK(field(without, "WWW-Authenticate") == "Bearer realm=\"fusewire\"");
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Bearer s3creT", "Basic s3cret",
                            "s3cret", "Bearers3cret", "Bearer s3cret "}) {
    r.authorizations = {wrong};
    CHECK_MESSAGE(status(refuse_change(config, r)) == 401, wrong);
  }
  for (const char* right : {"Bearer s3cret", "bearer s3cret", "BEARER   s3cret"}) {
    r.authorizations = {right};
    CHECK_MESSAGE(status(refuse_change(config, r)) == 0, right);
  }
  r.authorizations = {"Bearer s3cret", "Bearer s3cret"};
  CHECK(status(refuse_change(config, r)) == 401);
}

TEST_CASE("another site's Origin is refused even with the token") {
  config::Admin config;
  config.token = "s3cret";
  Request r = request("127.0.0.1:9901");
  r.authorizations = {"Bearer s3cret"};
  for (const char* origin : {"http://evil.example", "http://127.0.0.1", "http://127.0.0.1:8080", "null", "",
                             "127.0.0.1:9901", "http://127.0.0.1:9901.evil.example", "file://127.0.0.1:9901"}) {
    r.origin = origin;
    CHECK_MESSAGE(status(refuse_change(config, r)) == 403, origin);
  }
  for (const char* origin : {"http://127.0.0.1:9901", "https://127.0.0.1:9901"}) {
    r.origin = origin;
    CHECK_MESSAGE(status(refuse_change(config, r)) == 0, origin);
  }
}

TEST_CASE("reading needs the token only where it is configured so") {
  config::Admin config;
  config.token = "s3cret";
  Request r = request();
  r.method = "GET";
  CHECK(status(refuse_read(config, r)) == 0);
  config.read_requires_token = true;
  CHECK(status(refuse_read(config, r)) == 401);
  r.authorizations = {"Bearer s3cret"};
  CHECK(status(refuse_read(config, r)) == 0);
  config.token = "";
  CHECK(status(refuse_read(config, r)) == 403);
}

TEST_CASE("the comparison of tokens is a comparison") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", ""));
  CHECK_FALSE(equal_in_constant_time("", "abc"));
  CHECK_FALSE(equal_in_constant_time("abcabc", "abc"));
  CHECK_FALSE(equal_in_constant_time(std::string_view("a\0", 2), "a"));
}
