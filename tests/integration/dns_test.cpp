// SPDX-License-Identifier: Apache-2.0
// Names of upstreams, through the system's own resolver and a hosts file that the tests rewrite (nss_wrapper).
#include <signal.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/support/ipv6.hpp"
#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

constexpr const char* kWrapper = "libnss_wrapper.so";

// A hosts file. Every rewrite is a second newer than the one before: that is how the wrapper notices.
class Hosts {
 public:
  explicit Hosts(const std::string& lines) { write(lines); }

  void write(const std::string& lines) {
    const std::string file = folder_.write("hosts.new", lines);
    std::filesystem::last_write_time(file,
                                     std::filesystem::file_time_type::clock::now() + std::chrono::seconds(++age_));
    std::filesystem::rename(file, path());
  }
  std::string path() const { return (folder_.path() / "hosts").string(); }

 private:
  TemporaryFolder folder_;
  int age_ = 0;
};

// The program with one upstream, which has the name `orders.test`, and one worker.
class Named {
 public:
  Named(const Hosts& hosts, std::uint16_t port, const std::string& lines = {}, const std::string& host = "orders.test")
      : process({"run", "-c", write(port, lines, host)}, false,
                {std::string("LD_PRELOAD=") + kWrapper, "NSS_WRAPPER_HOSTS=" + hosts.path(),
                 "ASAN_OPTIONS=verify_asan_link_order=0", "NSS_WRAPPER_DISABLE_DEEPBIND=1"}) {
    REQUIRE(eventually([&] { return get("/admin/ready", admin_.number()).status == 200; }));
  }

  Response get(const std::string& target = "/") const { return get(target, data_.number()); }
  boost::json::object endpoint() const {
    const auto answer = boost::json::parse(get("/admin/upstreams", admin_.number()).body);
    return answer.at("upstreams").at(0).at("endpoints").at(0).as_object();
  }
  std::string addresses() const { return boost::json::serialize(endpoint().at("addresses")); }

 private:
  std::string write(std::uint16_t port, const std::string& lines, const std::string& host) {
    return folder_.write("fusewire.yaml",
                         "listen: 127.0.0.1:" + std::to_string(data_.number()) + "\nadmin: {address: \"127.0.0.1:" +
                             std::to_string(admin_.number()) + "\"}\nruntime: {workers: 1}\n" +
                             "upstreams:\n  orders:\n    endpoints: [\"http://" + host + ":" + std::to_string(port) +
                             "\"]\n    circuit_breaker: {mode: disabled}\n" + lines);
  }
  static Response get(const std::string& target, std::uint16_t port) {
    try {
      Connection client = Connection::to(port);
      client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
      return read_response(client);
    } catch (const std::system_error&) {
      return {};
    }
  }

  ReservedPort data_, admin_;
  TemporaryFolder folder_;

 public:
  Process process;
};

constexpr const char* kBoth = "127.0.0.1 orders.test\n127.0.0.2 orders.test\n";

struct Two {
  ScriptedUpstream one{scripts::ok("one")};
  ScriptedUpstream two{scripts::ok("two"), 2, one.port()};
};

}  // namespace

TEST_CASE("each address of a name is used in turn, with connections of its own that are kept") {
  Two upstream;
  const Hosts hosts(kBoth);
  const Named proxy(hosts, upstream.one.port(), "    load_balancing: {policy: round_robin}\n");
  for (int i = 0; i < 20; ++i) CHECK(proxy.get().status == 200);
  // The first request was there before the addresses were; where the turn begins with them is left to chance.
  CHECK(upstream.one.request_count() >= 9);
  CHECK(upstream.two.request_count() >= 9);
  CHECK(upstream.one.connection_count() == 1);
  CHECK(upstream.two.connection_count() == 1);
}

TEST_CASE("a connection to an address that left the name's answer goes away by itself, a new address is used") {
  Two upstream;
  Hosts hosts("127.0.0.1 orders.test\n");
  const Named proxy(hosts, upstream.one.port(), "    dns_refresh: 100ms\n");
  CHECK(proxy.get().body == "one");
  CHECK(upstream.one.open_connections() == 1);
  hosts.write("127.0.0.2 orders.test\n");
  CHECK(eventually([&] { return upstream.one.open_connections() == 0; }));  // nobody asked for anything
  CHECK(proxy.get().body == "two");
}

TEST_CASE("health checks have a name looked up without any traffic, and begin and end with its addresses") {
  Two upstream;
  Hosts hosts("127.0.0.1 orders.test\n");
  const Named proxy(hosts, upstream.one.port(), "    dns_refresh: 50ms\n    health_check: {interval: 20ms}\n");
  CHECK(eventually([&] { return upstream.one.request_count() > 3; }));
  CHECK(upstream.two.request_count() == 0);
  hosts.write(kBoth);
  CHECK(eventually([&] { return upstream.two.request_count() > 3; }));
  hosts.write("127.0.0.2 orders.test\n");
  CHECK(eventually([&] { return proxy.addresses().find("127.0.0.1") == std::string::npos; }));
  CHECK(eventually([&] { return upstream.one.open_connections() == 0; }));
  const std::size_t before = upstream.one.request_count();
  const std::size_t at_second = upstream.two.request_count();
  CHECK(eventually([&] { return upstream.two.request_count() > at_second + 5; }));
  CHECK(upstream.one.request_count() <= before + 1);
}

