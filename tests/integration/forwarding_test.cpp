// SPDX-License-Identifier: Apache-2.0
// Forwarding (RFC 9110 §7.6): what passes unchanged, what is taken away, what is added.
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

std::vector<std::string> split_names(const std::string& list) {
  std::vector<std::string> names;
  std::istringstream text(list);
  for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  return names;
}

Request forwarded(Rig& rig, const std::string& raw) {
  Connection client = rig.proxy.connect();
  client.send(raw);
  const std::size_t before = rig.upstream.request_count();
  REQUIRE(read_response(client).status == 200);
  REQUIRE(rig.upstream.request_count() >= before);
  return rig.upstream.requests().back();
}

}  // namespace

TEST_CASE("fields pass unchanged, in order, with repeats") {
  Rig rig;
  const Request seen = forwarded(rig,
                                 "GET /x HTTP/1.1\r\nx-First: 1\r\nHost: h\r\nAccept: a\r\nACCEPT: b\r\nCookie: c=d\r\n"
                                 "Accept-Encoding: gzip;q=0.5,  br\r\nX-Empty:\r\nAuthorization: Basic eDp5\r\n\r\n");
  CHECK(seen.names().rfind("x-First,Host,Accept,ACCEPT,Cookie,Accept-Encoding,X-Empty,Authorization", 0) == 0);
  CHECK(seen.field("Accept") == "a && b");
  CHECK(seen.field("Accept-Encoding") == "gzip;q=0.5,  br");
  CHECK(seen.field("X-Empty") == "");
}

TEST_CASE("response fields pass unchanged, in order, with repeats") {
  Rig rig(scripts::reply(response(201, "hi", "X-b: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: then\r\n")));
  const Response reply = rig.proxy.get("/");
  CHECK(reply.status == 201);
  CHECK(reply.start_line == "HTTP/1.1 201 Scripted");
  CHECK(reply.names().rfind("Content-Length,X-b,Set-Cookie,Set-Cookie,Date", 0) == 0);
  CHECK(reply.field("Set-Cookie") == "a=1 && b=2");
  CHECK(reply.field("Date") == "then");
}

