// SPDX-License-Identifier: Apache-2.0
// What is stored answers only who could have fetched it: the same request line, the same Host, from the same site.
#include <atomic>
#include <string>
#include <vector>

#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

// Says what it was asked for, and lets it be kept.
Script naming(const std::string& who = {}) {
  return [who](Call& call) {
    const Request& request = call.read_body();
    call.send(response(200, who + request.field("Host") + " " + request.target, "Cache-Control: max-age=600\r\n"));
  };
}

constexpr const char* kServe = "    cache: {serve: normal}\n";

std::string body_of(const TestProxy& proxy, const std::string& head) {
  Connection client = proxy.connect();
  client.send(head + "\r\n");
  return read_response(client).body;
}

std::string with_routes(const std::string& routes) {
  return "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n" + routes +
         "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:${ORDERS}\"]\n" + kServe;
}

}  // namespace

TEST_CASE("a target without a path, whose query looks like another URL, poisons nothing and reads nothing") {
  Rig rig(naming(), kServe);
  CHECK(body_of(rig.proxy, "GET http://shop?x=http://evil/pay HTTP/1.1\r\nHost: shop\r\n") ==
        "shop /?x=http://evil/pay");
  CHECK(body_of(rig.proxy, "GET /pay HTTP/1.1\r\nHost: shop\r\n") == "shop /pay");
  CHECK(body_of(rig.proxy, "GET http://shop?y=http://evil/pay HTTP/1.1\r\nHost: shop\r\n") ==
        "shop /?y=http://evil/pay");
  CHECK(rig.upstream.request_count() == 3);
}

TEST_CASE("two spellings of one target or Host that an upstream can tell apart share nothing") {
  Rig rig(naming(), kServe);
  const std::vector<std::string> heads = {
      "GET / HTTP/1.1\r\nHost: shop\r\n",           "GET / HTTP/1.1\r\nHost: Shop\r\n",
      "GET / HTTP/1.1\r\nHost: shop:80\r\n",        "GET / HTTP/1.1\r\nHost: shop:\r\n",
      "GET /? HTTP/1.1\r\nHost: shop\r\n",          "GET // HTTP/1.1\r\nHost: shop\r\n",
      "GET /%2f HTTP/1.1\r\nHost: shop\r\n",        "GET /%2F HTTP/1.1\r\nHost: shop\r\n",
      "GET http://SHOP HTTP/1.1\r\nHost: shop\r\n", "GET / HTTP/1.0\r\n"};
  std::vector<std::string> first;
  for (const auto& head : heads) first.push_back(body_of(rig.proxy, head));
  CHECK(rig.upstream.request_count() == heads.size());
  for (std::size_t i = 0; i < heads.size(); ++i) CHECK(body_of(rig.proxy, heads[i]) == first[i]);
  CHECK(rig.upstream.request_count() == heads.size());
}

TEST_CASE("both forms of one target share what is stored") {
  Rig rig(naming(), kServe);
  const std::string first = body_of(rig.proxy, "GET /a?b HTTP/1.1\r\nHost: shop\r\n");
  CHECK(body_of(rig.proxy, "GET http://shop/a?b HTTP/1.1\r\nHost: other\r\n") == first);
  CHECK(body_of(rig.proxy, "GET http://shop?b HTTP/1.1\r\nHost: shop\r\n") ==
        body_of(rig.proxy, "GET /?b HTTP/1.1\r\nHost: shop\r\n"));
  CHECK(rig.upstream.request_count() == 2);
}

TEST_CASE("what came by a route that sends another Host, or asks for a field, is not served by another one") {
  ScriptedUpstream upstream(naming());
  TestProxy proxy(with_routes("      - {match: {headers: {x-inside: \"1\"}}, upstream: orders}\n"
                              "      - {match: {headers: {x-own: \"1\"}}, upstream: orders, rewrite: {host: one}}\n"
                              "      - {match: {methods: [GET]}, upstream: orders, rewrite: {host: two}}\n"),
                  {{"ORDERS", upstream.port()}});
  const std::string plain = "GET / HTTP/1.1\r\nHost: shop\r\n";
  for (int i = 0; i < 2; ++i) {
    CHECK(body_of(proxy, plain + "X-Inside: 1\r\n") == "shop /");
    CHECK(body_of(proxy, plain + "X-Own: 1\r\n") == "one /");
    CHECK(body_of(proxy, plain) == "two /");
  }
  CHECK(upstream.request_count() == 3);
}

