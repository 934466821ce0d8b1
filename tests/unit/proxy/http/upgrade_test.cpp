// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/upgrade.hpp"

#include <doctest/doctest.h>

#include "proxy/http/head_parser.hpp"

namespace fusewire::proxy {
namespace {

const Protocols kWebSocket = {"websocket"};

Request parsed(const std::string& bytes) {
  Request request;
  REQUIRE(http::parse_request_head(bytes, {}, request).parsed == http::Parsed::complete);
  return request;
}

bool asks(const std::string& fields, const Protocols& allowed = kWebSocket, const std::string& version = "1.1") {
  const std::string bytes = "GET / HTTP/" + version + "\r\nHost: h\r\n" + fields + "\r\n";
  return asks_for_upgrade(parsed(bytes), allowed);
}

std::string passed(const std::string& fields, const Protocols& allowed = kWebSocket) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
  std::string out;
  append_upgrade(out, parsed(bytes).fields, allowed);
  return out;
}

bool agrees(const std::string& fields, const std::string& asked = "Upgrade: websocket\r\n",
            const Protocols& allowed = kWebSocket) {
  const std::string request_bytes = "GET / HTTP/1.1\r\nHost: h\r\n" + asked + "\r\n";
  const std::string bytes = "HTTP/1.1 101 Switching\r\n" + fields + "\r\n";
  const Request request = parsed(request_bytes);
  Response response;
  const auto head = http::parse_response_head(bytes, {}, false, response);
  REQUIRE(head.parsed == http::Parsed::complete);
  return switches_as_asked(response, head.connection, request.fields, allowed);
}

TEST_CASE("a request asks for an upgrade when it names an allowed protocol and has no body") {
  CHECK(asks("Upgrade: websocket\r\n"));
  CHECK(asks("Upgrade: h2c, WEBSOCKET\r\n"));
  CHECK(asks("Upgrade: h2c\r\nUpgrade: websocket\r\n"));
  CHECK(asks("Upgrade: x/2\r\n", {"x/2"}));
  CHECK(asks("Upgrade: websocket\r\nContent-Length: 0\r\n"));
  CHECK_FALSE(asks(""));
  CHECK_FALSE(asks("Upgrade:\r\n"));
  CHECK_FALSE(asks("Upgrade: ,\r\n"));
  CHECK_FALSE(asks("Upgrade: h2c\r\n"));
  CHECK_FALSE(asks("Upgrade: websocket/13\r\n"));
  CHECK_FALSE(asks("Upgrade: x\r\n", {"x/2"}));
  CHECK_FALSE(asks("Upgrade: websocket\r\n", {}));
  CHECK_FALSE(asks("Upgrade: websocket\r\n", kWebSocket, "1.0"));
  CHECK_FALSE(asks("Upgrade: websocket\r\nContent-Length: 1\r\n"));
  CHECK_FALSE(asks("Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n"));
}

TEST_CASE("the allowed protocols of a message pass, in its order and spelling") {
  CHECK(passed("Upgrade: websocket\r\n") == "Connection: Upgrade\r\nUpgrade: websocket\r\n");
  CHECK(passed("Upgrade: b, c\r\nUpgrade: A\r\n", {"a", "b"}) == "Connection: Upgrade\r\nUpgrade: b, A\r\n");
  CHECK(passed("Upgrade: h2c\r\n") == "");
  CHECK(passed("") == "");
}

TEST_CASE("a switch is as asked when it names protocols that were asked for and allowed, and nothing else") {
  const std::string connection = "Connection: upgrade\r\n";
  CHECK(agrees(connection + "Upgrade: WebSocket\r\n"));
  CHECK(agrees(connection + "Upgrade: a, b\r\n", "Upgrade: b, a\r\n", {"a", "b"}));
  CHECK_FALSE(agrees("Upgrade: websocket\r\n"));
  CHECK_FALSE(agrees(connection));
  CHECK_FALSE(agrees(connection + "Upgrade: websocket, h2c\r\n"));
  CHECK_FALSE(agrees(connection + "Upgrade: b\r\n", "Upgrade: a\r\n", {"a", "b"}));     // allowed, not asked
  CHECK_FALSE(agrees(connection + "Upgrade: h2c\r\n", "Upgrade: h2c, websocket\r\n"));  // asked, not allowed
}

}  // namespace
}  // namespace fusewire::proxy
