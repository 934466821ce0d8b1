// SPDX-License-Identifier: Apache-2.0
// The first route of the list that matches, whatever the tables look like that find it.
#include "proxy/snapshot/router.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

using Routes = std::vector<config::Route>;

config::Route route(config::Match match) {
  config::Route made;
  made.match = std::move(match);
  return made;
}
config::Match host(std::string name) {
  return {.host = std::move(name), .path_prefix = {}, .path = {}, .methods = {}, .headers = {}};
}
config::Match prefix(std::string text) {
  return {.host = {}, .path_prefix = std::move(text), .path = {}, .methods = {}, .headers = {}};
}
config::Match path(std::string text) {
  return {.host = {}, .path_prefix = {}, .path = std::move(text), .methods = {}, .headers = {}};
}

Request asking(std::string_view authority, std::string_view path, std::string_view method = "GET") {
  Request request;
  request.method = method;
  request.set_target(path);
  request.authority = authority;
  return request;
}

// By segments: what follows the prefix begins with a slash, unless the prefix ends with one.
bool begins_with(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  return prefix.empty() || prefix.size() == path.size() || prefix.ends_with('/') || path[prefix.size()] == '/';
}

// The definition of a match, without any table: authority "HOST" or "HOST:PORT".
bool matches(const config::Match& match, const Request& request) {
  std::string name(request.authority.substr(0, request.authority.find(':')));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto has_field = [&](const auto& wanted) {
    return std::any_of(request.fields.begin(), request.fields.end(), [&](const Field& field) {
      return iequals(field.name, wanted.first) && field.value == wanted.second;
    });
  };
  const auto any_method = match.methods.empty() ||
                          std::find(match.methods.begin(), match.methods.end(), request.method) != match.methods.end();
  return (match.host.empty() || match.host == name) && (match.path.empty() || match.path == request.path) &&
         begins_with(request.path, match.path_prefix) && any_method &&
         std::all_of(match.headers.begin(), match.headers.end(), has_field);
}

std::optional<std::size_t> first_match(const Routes& routes, const Request& request) {
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (matches(routes[i].match, request)) return i;
  return std::nullopt;
}

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class List>
  auto pick(const List& list) {
    return *std::next(list.begin(), static_cast<std::ptrdiff_t>(below(list.size())));
  }

 private:
  std::mt19937 engine_;
};

std::string random_path(Dice& dice) {
  std::string text = "/";
  for (std::size_t n = dice.below(4); n > 0; --n) text += dice.pick(std::string("ab/"));
  return text;
}

config::Match random_match(Dice& dice) {
  config::Match match;
  if (dice.one_in(2)) match.host = dice.pick(std::vector<std::string>{"a", "b", "a.b"});
  if (dice.one_in(3))
    match.path = random_path(dice);
  else if (dice.one_in(2))
    match.path_prefix = random_path(dice);
  if (dice.one_in(4)) match.methods = {dice.pick(std::vector<std::string>{"GET", "PUT"})};
  if (dice.one_in(5)) match.headers.emplace_back("x-canary", dice.pick(std::vector<std::string>{"1", "2"}));
  return match;
}

}  // namespace

TEST_CASE("the router finds what a look through the whole list finds, over random tables") {
  Dice dice(20260131);
  for (int table = 0; table < 300; ++table) {
    Routes routes;
    for (std::size_t n = dice.below(12); n > 0; --n) routes.push_back(route(random_match(dice)));
    const Router router(routes);
    for (int i = 0; i < 60; ++i) {
      const std::string at = random_path(dice);
      Request request = asking(dice.pick(std::vector<std::string_view>{"a", "A:80", "b", "a.B", "c", ""}), at,
                               dice.pick(std::vector<std::string_view>{"GET", "PUT", "get"}));
      if (dice.one_in(3)) request.fields.add("X-Canary", dice.pick(std::vector<std::string_view>{"1", "2", "3"}));
      CAPTURE(table);
      CAPTURE(at);
      REQUIRE(router.match(request) == first_match(routes, request));
    }
  }
}

TEST_CASE("no route is no match") {
  CHECK_FALSE(Router().match(asking("a", "/")));
  const Routes none;
  CHECK_FALSE(Router(none).match(asking("a", "/")));
}

TEST_CASE("an earlier route wins over a longer, exact or host-bound one") {
  const Routes routes = {route(prefix("/v1")), route(path("/v1/x")), route(prefix("/v1/")), route(host("h"))};
  const Router router(routes);
  CHECK(router.match(asking("h", "/v1/x")) == 0U);
  CHECK(router.match(asking("h", "/v2")) == 3U);
  CHECK_FALSE(router.match(asking("other", "/v2")));
}

TEST_CASE("a host is compared without port, final dot and case") {
  const Routes routes = {route(host("shop.example")), route(host("[::1]")), route(host("127.0.0.1"))};
  const Router router(routes);
  for (const char* authority :
       {"shop.example", "Shop.Example:8080", "SHOP.EXAMPLE.", "shop.example.:80", "shop.example:"})
    CHECK(router.match(asking(authority, "/")) == 0U);
  CHECK(router.match(asking("[::1]", "/")) == 1U);
  CHECK(router.match(asking("[::1]:80", "/")) == 1U);
  CHECK(router.match(asking("127.0.0.1:80", "/")) == 2U);
  for (const char* authority : {"shop.example..", "xshop.example", "example", "", ".", "[::2]"})
    CHECK_FALSE(router.match(asking(authority, "/")));
  CHECK_FALSE(router.match(asking(std::string(300, 'a'), "/")));
}

