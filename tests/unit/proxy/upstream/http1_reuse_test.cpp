// SPDX-License-Identifier: Apache-2.0
// Which connections can take another request after an exchange, and what is known of those that have ended.
#include "tests/unit/proxy/upstream/http1_wire.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::chrono_literals;
// ------------------------------------------------------------------------------------------------------ the connection

TEST_CASE_FIXTURE(Http1Wire, "a connection is used again after a whole response") {
  CHECK(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == HeadRead::final);
  CHECK(head.ends_response);
  CHECK(exchange->finish());
  CHECK_FALSE(connection->channel().closed());
  CHECK(exchange->keep_alive(60s) == 60s);
}

TEST_CASE_FIXTURE(Http1Wire, "a connection is not used again where the upstream says so") {
  SUBCASE("by close") { answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"); }
  SUBCASE("by its version") { answer("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"); }
  CHECK_FALSE(exchange->finish());
  CHECK(connection->channel().closed());
}

TEST_CASE_FIXTURE(Http1Wire, "a connection of HTTP/1.0 is used again where the upstream says so") {
  answer("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n");
  CHECK(exchange->finish());
}

TEST_CASE_FIXTURE(Http1Wire, "a connection is not used again before the response has been read") {
  answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  CHECK(read_body() == BodyRead::piece);
  CHECK_FALSE(exchange->finish());
}

TEST_CASE_FIXTURE(Http1Wire, "a connection is not used again before the request has been sent") {
  request.method = "POST";
  request.body = BodyKind::length;
  request.content_length = 5;
  REQUIRE(send("he", false));
  says("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  CHECK(read_head() == HeadRead::final);
  CHECK_FALSE(exchange->finish());
}

TEST_CASE_FIXTURE(Http1Wire, "a connection is kept for no longer than the upstream allows, with a second to spare") {
  answer("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n");
  CHECK(exchange->keep_alive(60s) == 4s);
  CHECK(exchange->keep_alive(3s) == 3s);
}

TEST_CASE_FIXTURE(Http1Wire,
                  "an upstream that ends a connection has processed a request that it has read, and no other") {
  REQUIRE(send());
  SUBCASE("read") {
    received();
    finishes();
    CHECK(read_head() == HeadRead::ended);
    CHECK_FALSE(exchange->ended_unprocessed());
  }
  SUBCASE("not read") {
    finishes();
    CHECK(read_head() == HeadRead::ended);
    CHECK(exchange->ended_unprocessed());
  }
}

TEST_CASE_FIXTURE(Http1Wire, "a new connection has not been idle") { CHECK_FALSE(exchange->idle_since()); }
