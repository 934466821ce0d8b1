// SPDX-License-Identifier: Apache-2.0
// The look-ups of names, with a resolver that the test holds in its hand.
#include "proxy/upstream/dns_cache.hpp"

#include <doctest/doctest.h>

#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <map>
#include <mutex>

#include "tests/support/eventually.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using fusewire::testing::eventually;
using fusewire::testing::time_of;
using namespace std::chrono_literals;

namespace {

SocketAddress address(const char* ip) { return asio::ip::tcp::endpoint(asio::ip::make_address(ip), 80); }

// Answers at once what the test has said, or holds a name back.
class Book {
 public:
  void say(const std::string& host, std::vector<SocketAddress> addresses) {
    const std::lock_guard lock(mutex_);
    answers_[host] = std::move(addresses);
  }
  void hold(const std::string& host, bool held) {
    const std::lock_guard lock(mutex_);
    held_[host] = held;
    news_.notify_all();
  }
  int count(const std::string& host) {
    const std::lock_guard lock(mutex_);
    return counts_[host];
  }
  Resolved look_up(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++counts_[host];
    news_.wait(lock, [&] { return !held_[host]; });
    const auto& found = answers_[host];
    return {.addresses = found, .error = found.empty() ? "no such name" : "", .cut = false};
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::map<std::string, std::vector<SocketAddress>> answers_;
  std::map<std::string, bool> held_;
  std::map<std::string, int> counts_;
};

struct Rig {
  std::shared_ptr<Book> book = std::make_shared<Book>();
  std::mutex mutex;
  std::vector<ResolvedName> heard;
  std::shared_ptr<UpstreamState> upstream =
      std::make_shared<UpstreamState>(config::Upstream{}, std::chrono::steady_clock::now(), 1, 1);
  std::vector<std::shared_ptr<EndpointState>> endpoints;
  DnsCache names{[book = book](const std::string& host, std::uint16_t) { return book->look_up(host); },
                 [this](const ResolvedName& news) {
                   const std::lock_guard lock(mutex);
                   heard.push_back(news);
                 }};

