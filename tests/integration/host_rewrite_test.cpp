// SPDX-License-Identifier: Apache-2.0
// Which Host (and SNI) an upstream sees: rewrite.host.
#include <string>

#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

struct Asked {
  std::string host;
  std::string forwarded_host;
};

Asked asked(const TestProxy& proxy, const ScriptedUpstream& upstream, const std::string& head) {
  Connection client = proxy.connect();
  client.send(head + "\r\n");
  CHECK(read_response(client).status == 200);
  const Request seen = upstream.requests().back();
  CHECK(seen.all("Host").size() == 1);
  return {seen.field("Host"), seen.field("X-Forwarded-Host")};
}

std::string get(const std::string& host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n"; }

std::string text(const std::string& rewrite) {
  return "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes: [{upstream: orders" + rewrite +
         "}]\nupstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n";
}

}  // namespace

TEST_CASE("a Host that is only an address of ours becomes the endpoint's; any other is the client's") {
  ScriptedUpstream upstream;
  TestProxy proxy(text(""), {{"ORDERS", upstream.port()}});
  const std::string own = "127.0.0.1:" + std::to_string(upstream.port());
  for (const char* host : {"127.0.0.1", "127.0.0.1:8080", "10.1.2.3:", "localhost", "LocalHost:8080", "localhost.",
                           "[::1]", "[fd00::1]:8080", "127.0.0.1.", "2130706433"}) {
    CAPTURE(host);
    const Asked seen = asked(proxy, upstream, get(host));
    CHECK(seen.host == own);
    CHECK(seen.forwarded_host == host);
  }
  for (const char* host : {"shop.example", "Shop.Example:80", "orders", "localhost.example", "app.localhost", "v1.2x",
                           "127.0.0.1.nip.io", "localhosts", "1.example"}) {
    CAPTURE(host);
    CHECK(asked(proxy, upstream, get(host)).host == host);
  }
  CHECK(asked(proxy, upstream, "GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: shop\r\n").host == own);
  CHECK(asked(proxy, upstream, "GET http://shop/ HTTP/1.1\r\nHost: 127.0.0.1\r\n").host == "shop");
  CHECK(asked(proxy, upstream, "GET / HTTP/1.0\r\n").host == own);
}

TEST_CASE("rewrite.host: preserve, endpoint or a name") {
  ScriptedUpstream upstream;
  const std::string own = "127.0.0.1:" + std::to_string(upstream.port());
  struct Case {
    const char* rewrite;
    std::string shop, address, none;  // sent for Host: shop, for Host: 127.0.0.1:1, and without
  };
  for (const Case& one : {Case{"preserve", "shop", "127.0.0.1:1", own}, Case{"endpoint", own, own, own},
                          Case{"other.example:81", "other.example:81", "other.example:81", "other.example:81"}}) {
    CAPTURE(one.rewrite);
    TestProxy proxy(text(std::string(", rewrite: {host: \"") + one.rewrite + "\"}"), {{"ORDERS", upstream.port()}});
    CHECK(asked(proxy, upstream, get("shop")).host == one.shop);
    CHECK(asked(proxy, upstream, get("127.0.0.1:1")).host == one.address);
    CHECK(asked(proxy, upstream, "GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: h\r\n").host == one.address);
    CHECK(asked(proxy, upstream, "GET / HTTP/1.0\r\n").host == one.none);
    CHECK(asked(proxy, upstream, get("shop")).forwarded_host == "shop");
  }
}

TEST_CASE("towards https a name of the route is the Host, and SNI stays the endpoint's") {
  TlsFiles files;
  TlsUpstreamRig::Pair rig(
      files.server(),
      [](Call& call) {
        call.read_body();
        call.send(response(200, call.connection().tls().server_name()));
      },
      "https://localhost", files.upstream(), "        rewrite: {host: shop.example}\n");
  CHECK(rig.proxy.get("/").body == "localhost");
  CHECK(rig.upstream.requests().at(0).field("Host") == "shop.example");
}