TEST_CASE("what a trusted peer says of its client's scheme, host and port keeps answers apart") {
  Rig rig(
      [](Call& call) {
        const Request& request = call.read_body();
        call.send(response(200,
                           request.field("X-Forwarded-Proto") + " " + request.field("X-Forwarded-Host") +
                               (request.has("X-Forwarded-Prefix") ? request.field("X-Forwarded-Prefix") : ""),
                           "Cache-Control: max-age=600\r\n"));
      },
      kServe, "    trust_forwarded: [127.0.0.0/8]\n");
  const std::string get = "GET / HTTP/1.1\r\nHost: shop\r\n";
  for (int i = 0; i < 2; ++i) {
    CHECK(body_of(rig.proxy, get + "X-Forwarded-Proto: http\r\n") == "http shop");
    CHECK(body_of(rig.proxy, get + "X-Forwarded-Proto: https\r\n") == "https shop");
    CHECK(body_of(rig.proxy, get + "X-Forwarded-Prefix: /a\r\n") == "http shop/a");
    CHECK(body_of(rig.proxy, get + "X-Forwarded-Prefix: /b\r\n") == "http shop/b");
    CHECK(body_of(rig.proxy, get + "X-Forwarded-Host: evil\r\n") == "http evil");
    CHECK(body_of(rig.proxy, get + "Connection: x-forwarded-host\r\nX-Forwarded-For: 1.1.1.1\r\n"
                                   "X-Forwarded-Host: evil\r\n") == "http shop");
    CHECK(body_of(rig.proxy, get) == "http shop");
  }
  CHECK(rig.upstream.request_count() == 6);
}

TEST_CASE("what a trusted peer's Forwarded says of scheme and host keeps answers apart, and who has asked does not") {
  Rig rig(
      [](Call& call) {
        const Request& request = call.read_body();
        call.send(response(200, request.field("Forwarded"), "Cache-Control: max-age=600\r\n"));
      },
      kServe, "    trust_forwarded: [127.0.0.0/8]\n");
  const std::string get = "GET / HTTP/1.1\r\nHost: shop\r\n";
  const auto starts = [&](const std::string& field, const std::string& start) {
    return body_of(rig.proxy, get + field).starts_with(start);
  };
  for (int i = 0; i < 2; ++i) {
    CHECK(starts("Forwarded: for=1.1.1.1;Host=evil\r\n", "for=1.1.1.1;Host=evil, for="));
    CHECK(starts("Forwarded: for=1.1.1.1;proto=https\r\n", "for=1.1.1.1;proto=https, for="));
    CHECK(starts("Forwarded: for=\"1.1.1.1;host=evil\"\r\n", "for=\"1.1.1.1;host=evil\", for="));
    CHECK(starts("Forwarded: for=2.2.2.2\r\n", "for=\"1.1.1.1;host=evil\", for="));
    CHECK(starts("Forwarded: for=1.1.1.1;host =evil\r\n", "for=1.1.1.1;host =evil, for="));
    CHECK(starts("Forwarded: for=\"1.1.1.1;host=evil\r\n", "for=\"1.1.1.1;host=evil, for="));
  }
  CHECK(rig.upstream.request_count() == 5);
}

TEST_CASE("what was asked for with Upgrade or Expect is not stored for a plain GET") {
  Rig rig(naming(), kServe);
  const std::string get = "GET / HTTP/1.1\r\nHost: shop\r\n";
  body_of(rig.proxy, get + "Connection: upgrade\r\nUpgrade: websocket\r\n");
  body_of(rig.proxy, get + "Expect: 100-continue\r\n");
  body_of(rig.proxy, get);
  CHECK(rig.upstream.request_count() == 3);
}

TEST_CASE("what changes one upstream makes forget nothing of another one") {
  ScriptedUpstream shop(naming()), mine(scripts::reply("HTTP/1.1 204 No Content\r\nLocation: http://shop/z\r\n\r\n"));
  TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - {match: {methods: [POST]}, upstream: mine}\n      - {upstream: shop}\n"
      "upstreams:\n  shop:\n    endpoints: [\"http://127.0.0.1:${SHOP}\"]\n    cache: {serve: normal}\n"
      "  mine: \"http://127.0.0.1:${MINE}\"\n",
      {{"SHOP", shop.port()}, {"MINE", mine.port()}});
  for (const char* target : {"/x", "/z"}) body_of(proxy, "GET " + std::string(target) + " HTTP/1.1\r\nHost: shop\r\n");
  body_of(proxy, "POST /x HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n");
  for (const char* target : {"/x", "/z"}) body_of(proxy, "GET " + std::string(target) + " HTTP/1.1\r\nHost: shop\r\n");
  CHECK(shop.request_count() == 2);
}