TEST_CASE("hop-by-hop fields are not forwarded") {
  Rig rig;
  const Request seen = forwarded(rig,
                                 "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Private, upgrade\r\n"
                                 "X-Private: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
                                 "TE: trailers\r\nUpgrade: h2c\r\nX-Public: 1\r\n\r\n");
  for (const char* name : {"X-Private", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade", "Transfer-Encoding"}) {
    CAPTURE(name);
    CHECK(seen.field(name) == kAbsent);
  }
  CHECK(seen.field("Connection").find("X-Private") == std::string::npos);
  CHECK(seen.field("X-Public") == "1");
}

TEST_CASE("hop-by-hop fields of the upstream are not relayed") {
  Rig rig(scripts::reply(response(200, "",
                                  "Connection: x-private, Upgrade\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
                                  "Upgrade: h2c\r\nTE: trailers\r\n"
                                  "Proxy-Connection: keep-alive\r\nX-Public: 1\r\n")));
  const Response reply = rig.proxy.get("/");
  for (const char* name : {"X-Private", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE", "Connection"}) {
    CAPTURE(name);
    CHECK(reply.field(name) == kAbsent);
  }
  CHECK(reply.field("X-Public") == "1");
}

TEST_CASE("a client can't have the proxy's own fields removed") {
  Rig rig;
  const Request seen =
      forwarded(rig, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Via, X-Forwarded-For, Forwarded, X-Request-Id\r\n\r\n");
  for (const char* name : {"Via", "X-Forwarded-For", "Forwarded", "X-Request-Id"}) {
    CAPTURE(name);
    CHECK(seen.has(name));
  }
}

TEST_CASE("one Via with our pseudonym is appended") {
  Rig rig;
  const Request seen = forwarded(rig, "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 before\r\n\r\n");
  const auto values = seen.all("Via");
  std::string joined;
  for (const auto& value : values) joined += (joined.empty() ? "" : ", ") + value;
  CAPTURE(joined);
  CHECK(std::regex_match(joined, std::regex("1\\.0 before, 1\\.1 fusewire-[0-9a-f]{8}")));
}

TEST_CASE("the pseudonym in Via can be set") {
  ScriptedUpstream upstream;
  TestProxy proxy("via: edge\n" + orders(), {{"ORDERS", upstream.port()}});
  proxy.get("/");
  CHECK(upstream.requests().front().field("Via") == "1.1 edge");
  check_problem(proxy.get("/", "Via: 1.1 edge\r\n"), 502, "LoopDetected", "proxy_loop_detected");
  CHECK(proxy.get("/", "Via: 1.1 edges\r\n").status == 200);
}

TEST_CASE("forwarding fields of an untrusted peer are replaced") {
  Rig rig;
  const Request seen = forwarded(rig,
                                 "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
                                 "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: for=1.2.3.4\r\n"
                                 "X-Forwarded-Port: 666\r\nX-Real-IP: 1.2.3.4\r\n\r\n");
  CHECK(seen.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(seen.field("X-Real-IP") == "127.0.0.1");
  CHECK(seen.field("X-Forwarded-Port") == std::to_string(rig.proxy.port()));
  CHECK(seen.field("X-Forwarded-Proto") == "http");
  CHECK(seen.field("X-Forwarded-Host") == "shop.example");
  const std::string value = seen.field("Forwarded");
  CAPTURE(value);
  CHECK(seen.all("Forwarded").size() == 1);
  CHECK(std::regex_match(value, std::regex("for=127\\.0\\.0\\.1;host=\"?shop\\.example\"?;proto=http")));
}

TEST_CASE("what else says how a site is reached passes from a trusted peer alone") {
  const std::string request =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Prefix: /shop\r\nX-Forwarded-Scheme: https\r\nX-Forwarded-Ssl: "
      "on\r\n\r\n";
  Rig stranger;
  Rig trusting(scripts::ok(), "", "    trust_forwarded: [127.0.0.0/8]\n");
  const Request from_stranger = forwarded(stranger, request);
  const Request from_trusted = forwarded(trusting, request);
  for (const char* name : {"X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Ssl"}) {
    CAPTURE(name);
    CHECK_FALSE(from_stranger.has(name));
    CHECK(from_trusted.has(name));
  }
}

TEST_CASE("fields that read like the proxy's own once `_` is `-` are removed, a trusted peer's too") {
  for (const char* trust : {"", "    trust_forwarded: [127.0.0.0/8]\n"}) {
    Rig rig(scripts::ok(), "", trust);
    const Request seen = forwarded(rig,
                                   "GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: 6.6.6.6\r\nx_forwarded_PROTO: "
                                   "https\r\nX_Real-IP: 6.6.6.6\r\nX_Request_Id: x\r\nContent_Length: 5\r\n"
                                   "Transfer_Encoding: chunked\r\nX_Request_Timeout_Ms: 1\r\nX_Other: 1\r\n\r\n");
    for (const std::string& name : split_names(seen.names())) CHECK((name == "X_Other" || name.find('_') == name.npos));
    CHECK(seen.field("X_Other") == "1");
  }
}

TEST_CASE("of a trusted peer's fields with one value the value stays, and ours stands where there is none") {
  Rig rig(scripts::ok(), "", "    trust_forwarded: [127.0.0.0/8]\n");
  const Request kept = forwarded(rig,
                                 "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: https\r\n"
                                 "X-Forwarded-Host: a.example\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 1.2.3.4\r\n\r\n");
  CHECK(kept.field("X-Forwarded-Proto") == "https");
  CHECK(kept.field("X-Forwarded-Host") == "a.example");
  CHECK(kept.field("X-Forwarded-Port") == "443");
  CHECK(kept.field("X-Real-IP") == "1.2.3.4");
  const Request ours = forwarded(rig, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  CHECK(ours.field("X-Forwarded-Proto") == "http");
  CHECK(ours.field("X-Forwarded-Host") == "shop.example");
  CHECK(ours.field("X-Forwarded-Port") == std::to_string(rig.proxy.port()));
  CHECK(ours.field("X-Real-IP") == "127.0.0.1");
}

TEST_CASE("forwarding fields of a trusted peer are appended to, on one line") {
  Rig rig(scripts::ok(), "", "    trust_forwarded: [127.0.0.0/8]\n");
  const Request seen =
      forwarded(rig,
                "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n"
                "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\nForwarded: for=1.2.3.4\r\n\r\n");
  CHECK(seen.field("X-Forwarded-For") == "1.2.3.4, 5.6.7.8, 127.0.0.1");
  CHECK(seen.field("X-Forwarded-Proto") == "https");
  CHECK(seen.field("X-Forwarded-Host") == "a.example");
  CHECK(seen.all("Forwarded").size() == 1);
  CHECK(seen.field("Forwarded").rfind("for=1.2.3.4, for=127.0.0.1", 0) == 0);
}

TEST_CASE("the target's bytes and the Host are forwarded unchanged") {
  Rig rig;
  for (const char* target :
       {"/", "/a/../b//c/./%2e%2E/%zz;p=1?x=%00&y=a|b", "/?", "/a?b?c=/../", "/%E2%98%83/~user", "/<>\"{}|\\^`"}) {
    CAPTURE(target);
    const Request seen = forwarded(rig, "GET " + std::string(target) + " HTTP/1.1\r\nHost: Shop.Example:8080\r\n\r\n");
    CHECK(seen.target == target);
    CHECK(seen.field("Host") == "Shop.Example:8080");
  }
}

TEST_CASE("an absolute-form target is accepted and decides the Host") {
  Rig rig;
  const Request seen = forwarded(rig, "GET http://other.example/path?q HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(seen.field("Host") == "other.example");
  CHECK(seen.target.substr(seen.target.size() - 7) == "/path?q");
}

TEST_CASE("an absolute-form target without a path has the path that it means") {
  Rig rig;
  CHECK(forwarded(rig, "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").target == "/");
  CHECK(forwarded(rig, "GET HTTP://h?q HTTP/1.1\r\nHost: h\r\n\r\n").target == "/?q");
  CHECK(forwarded(rig, "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n").target == "*");
}

TEST_CASE("OPTIONS for the server itself passes, and Max-Forwards is honoured") {
  Rig rig;
  const Request star = forwarded(rig, "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 5\r\n\r\n");
  CHECK(star.target == "*");
  CHECK(star.field("Max-Forwards") == "4");
  CHECK(forwarded(rig, "OPTIONS /x HTTP/1.1\r\nHost: h\r\nMax-Forwards: 1\r\n\r\n").field("Max-Forwards") == "0");
  CHECK(forwarded(rig, "GET /x HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n").field("Max-Forwards") == "0");

  const std::size_t before = rig.upstream.request_count();
  for (const char* none_left : {"0", "00"}) {
    const Response own = rig.proxy.request("OPTIONS", "/x", std::string("Max-Forwards: ") + none_left + "\r\n");
    CHECK(own.status == 200);
  }
  CHECK(rig.upstream.request_count() == before);
}

TEST_CASE("Date is added to a response without one") {
  Rig rig;
  const std::string date = rig.proxy.get("/").field("Date");
  CAPTURE(date);
  CHECK(std::regex_match(date, std::regex("[A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT")));
}

TEST_CASE("an HTTP/1.0 client is served without chunked coding and its request becomes HTTP/1.1") {
  Rig rig(scripts::reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("hello world", 5)));
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  const Response reply = read_response(client);
  CHECK(reply.status == 200);
  CHECK_FALSE(reply.has("Transfer-Encoding"));
  CHECK(reply.body == "hello world");
  CHECK(reply.complete);
  CHECK(reply.end == End::eof);
  CHECK(rig.upstream.requests().front().start_line == "GET / HTTP/1.1");
  CHECK(rig.upstream.requests().front().has("Host"));
}
