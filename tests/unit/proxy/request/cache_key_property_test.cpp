// SPDX-License-Identifier: Apache-2.0
// Equal cache keys are equal requests to an upstream, over random targets and hosts.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/same_key.hpp"

using namespace fusewire;

namespace {

class Dice {
 public:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_); }
  const std::string& pick(const std::vector<std::string>& list) { return list[below(list.size())]; }

 private:
  std::mt19937 engine_{20261129};
};

// Pieces that a second reader of the target could take for something else.
std::string random_target(Dice& dice) {
  static const std::vector<std::string> kForms = {
      "", "/", "http://shop", "http://Shop", "http://shop:80", "HTTP://shop/", "http://h", "http://", "*"};
  static const std::vector<std::string> kPieces = {"/",  "?",   "pay", "http://", "shop", "://", "x=",    "evil", "//",
                                                   "..", "%2f", "@",   ":80",     "*",    ";",   "http:", "%3F",  "a"};
  std::string target = dice.pick(kForms);
  for (std::size_t n = dice.below(6); n > 0; --n) target += dice.pick(kPieces);
  return target;
}

}  // namespace

TEST_CASE("two requests have one cache key just when an upstream sees one request line, Host and scheme") {
  static const std::vector<std::string> kHosts = {"shop", "Shop", "shop:80", "shop:", "h", "evil", "shop.", "[::1]"};
  static const std::vector<std::string> kMethods = {"GET", "OPTIONS"};
  Dice dice;
  std::map<std::string, fuzz::Seen> by_key;
  std::map<std::string, std::string> by_request;
  std::size_t shared = 0;
  for (int i = 0; i < 30000; ++i) {
    const std::string version = dice.below(8) == 0 ? "1.0" : "1.1";
    const std::string host = version == "1.0" && dice.below(2) == 0 ? "" : "Host: " + dice.pick(kHosts) + "\r\n";
    const std::string bytes =
        dice.pick(kMethods) + " " + random_target(dice) + " HTTP/" + version + "\r\n" + host + "\r\n";
    Request request;
    const auto head = proxy::http::parse_request_head(bytes, {}, request);
    if (head.parsed != proxy::http::Parsed::complete || request.authority.empty()) continue;
    CAPTURE(bytes);
    REQUIRE(fuzz::key_survives(request, head.connection));
    const std::string key = cache::uri_key(request);
    const fuzz::Seen seen = fuzz::seen(request, head.connection);
    const auto [known, is_new] = by_key.emplace(key, seen);
    REQUIRE(known->second == seen);
    const auto same = by_request.emplace(seen.scheme + " " + seen.host + " " + seen.line, key);
    REQUIRE(same.first->second == key);
    shared += is_new ? 0 : 1;
  }
  CHECK(by_key.size() > 1000);
  CHECK(shared > 1000);
}