TEST_CASE("a prefix is whole segments: /v1 takes /v1 and /v1/x, not /v10; /v1/ takes what is below it alone") {
  const Routes routes = {route(prefix("/v1/deep")), route(prefix("/v1")), route(prefix("/w/"))};
  const Router router(routes);
  const auto taken = [&](const char* target) { return router.match(asking("h", target)); };
  for (const char* target : {"/v1", "/v1/", "/v1/x", "/v1?x", "/v1/deeper", "/v1//", "/v1?"}) {
    CAPTURE(target);
    CHECK(taken(target) == 1U);
  }
  CHECK(taken("/v1/deep/x") == 0U);
  CHECK(taken("/w/") == 2U);
  CHECK(taken("/w/x") == 2U);
  for (const char* target : {"/v10", "/v1;x", "/v", "/", "/w", "/w?x=/", "/v1%2fx"}) {
    CAPTURE(target);
    CHECK_FALSE(taken(target));
  }
}

TEST_CASE("the answer to a request for a host that no route has names five that there are") {
  Routes routes = {route(host("b")), route(host("a")), route(host("b"))};
  const std::string plain = "no route of this listener matches the request";
  CHECK(Router(routes).why_no_match(asking("c", "/")) == plain + "; the hosts of its routes are a, b");
  for (const char* name : {"c", "d", "e", "f", "g"}) routes.push_back(route(host(name)));
  const std::string some = Router(routes).why_no_match(asking("x", "/"));
  CAPTURE(some);
  CHECK(some.starts_with(plain + "; the hosts of its routes are "));
  CHECK(std::count(some.begin(), some.end(), ',') == 4);
  CHECK(some.ends_with(" and 2 more"));
  CHECK(Router(routes).why_no_match(asking("a", "/")) == plain);
  CHECK(some.find("are a, b, c, d, e") != std::string::npos);
  routes = {route(path("/a"))};
  CHECK(Router(routes).why_no_match(asking("x", "/")) == plain);
}

TEST_CASE("hosts that are for no client to read are counted, not named") {
  const Routes routes = {route(host("secret")), route(host("a"))};
  const std::string plain = "no route of this listener matches the request";
  CHECK(Router(routes, {"secret"}).why_no_match(asking("x", "/")) ==
        plain + "; the hosts of its routes are a and 1 more");
  CHECK(Router(routes, {"secret", "a"}).why_no_match(asking("x", "/")) == plain);
}

TEST_CASE("a path is compared byte for byte, a prefix at its very start") {
  const Routes routes = {route(path("/a")), route(prefix("/b/"))};
  const Router router(routes);
  CHECK(router.match(asking("h", "/a")) == 0U);
  CHECK(router.match(asking("h", "/b/")) == 1U);
  CHECK(router.match(asking("h", "/b/../x")) == 1U);
  for (const char* other : {"/a/", "/A", "/%61", "/b", "/B/", "//b/", "/x/b/", "*"}) {
    CAPTURE(other);
    CHECK_FALSE(router.match(asking("h", other)));
  }
}

TEST_CASE("all fields of a match must be there, each with its exact value") {
  config::Match match;
  match.headers = {{"x-a", "1"}, {"x-b", ""}};
  const Routes routes = {route(match)};
  const Router router(routes);
  const auto with = [](std::initializer_list<std::pair<const char*, const char*>> fields) {
    Request request = asking("h", "/");
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    return request;
  };
  CHECK(router.match(with({{"x-a", "1"}, {"X-B", ""}, {"x-c", "1"}})));
  CHECK_FALSE(router.match(with({{"x-a", "1"}})));
  CHECK_FALSE(router.match(with({{"x-a", "1"}, {"x-b", "1"}})));
  CHECK_FALSE(router.match(with({{"x-a", "1 "}, {"x-b", ""}})));
}

TEST_CASE("a route asks for what goes upstream of a field") {
  config::Match canary;
  canary.headers = {{"x-canary", "1"}};
  const Routes routes = {route(canary), route({})};
  const Router router(routes);
  const auto taken = [&](std::initializer_list<std::pair<const char*, const char*>> fields) {
    Request request = asking("h", "/");
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    return router.match(request);
  };
  CHECK(taken({{"X-Canary", "1"}}) == 0);
  CHECK(taken({{"X-Canary", "0"}}) == 1);
  CHECK(taken({{"X-Canary", "1"}, {"Connection", "close"}}) == 0);
  CHECK(taken({{"X-Canary", "1"}, {"Connection", "close, x-canary"}}) == 1);  // it goes no further
  CHECK(taken({{"X-Canary", "0"}, {"X-Canary", "1"}}) == 1);                  // nobody knows which one counts
  CHECK(taken({{"X-Canary", "1"}, {"X-Canary", "1"}}) == 1);
}

TEST_CASE("an IPv6 address is one host in all its spellings, and a closing dot says nothing") {
  const Routes routes = {route(host("[2001:db8::1]")), route(host("x"))};
  const Router router(routes);
  for (const char* authority : {"[2001:db8::1]", "[2001:DB8:0::1]:80", "[2001:0db8::0001]"})
    CHECK(router.match(asking(authority, "/")) == 0);
  for (const char* authority : {"x", "x.", "X.:80"}) CHECK(router.match(asking(authority, "/")) == 1);
  for (const char* authority : {"2001:db8::1", "[2001:db8::2]", "[x]", "[", "[]", "x.."})
    CHECK_FALSE(router.match(asking(authority, "/")));
}
