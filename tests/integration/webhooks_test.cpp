// SPDX-License-Identifier: Apache-2.0
// docs/reference.md, "Webhooks": what receivers hear, and what becomes of it where they do not listen.
#include <boost/json.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/rig.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

namespace json = boost::json;

// A proxy whose only upstream is nobody; `hook`: the keys of its webhook beside the URL.
std::string file(const std::string& hook, const std::string& more = {}) {
  return "listeners: [{address: 127.0.0.1:0, routes: [{upstream: orders}]}]\nupstreams: {orders: "
         "\"http://127.0.0.1:1\", users: "
         "\"http://127.0.0.1:1\"}\n" +
         more + "events: {webhooks: [{name: hook, min_interval: 0s, " + hook + "}]}\n";
}

struct HookRig {
  explicit HookRig(Script script = scripts::status(204), const std::string& keys = {}, TlsEnd* tls = nullptr,
                   const std::string& path = "/in")
      : receiver(std::move(script), tls),
        proxy(file("url: \"" + std::string(tls != nullptr ? "https://localhost" : "http://127.0.0.1") + ":${HOOK}" +
                   path + "\"" + keys),
              {{"HOOK", receiver.port()}}) {}

  void force_open(const std::string& name = "orders") {
    proxy.admin_change("/admin/circuit-breakers/" + name + "/force-open");
  }
  void reset(const std::string& name = "orders") { proxy.admin_change("/admin/circuit-breakers/" + name + "/reset"); }
  double count(const std::string& result) const {
    return proxy.metric("fusewire_webhooks_total{webhook=\"hook\",result=\"" + result + "\"}");
  }
  bool counted(const std::string& result, double wanted) const {
    return eventually([&] { return count(result) == wanted; });
  }
  json::value sent(std::size_t number) const { return json::parse(receiver.requests().at(number).body); }

  ScriptedUpstream receiver;
  TestProxy proxy;
};

const std::string kResets = ", on: [reset, override_set]";

}  // namespace

TEST_CASE("webhooks: an event is posted as JSON, with the token of a file") {
  const TemporaryFolder folder;
  HookRig rig(scripts::status(204), kResets + ", source: edge-1, token_file: " + folder.write("token", "s3cret\n"));
  CHECK(rig.count("sent") == 0);
  rig.force_open();
  REQUIRE(rig.counted("sent", 1));
  const Request request = rig.receiver.requests().at(0);
  CHECK(request.method == "POST");
  CHECK(request.target == "/in");
  CHECK(request.field("Host") == "127.0.0.1:" + std::to_string(rig.receiver.port()));
  CHECK(request.field("Content-Type") == "application/json");
  CHECK(request.field("Authorization") == "Bearer s3cret");
  CHECK(request.complete);
  CHECK(rig.sent(0).at("on") == "override_set");
  CHECK(rig.sent(0).at("override") == "forced_open");
  CHECK(rig.sent(0).at("source") == "edge-1");
  folder.write("token", "rotated\n");
  rig.reset();
  REQUIRE(rig.counted("sent", 2));
  CHECK(rig.receiver.requests().at(1).field("Authorization") == "Bearer rotated");
}

TEST_CASE("webhooks: a true trip is posted, and an event that is not wanted is none") {
  HookRig rig(scripts::status(200));
  rig.reset();
  for (int i = 0; i < 5; ++i) rig.proxy.get("/");
  REQUIRE(rig.counted("sent", 1));
  CHECK(rig.sent(0).at("on") == "open");
  CHECK(rig.sent(0).at("reason") == "consecutive_failures");
  CHECK(rig.sent(0).at("value").to_number<double>() == 5);
  rig.reset();
  REQUIRE(rig.counted("sent", 2));
  CHECK(rig.sent(1).at("on") == "closed");
}

TEST_CASE("webhooks: 500, then a connection that is cut, then 200: the message arrives, and later ones in order") {
  HookRig rig(scripts::in_turn({scripts::status(500), scripts::reset(), scripts::status(200)}), kResets);
  rig.reset("orders");
  rig.reset("users");
  REQUIRE(rig.counted("sent", 2));
  CHECK(rig.count("failed") == 0);
  std::vector<std::string> names;
  for (const Request& request : rig.receiver.requests())
    if (!request.body.empty()) names.emplace_back(json::parse(request.body).at("breaker").as_string());
  REQUIRE(names.size() >= 3);
  CHECK(names.front() == "orders");
  CHECK(names[names.size() - 2] == "orders");
  CHECK(names.back() == "users");
}

