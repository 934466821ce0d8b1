// SPDX-License-Identifier: Apache-2.0
// A name to listen at whose look-up takes long, and a file system that hangs: what the process hears meanwhile.
#include <signal.h>

#include <future>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// The program; the name `held.test` is looked up until release().
class Held {
 public:
  explicit Held(const std::string& host = "127.0.0.1")
      : process({"run", "-c", write(host)}, false,
                {"LD_PRELOAD=" FUSEWIRE_BINARY_DIR "/tests/libheld_calls.so", "HELD_CALLS=" + folder_.path().string(),
                 "ASAN_OPTIONS=verify_asan_link_order=0"}) {
    if (host != "held.test") REQUIRE(eventually([&] { return ready() == 200; }));
  }

  std::string write(const std::string& host, const std::string& probes = "off") {
    return folder_.write(
        "held.yaml", "listen: \"" + host + ":" + std::to_string(data_.number()) + "\"\nadmin: {address: \"127.0.0.1:" +
                         std::to_string(admin_.number()) + "\", token: secret, probes: \"" + probes +
                         "\"}\nupstreams:\n  orders: \"http://127.0.0.1:" + std::to_string(upstream_.port()) + "\"\n");
  }
  void release() { folder_.write("names", ""); }
  void hold_files() { folder_.write("files", ""); }
  Response ask(const std::string& line, const std::string& fields = {}) const {
    try {
      Connection client = Connection::to(admin_.number());
      client.send(line + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
      return read_response(client);
    } catch (const std::system_error&) {
      return {};
    }
  }
  Response change(const std::string& target) const {
    return ask("POST " + target, "Authorization: Bearer secret\r\nContent-Length: 0\r\n");
  }
  int ready() const { return ask("GET /admin/ready").status; }
  int get() const {
    try {
      Connection client = Connection::to(data_.number());
      client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      return read_response(client).status;
    } catch (const std::system_error&) {
      return 0;
    }
  }

 private:
  ScriptedUpstream upstream_;
  ReservedPort data_, admin_;
  TemporaryFolder folder_;

 public:
  Process process;
};

}  // namespace

TEST_CASE("while a listener's name is looked up, overrides and SIGTERM are served") {
  Held proxy;
  proxy.write("held.test");
  proxy.process.signal(SIGHUP);
  CHECK(proxy.change("/admin/circuit-breakers/orders/force-open").status == 200);
  CHECK(proxy.get() == 503);
  proxy.process.signal(SIGTERM);
  CHECK(proxy.process.wait() == 0);
}

TEST_CASE("a reload by the admin is answered when its names have been looked up") {
  Held proxy;
  SUBCASE("a listener's") { proxy.write("held.test"); }
  SUBCASE("the probes'") { proxy.write("127.0.0.1", "held.test:0"); }
  const auto reload = [&] { return proxy.change("/admin/config/reload"); };
  auto report = std::async(std::launch::async, reload);
  auto again = std::async(std::launch::async, reload);  // of the same file
  CHECK(proxy.change("/admin/circuit-breakers/orders/reset").status == 200);
  CHECK(report.wait_for(100ms) == std::future_status::timeout);
  proxy.release();
  CHECK(report.get().status == 200);
  CHECK(again.get().status == 200);
  CHECK(proxy.get() == 200);
}

TEST_CASE("a later reload takes the place of one whose names are still looked up") {
  Held proxy;
  proxy.write("held.test");
  auto first = std::async(std::launch::async, [&] { return proxy.change("/admin/config/reload"); });
  CHECK(first.wait_for(100ms) == std::future_status::timeout);
  proxy.write("127.0.0.1");
  CHECK(proxy.change("/admin/config/reload").status == 200);
  const Response refused = first.get();
  CHECK(refused.status == 422);
  CHECK(refused.body.find("later reload") != std::string::npos);
  proxy.release();
  CHECK(proxy.get() == 200);
}

TEST_CASE("a drain refuses a reload whose names are still looked up") {
  Held proxy;
  proxy.write("held.test");
  auto report = std::async(std::launch::async, [&] { return proxy.change("/admin/config/reload"); });
  CHECK(report.wait_for(100ms) == std::future_status::timeout);
  CHECK(proxy.change("/admin/drain").status == 202);
  const int status = report.get().status;
  CHECK((status == 422 || status == 0));  // the process may have ended
  CHECK(proxy.process.wait() == 0);
}

TEST_CASE("SIGTERM ends a process that is still looking up names at its start") {
  Held proxy("held.test");
  REQUIRE(eventually([&] { return proxy.process.catches(SIGTERM) && proxy.process.descriptors() > 8; }));
  proxy.process.signal(SIGTERM);
  CHECK(proxy.process.wait() == 0);
}

TEST_CASE("a second SIGTERM ends a process whose control thread is blocked") {
  Held proxy;
  proxy.hold_files();
  proxy.process.signal(SIGHUP);
  proxy.process.signal(SIGTERM);
  CHECK_FALSE(proxy.process.wait(100ms).has_value());
  proxy.process.signal(SIGTERM);
  CHECK(proxy.process.wait() == 1);
}