  std::shared_ptr<EndpointState> endpoint(const std::string& host) {
    config::Endpoint wanted;
    wanted.address.host = host;
    wanted.address.port = 80;
    endpoints.push_back(std::make_shared<EndpointState>(wanted, "", upstream, endpoints.size()));
    return endpoints.back();
  }
  std::size_t news() {
    const std::lock_guard lock(mutex);
    return heard.size();
  }
  std::vector<SocketAddress> last() {
    const std::lock_guard lock(mutex);
    return *heard.back().addresses;
  }
};

}  // namespace

TEST_CASE("a name that many want at once is looked up once, and what is found is announced") {
  Rig rig;
  rig.book->say("a", {address("10.0.0.1"), address("10.0.0.2")});
  rig.book->hold("a", true);
  const auto endpoint = rig.endpoint("a");
  for (int i = 0; i < 10; ++i) rig.names.request_lookup(endpoint, 1h);
  CHECK(eventually([&] { return rig.book->count("a") == 1; }));
  CHECK(rig.news() == 0);
  rig.book->hold("a", false);
  CHECK(eventually([&] { return rig.news() == 1; }));
  CHECK(rig.last().size() == 2);
  rig.names.request_lookup(endpoint, 1h);  // by one who has not heard of it
  CHECK(rig.news() == 2);
  CHECK(rig.last().size() == 2);
  CHECK(rig.book->count("a") == 1);
}

TEST_CASE("a name is looked up again while its upstream is in use, and rests when it is not") {
  Rig rig;
  rig.book->say("a", {address("10.0.0.1")});
  const auto endpoint = rig.endpoint("a");
  ++rig.upstream->connections;
  rig.names.request_lookup(endpoint, 10ms);
  CHECK(eventually([&] { return rig.book->count("a") > 3; }));
  --rig.upstream->connections;
  CHECK(eventually([&] {  // a later name is looked up twice meanwhile
    const int before = rig.book->count("a");
    const auto other = rig.endpoint("b" + std::to_string(rig.endpoints.size()));
    rig.names.request_lookup(other, 10ms);
    const bool looked = eventually([&] { return rig.book->count(other->address.host) == 1; });
    rig.names.request_lookup(other, 10ms);
    return looked && eventually([&] { return rig.book->count(other->address.host) == 2; }) &&
           rig.book->count("a") == before;
  }));
  const int before = rig.book->count("a");
  rig.names.request_lookup(endpoint, 10ms);
  CHECK(eventually([&] { return rig.book->count("a") > before; }));
}

TEST_CASE("a look-up that fails leaves the last good answer, and another follows") {
  Rig rig;
  rig.book->say("a", {address("10.0.0.1")});
  const auto endpoint = rig.endpoint("a");
  ++rig.upstream->connections;
  rig.names.request_lookup(endpoint, 10ms);
  REQUIRE(eventually([&] { return rig.news() > 0; }));
  rig.book->say("a", {});
  REQUIRE(eventually([&] { return !endpoint->last_look_up.read().error.empty(); }));
  CHECK(endpoint->last_look_up.read().error == "no such name");
  CHECK(endpoint->last_look_up.read().addresses == std::vector<std::string>{"10.0.0.1:80"});
  CHECK(rig.last() == std::vector{address("10.0.0.1")});
  rig.book->say("a", {address("10.0.0.2")});
  CHECK(eventually([&] { return rig.last() == std::vector{address("10.0.0.2")}; }));
  CHECK(endpoint->last_look_up.read().error.empty());
}

TEST_CASE("who wants a name that has just failed hears of it at once") {
  Rig rig;
  const auto endpoint = rig.endpoint("a");
  rig.names.request_lookup(endpoint, 1h);
  REQUIRE(eventually([&] { return rig.news() == 1; }));
  rig.names.request_lookup(endpoint, 1h);
  CHECK(rig.news() == 2);
  CHECK(rig.last().empty());
  CHECK(rig.book->count("a") == 1);
}

TEST_CASE("look-ups that hang delay no other name, however many they are, nor the end") {
  constexpr int kHanging = 60;
  auto book = std::make_shared<Book>();
  const auto end = time_of([&] {
    Rig rig;
    book = rig.book;
    rig.book->say("good", {address("10.0.0.1")});
    for (int i = 0; i < kHanging; ++i) {
      rig.book->hold("hangs" + std::to_string(i), true);
      rig.names.request_lookup(rig.endpoint("hangs" + std::to_string(i)), 1h);
    }
    rig.names.request_lookup(rig.endpoint("good"), 1h);
    CHECK(eventually([&] { return rig.news() == 1; }));
  });
  CHECK(end < 10s);
  for (int i = 0; i < kHanging; ++i) book->hold("hangs" + std::to_string(i), false);
}

TEST_CASE("more names than there are threads are all looked up") {
  Rig rig;
  for (int i = 0; i < 200; ++i) {
    const std::string host = "n" + std::to_string(i);
    rig.book->say(host, {address("10.0.0.1")});
    rig.names.request_lookup(rig.endpoint(host), 1h);
  }
  CHECK(eventually([&] { return rig.news() == 200; }));
}

TEST_CASE("an endpoint that is configured no longer is not looked up again") {
  Rig rig;
  ++rig.upstream->connections;
  rig.names.request_lookup(rig.endpoint("a"), 10ms);
  CHECK(eventually([&] { return rig.book->count("a") > 1; }));
  rig.endpoints.clear();
  const auto rests = [&] {
    const int before = rig.book->count("a");
    const auto other = std::make_shared<EndpointState>(
        config::Endpoint{.url = {}, .address = {.host = "b", .port = 80, .path = {}}, .authority = {}}, "",
        rig.upstream, 9);
    const int others = rig.book->count("b");
    rig.names.request_lookup(other, 10ms);
    return eventually([&] { return rig.book->count("b") > others + 2; }) && rig.book->count("a") == before;
  };
  CHECK(eventually(rests));
}

TEST_CASE("the system's resolver gives each address of a name once, and says why there is none") {
  const Resolved found = resolve("localhost", 8080);
  REQUIRE_FALSE(found.addresses.empty());
  CHECK(found.error.empty());
  for (const auto& one : found.addresses) {
    CHECK(std::count(found.addresses.begin(), found.addresses.end(), one) == 1);
    CHECK(to_string(one).ends_with(":8080"));
  }
  const Resolved none = resolve("no-such-host.invalid", 80);
  CHECK(none.addresses.empty());
  CHECK_FALSE(none.error.empty());
}