TEST_CASE("a request that is under way to an address that left the answer ends in peace, and its connection with it") {
  std::atomic<bool> go{false};
  ScriptedUpstream one([&](Call& call) {
    if (call.number() == 2) eventually([&] { return go.load() || call.stopping(); });
    call.send(response(200, "one"));
  });
  ScriptedUpstream two(scripts::ok("two"), 2, one.port());
  Hosts hosts("127.0.0.1 orders.test\n");
  const Named proxy(hosts, one.port(), "    dns_refresh: 100ms\n");
  CHECK(proxy.get().body == "one");
  std::string body;
  std::thread client([&] { body = proxy.get().body; });
  REQUIRE(eventually([&] { return one.request_count() == 2; }));
  hosts.write("127.0.0.2 orders.test\n");
  CHECK(eventually([&] { return proxy.get().body == "two"; }));
  CHECK(one.open_connections() == 1);
  go = true;
  client.join();
  CHECK(body == "one");
  CHECK(eventually([&] { return one.open_connections() == 0; }));
}

TEST_CASE("an address that refuses is passed over for the next, and no request pays for it again soon") {
  Two upstream;
  const Hosts hosts(kBoth);
  const Named proxy(hosts, upstream.one.port());
  CHECK(proxy.get().status == 200);
  upstream.one.kill();
  for (int i = 0; i < 20; ++i) CHECK(proxy.get().body == "two");
  upstream.one.start();
  CHECK(eventually([&] { return proxy.get().body == "one"; }));
}

TEST_CASE("the last good answer is kept while a name does not resolve, and the admin tells") {
  ScriptedUpstream upstream;
  Hosts hosts("127.0.0.1 orders.test\n");
  const Named proxy(hosts, upstream.port(), "    dns_refresh: 100ms\n");
  CHECK(proxy.get().status == 200);
  CHECK(proxy.addresses() == "[\"127.0.0.1:" + std::to_string(upstream.port()) + "\"]");
  CHECK(proxy.endpoint().at("last_look_up").is_string());
  CHECK(proxy.endpoint().at("look_up_error").is_null());
  hosts.write("127.0.0.1 other.test\n");
  CHECK(eventually([&] { return proxy.get().status == 200 && proxy.endpoint().at("look_up_error").is_string(); }));
  CHECK(proxy.get().status == 200);
  CHECK(proxy.addresses() == "[\"127.0.0.1:" + std::to_string(upstream.port()) + "\"]");
  hosts.write("127.0.0.1 orders.test\n");
  CHECK(eventually([&] { return proxy.get().status == 200 && proxy.endpoint().at("look_up_error").is_null(); }));
}

TEST_CASE("a name that never resolved is answered 502 dns_error at once, and served as soon as it resolves") {
  ScriptedUpstream upstream;
  Hosts hosts("127.0.0.1 other.test\n");
  const Named proxy(hosts, upstream.port(), "    dns_refresh: 200ms\n    timeouts: {connect: 20s}\n");
  Response reply;
  const auto taken = time_of([&] { reply = proxy.get(); });
  check_problem(reply, 502, "ConnectFailed", "dns_error");
  CHECK(taken < 10s);
  CHECK(proxy.addresses() == "[]");
  hosts.write("127.0.0.1 orders.test\n");
  CHECK(eventually([&] { return proxy.get().status == 200; }));
}

TEST_CASE("a search domain's short name and a name with a closing dot are looked up as they are") {
  ScriptedUpstream upstream;
  const Hosts hosts("127.0.0.1 orders.default\n127.0.0.1 orders.default.\n");
  for (const char* name : {"orders.default", "orders.default."}) {
    CAPTURE(name);
    CHECK(Named(hosts, upstream.port(), {}, name).get().status == 200);
  }
}

TEST_CASE("an upstream is reached by IPv6, and by a name of both families whichever of them answers" * needs_ipv6()) {
  ScriptedUpstream upstream;
  TestProxy inner("listen: \"[::1]:0\"\nvia: inner\nupstreams: {orders: \"http://127.0.0.1:${ORDERS}\"}\n",
                  {{"ORDERS", upstream.port()}});
  TestProxy outer("listen: 127.0.0.1:0\nvia: outer\nupstreams: {orders: \"http://[::1]:${INNER}\"}\n",
                  {{"INNER", inner.port()}});
  CHECK(outer.get("/").status == 200);
  const Hosts hosts("::1 orders.test\n127.0.0.1 orders.test\n");
  const Named only_v4(hosts, upstream.port());
  const Named only_v6(hosts, inner.port());
  for (int i = 0; i < 4; ++i) {
    CHECK(only_v4.get().status == 200);
    CHECK(only_v6.get().status == 200);
  }
}
