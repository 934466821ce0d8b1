// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream/host_rewrite.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "config/addresses.hpp"

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

std::shared_ptr<UpstreamState> upstream_state() {
  return std::make_shared<UpstreamState>(config::Upstream{}, std::chrono::steady_clock::now(), 1, 1);
}

config::Route route(config::HostRewrite::Kind kind, std::string name = {}, config::FieldList headers = {}) {
  config::Route made;
  made.host = {.kind = kind, .name = std::move(name)};
  made.match.headers = std::move(headers);
  return made;
}

}  // namespace

TEST_CASE("an IP address or localhost, with any port, is no more than an address of ours") {
  for (const char* own : {"127.0.0.1", "10.0.0.1:80", "1.2.3.4.", "127.1", "[::1]", "[::1]:80", "localhost",
                          "LOCALHOST:1", "localhost.:1", "0"}) {
    CAPTURE(own);
    CHECK(is_own_address(own));
  }
  for (const char* name : {"", ":80", ".", "a", "a:80", "localhost.a", "a.localhost", "localhos", "1.a", "a1",
                           "1.2.3.4a", "127.0.0.1.nip.io", "x-1"}) {
    CAPTURE(name);
    CHECK_FALSE(is_own_address(name));
  }
}

TEST_CASE("a unix socket goes by localhost") {
  const EndpointState endpoint(*config::parse_endpoint("unix:/a").value, "", upstream_state(), 0);
  Request request;
  for (const char* host : {"", "127.0.0.1:8080"}) {
    request.authority = host;
    CHECK(host_sent({}, request, endpoint) == "localhost");
  }
  request.authority = "shop";
  CHECK(host_sent({}, request, endpoint) == "shop");
}

TEST_CASE("routes share cached responses when they send one Host and ask their clients for the same") {
  using Kind = config::HostRewrite::Kind;
  config::Listener plain;
  config::Listener secured;
  secured.tls.emplace().client_ca = "ca.pem";
  CHECK(cache_scope(plain, route(Kind::automatic)).empty());
  config::Route other = route(Kind::automatic);
  other.name = "other";
  other.match.path_prefix = "/v1";
  CHECK(cache_scope(plain, other).empty());
  config::Listener moved;
  moved.name = "moved";
  CHECK(cache_scope(moved, other).empty());
  moved.address.port = 8080;
  const std::string on_8080 = cache_scope(moved, other);
  moved.address.port = 8081;
  CHECK(cache_scope(moved, other) != on_8080);
  std::set<std::string> scopes;
  std::size_t made = 0;
  for (const config::Listener* listener : {&plain, &secured})
    for (const config::Route& one :
         {route(Kind::automatic), route(Kind::preserve), route(Kind::endpoint), route(Kind::name, "a"),
          route(Kind::name, "b"), route(Kind::automatic, "", {{"x", "1"}}), route(Kind::automatic, "", {{"x", "12"}}),
          route(Kind::automatic, "", {{"x", "1"}, {"2", ""}}), route(Kind::automatic, "", {{"host", "1"}, {"", ""}})}) {
      scopes.insert(cache_scope(*listener, one));
      ++made;
    }
  CHECK(scopes.size() == made);
}