TEST_CASE("webhooks: what a receiver refuses is not tried again, a redirect is not followed, and one line says so") {
  const TemporaryFolder folder;
  const ReservedPort admin;
  ScriptedUpstream elsewhere;
  ScriptedUpstream receiver(scripts::reply("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:" +
                                           std::to_string(elsewhere.port()) + "/\r\nContent-Length: 0\r\n\r\n"));
  const Process process(
      {"run", "-c",
       folder.write(
           "f.yaml",
           file("url: \"http://127.0.0.1:" + std::to_string(receiver.port()) + "/s3cret?key=s3cret\"" + kResets,
                "admin: {token: t, address: \"127.0.0.1:" + std::to_string(admin.number()) + "\"}\n"))});
  const std::vector<std::string> at = {"--admin", "http://127.0.0.1:" + std::to_string(admin.number())};
  REQUIRE(eventually([&] { return Process({"status", "--ready", at[0], at[1]}).wait() == 0; }));
  REQUIRE(Process({"reset", "orders", at[0], at[1]}, false, {"FUSEWIRE_TOKEN=t"}).wait() == 0);
  REQUIRE(eventually([&] { return process.output().find("webhook failed") != std::string::npos; }));
  const std::string log = process.output();
  CHECK(log.find(R"("webhook":"hook","event":"reset","breaker":"orders","attempts":1,"error":"it answered 307")") !=
        std::string::npos);
  CHECK(log.find("s3cret") == std::string::npos);
  CHECK(receiver.request_count() == 1);
  CHECK(elsewhere.connection_count() == 0);
}

TEST_CASE("webhooks: a receiver that hangs delays no request, no change and no other webhook") {
  ScriptedUpstream slow(scripts::hang());
  ScriptedUpstream quick(scripts::status(200));
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:1\"}\nevents: {webhooks: [" +
          std::string("{name: slow, url: \"http://127.0.0.1:${SLOW}\", on: [reset], retries: 0, timeout: 60s},"
                      "{name: quick, url: \"http://127.0.0.1:${QUICK}\", on: [reset]}]}\n"),
      {{"SLOW", slow.port()}, {"QUICK", quick.port()}});
  proxy.admin_change("/admin/circuit-breakers/reset");
  REQUIRE(eventually([&] { return slow.request_count() == 1 && quick.request_count() == 1; }));
  CHECK(proxy.get("/").status == 502);
  CHECK(proxy.admin_change("/admin/circuit-breakers/reset").status == 200);
  CHECK(proxy.metric("fusewire_webhooks_total{webhook=\"slow\",result=\"sent\"}") == 0);
}

TEST_CASE("webhooks: an attempt ends with its timeout, and the message after its retries") {
  HookRig rig(scripts::hang(), kResets + ", timeout: 50ms, retries: 1");
  rig.reset();
  CHECK(rig.counted("failed", 1));
  CHECK(rig.receiver.request_count() == 2);
}

TEST_CASE("webhooks: an answer without end is cut off after its head") {
  HookRig rig(
      [](Call& call) {
        call.read_body();
        call.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
        while (call.send(pattern(65536))) {
        }
      },
      kResets);
  rig.reset();
  CHECK(rig.counted("sent", 1));
  CHECK(eventually([&] { return rig.receiver.open_connections() == 0; }));
}

TEST_CASE("webhooks: a head without end is no answer") {
  HookRig rig(
      [](Call& call) {
        call.send("HTTP/1.1 200 OK\r\n");
        while (call.send("X-Fill: " + std::string(1000, 'x') + "\r\n")) {
        }
      },
      kResets + ", retries: 0");
  rig.reset();
  CHECK(rig.counted("failed", 1));
}

TEST_CASE("webhooks: the certificate of an https:// receiver is verified, and nothing is sent before") {
  const TlsFiles files;
  TlsEnd server(TlsEnd::Role::server, files.server());
  {
    HookRig trusted(scripts::status(202), kResets + ", ca: " + files.at("ca.pem"), &server);
    trusted.reset();
    CHECK(trusted.counted("sent", 1));
  }
  HookRig unknown(scripts::status(202), kResets + ", retries: 0", &server);
  unknown.reset();
  CHECK(unknown.counted("failed", 1));
  CHECK(unknown.receiver.request_count() == 0);
}