TEST_CASE("an unsafe method makes forget what is stored by way of every route, in the usual spelling of its host too") {
  ScriptedUpstream upstream(naming());
  TestProxy proxy(with_routes("      - {match: {methods: [POST]}, upstream: orders, rewrite: {host: one}}\n"
                              "      - {upstream: orders}\n"),
                  {{"ORDERS", upstream.port()}});
  const std::string get = "GET /a HTTP/1.1\r\nHost: shop\r\n";
  body_of(proxy, get);
  body_of(proxy, "POST /a HTTP/1.1\r\nHost: SHOP:80\r\nContent-Length: 0\r\n");
  body_of(proxy, get);
  CHECK(upstream.request_count() == 3);
}

TEST_CASE("after rewrite.host has changed nothing of the old Host is served") {
  ScriptedUpstream upstream(naming());
  const auto text = [](const char* host) {
    return with_routes(std::string("      - {upstream: orders, rewrite: {host: ") + host + "}}\n");
  };
  TestProxy proxy(text("one"), {{"ORDERS", upstream.port()}});
  CHECK(proxy.get("/").body == "one /");
  REQUIRE(proxy.reload(text("two")).status == 200);
  CHECK(proxy.get("/").body == "two /");
}

TEST_CASE("after server_name, ca or verify has changed nothing of the old site is served") {
  TlsFiles files({.names = "DNS:localhost,DNS:one.test,DNS:two.test"});
  TlsEnd server(TlsEnd::Role::server, files.server());
  ScriptedUpstream upstream(naming(), &server);
  const auto text = [&](const std::string& keys, const std::string& more = {}) {
    return "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://localhost:" +
           std::to_string(upstream.port()) + "\"" + more + "]\n" + files.upstream(keys) + kNoBreaker + kServe;
  };
  const std::string port = ":" + std::to_string(upstream.port());
  TestProxy proxy(text(", server_name: one.test"));
  CHECK(proxy.get("/").body == "one.test" + port + " /");
  REQUIRE(proxy.reload(text(", server_name: two.test")).status == 200);
  CHECK(proxy.get("/").body == "two.test" + port + " /");
  REQUIRE(proxy.reload(text(", server_name: two.test, verify: false")).status == 200);
  CHECK(proxy.get("/").body == "two.test" + port + " /");
  CHECK(upstream.request_count() == 3);
  files.folder.write("ca2.pem", files.authority.certificate());
  std::string other = text(", server_name: two.test, verify: false");
  REQUIRE(proxy.reload(other.replace(other.find("ca.pem"), 6, "ca2.pem")).status == 200);
  proxy.get("/");
  CHECK(upstream.request_count() == 4);
  // Another endpoint beside it that is spoken to as the first: the site is the same.
  std::string wider = text(", server_name: two.test, verify: false", ", \"http://127.0.0.1:1\"");
  REQUIRE(proxy.reload(wider.replace(wider.find("ca.pem"), 6, "ca2.pem")).status == 200);
  proxy.get("/");
  CHECK(upstream.request_count() == 4);
}

TEST_CASE("an answer that was on its way when the site changed is not stored for the new one") {
  TlsFiles files({.names = "DNS:one.test,DNS:two.test"});
  TlsEnd server(TlsEnd::Role::server, files.server());
  std::atomic<bool> go{false};
  ScriptedUpstream upstream(
      [&](Call& call) {
        call.read_body();
        if (call.request().field("Host").starts_with("one")) eventually([&] { return go.load() || call.stopping(); });
        call.send(response(200, call.request().field("Host"), "Cache-Control: max-age=600\r\n"));
      },
      &server);
  const auto text = [&](const std::string& name) {
    return "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"https://localhost:" +
           std::to_string(upstream.port()) + "\"]\n" + files.upstream(", server_name: " + name) + kNoBreaker + kServe;
  };
  TestProxy proxy(text("one.test"));
  Connection early = proxy.connect();
  early.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(eventually([&] { return upstream.request_count() == 1; }));
  REQUIRE(proxy.reload(text("two.test")).status == 200);
  go = true;
  CHECK(read_response(early).body.starts_with("one.test"));
  CHECK(proxy.get("/").body.starts_with("two.test"));
}