TEST_CASE("webhooks: a certificate for another name is refused") {
  const TlsFiles files({.names = "DNS:elsewhere.example"});
  TlsEnd server(TlsEnd::Role::server, files.server());
  HookRig rig(scripts::status(202), kResets + ", retries: 0, ca: " + files.at("ca.pem"), &server);
  rig.reset();
  CHECK(rig.counted("failed", 1));
  CHECK(rig.receiver.request_count() == 0);
}

TEST_CASE("webhooks: flapping makes one message, which says how many it stands for") {
  ScriptedUpstream receiver(scripts::status(200));
  TestProxy proxy(
      "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:1\"}\nevents: {webhooks: [{name: hook, url: "
      "\"http://127.0.0.1:${HOOK}\", min_interval: 1s, on: [override_set, override_ended]}]}\n",
      {{"HOOK", receiver.port()}});
  for (int i = 0; i < 5; ++i) {
    proxy.admin_change("/admin/circuit-breakers/orders/force-open");
    proxy.admin_change("/admin/circuit-breakers/orders/release");
  }
  REQUIRE(eventually([&] { return receiver.request_count() == 2; }));
  REQUIRE(eventually([&] { return !receiver.requests().at(1).body.empty(); }));
  const json::value last = json::parse(receiver.requests().at(1).body);
  CHECK(last.at("on") == "override_ended");
  CHECK(last.at("held_back") == 8);
  CHECK(proxy.metric("fusewire_webhooks_total{webhook=\"hook\",result=\"held_back\"}") == 8);
}

TEST_CASE("webhooks: a reload adds, changes and removes them") {
  ScriptedUpstream first(scripts::status(200));
  ScriptedUpstream second(scripts::status(200));
  const std::string upstreams = "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:1\"}\n";
  const auto hooks = [&](const std::string& list) { return upstreams + "events: {webhooks: [" + list + "]}\n"; };
  const std::string one =
      "{name: one, on: [reset], min_interval: 0s, url: \"http://127.0.0.1:" + std::to_string(first.port()) + "\"}";
  const std::string two =
      "{name: two, on: [reset], min_interval: 0s, url: \"http://127.0.0.1:" + std::to_string(second.port()) + "\"}";
  TestProxy proxy(upstreams);
  const auto sent = [&](const std::string& name) {
    return proxy.metric("fusewire_webhooks_total{webhook=\"" + name + "\",result=\"sent\"}");
  };
  CHECK(sent("one") == -1);
  proxy.admin_change("/admin/circuit-breakers/reset");
  CHECK(proxy.reload(hooks(one)).status == 200);
  proxy.admin_change("/admin/circuit-breakers/reset");
  REQUIRE(eventually([&] { return sent("one") == 1; }));
  CHECK(proxy.reload(hooks(one + ", " + two)).status == 200);
  proxy.admin_change("/admin/circuit-breakers/reset");
  REQUIRE(eventually([&] { return sent("one") == 2 && sent("two") == 1; }));
  CHECK(proxy.reload(hooks(two)).status == 200);
  CHECK(sent("one") == -1);
  proxy.admin_change("/admin/circuit-breakers/reset");
  REQUIRE(eventually([&] { return sent("two") == 2; }));
  CHECK(first.request_count() == 2);
}

TEST_CASE("webhooks: a process that drains sends what waits") {
  HookRig rig(scripts::in_turn({scripts::status(503), scripts::status(200)}), kResets);
  rig.reset();
  REQUIRE(eventually([&] { return rig.receiver.request_count() == 1; }));
  rig.reset("users");
  rig.proxy.drain();
  CHECK(rig.proxy.wait() == 0);
  CHECK(rig.receiver.request_count() >= 3);
}

TEST_CASE("webhooks: a receiver that hangs delays the end of the process by a bounded time") {
  HookRig rig(scripts::hang(), kResets + ", timeout: 60s");
  rig.reset();
  REQUIRE(eventually([&] { return rig.receiver.request_count() == 1; }));
  const auto taken = time_of([&] {
    rig.proxy.drain();
    CHECK(rig.proxy.wait() == 0);
  });
  CHECK(taken < 15s);
}

TEST_CASE("webhooks: no secret is in the effective configuration") {
  HookRig rig(scripts::status(204), "", nullptr, "/s3cret");
  const Response config = rig.proxy.admin("GET", "/admin/config");
  CHECK(config.status == 200);
  CHECK(config.body.find("s3cret") == std::string::npos);
  CHECK(config.body.find(R"("url":"<from HOOK>")") != std::string::npos);
}
