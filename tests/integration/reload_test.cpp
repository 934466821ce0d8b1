// SPDX-License-Identifier: Apache-2.0
// A new configuration in a running proxy: what is kept, what changes, and what a bad one does (nothing).
#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "config/load.hpp"
#include "proxy/server/server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;
namespace fs = std::filesystem;

namespace {

void trip(Rig& rig) {
  rig.upstream.script(scripts::status(500));
  for (int i = 0; i < 5; ++i) REQUIRE(rig.proxy.get("/").status == 500);
}

bool lists(const Response& reply, const char* key, const std::string& what) {
  const auto body = boost::json::parse(reply.body).as_object();
  const auto* list = body.if_contains(key);
  if (!list || !list->is_array()) return false;
  for (const auto& entry : list->as_array())
    if (entry.is_string() && entry.as_string() == what) return true;
  return false;
}

// A proxy that reads a file and watches it.
class Watching {
 public:
  explicit Watching(std::uint16_t upstream) : upstream_(upstream) {}
  const fs::path& folder() const { return folder_.path(); }
  void write(const fs::path& file, const std::string& lines) const {
    std::ofstream(file) << "listeners: [{name: main, address: \"127.0.0.1:0\", routes: [{upstream: orders}]}]\n"
                        << "admin: {address: \"127.0.0.1:0\"}\nlog: {level: off, access: off}\nupstreams:\n  orders:\n"
                        << "    endpoints: [\"http://127.0.0.1:" << upstream_ << "\"]\n"
                        << lines;
  }
  void start(const fs::path& file) {
    const auto loader = [file] {
      std::ifstream in(file);
      return fusewire::config::load({.name = file.string(),
                                     .text = std::string(std::istreambuf_iterator<char>(in), {}),
                                     .environment = {},
                                     .set = {}});
    };
    auto first = loader();
    REQUIRE(first.config.has_value());
    server_ = std::make_unique<fusewire::proxy::Server>(
        *first.config, fusewire::proxy::ServerOptions{.loader = loader, .watch = file.string(), .signals = false});
  }
  int get() const {
    Connection client = Connection::to(server_->port("main"));
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    return read_response(client).status;
  }

 private:
  std::uint16_t upstream_;
  TemporaryFolder folder_;
  std::unique_ptr<fusewire::proxy::Server> server_;
};

std::string instead(int status) {
  return "    fallback: {on: [\"500\"], chain: [{static: {status: " + std::to_string(status) + ", body: x}}]}\n";
}

}  // namespace

TEST_CASE("an open breaker stays open over a reload, with its deadline") {
  Rig rig;
  trip(rig);
  const auto before = rig.proxy.breaker();
  const Response report = rig.proxy.reload(orders("    timeouts: {response: 3s}\n"));
  CHECK(report.status == 200);
  CHECK(lists(report, "changed", "upstream orders"));
  CHECK(lists(report, "kept", "listener main"));
  const auto after = rig.proxy.breaker();
  CHECK(after.state == fusewire::breaker::State::open);
  CHECK(after.generation == before.generation);
  CHECK(after.open_remaining <= before.open_remaining);
  CHECK(after.open_remaining > before.open_remaining - 20s);
  CHECK(rig.proxy.get("/").status == 503);
}

TEST_CASE("a bad configuration changes nothing and is reported") {
  Rig rig;
  const Response report = rig.proxy.reload(orders("    timeouts: {respons: 3s}\n"));
  CHECK(report.status >= 400);
  CHECK(report.body.find("respons") != std::string::npos);
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.metric("fusewire_config_last_reload_successful") == 0);
  CHECK(rig.proxy.admin("GET", "/admin/config").body.find("respons") != std::string::npos);
  CHECK(rig.proxy.reload(orders()).status == 200);
  CHECK(rig.proxy.metric("fusewire_config_last_reload_successful") == 1);
}

TEST_CASE("a second upstream without routes is warned of in the reload's result, and in what is kept of it") {
  ScriptedUpstream first, second;
  TestProxy proxy("listen: 127.0.0.1:0\nupstreams:\n  first: \"http://127.0.0.1:${A}\"\n",
                  {{"A", first.port()}, {"B", second.port()}});
  CHECK(proxy.get("/").status == 200);
  const Response report = proxy.reload(
      "listen: 127.0.0.1:0\nupstreams:\n  first: \"http://127.0.0.1:${A}\"\n  second: \"http://127.0.0.1:${B}\"\n");
  CHECK(report.status == 200);
  const std::string warning = "a request goes to the upstream that its Host names (first, second)";
  CHECK(report.body.find(warning) != std::string::npos);
  CHECK(proxy.admin("GET", "/admin/config").body.find(warning) != std::string::npos);
}

TEST_CASE("a configuration can be judged without being taken") {
  Rig rig;
  const std::string token = std::string("Authorization: Bearer ") + kToken + "\r\n";
  const auto check = [&](const std::string& text) {
    return rig.proxy.admin("POST", "/admin/config/check", token, text).body;
  };
  CHECK(
      check("listen: 127.0.0.1:8080\nupstreams: {a: \"http://127.0.0.1:1\", a: \"http://127.0.0.1:2\"}\n").find("a") !=
      std::string::npos);
  CHECK(check("listen: 127.0.0.1:8080\nupstreamz: {}\n").find("upstreamz") != std::string::npos);
  CHECK(check("listen: 127.0.0.1:8080\nupstreams: {a: \"http://127.0.0.1:1\"}\n").find("\"errors\":[]") !=
        std::string::npos);
  CHECK(rig.proxy.get("/").status == 200);
}

TEST_CASE("new settings are live for the next request") {
  Rig rig(scripts::hang(), "    timeouts: {response: 30s}\n");
  REQUIRE(rig.proxy.reload(orders("    timeouts: {response: 100ms}\n")).status == 200);
  CHECK(rig.proxy.get("/").status == 504);
}

TEST_CASE("a request in flight ends under the configuration that admitted it") {
  std::atomic<bool> go{false};
  Rig rig([&](Call& call) {
    eventually([&] { return go.load() || call.stopping(); });
    call.send(response(500, "own"));
  });
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  REQUIRE(rig.proxy.reload(orders(instead(203))).status == 200);
  go = true;
  CHECK(read_response(client).body == "own");
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).status == 203);
}

TEST_CASE("upstreams and listeners come and go without a restart") {
  ScriptedUpstream first(scripts::ok("first")), second(scripts::ok("second"));
  const std::string start = "listeners:\n  - {name: main, address: \"127.0.0.1:0\", routes: [{upstream: first}]}\n";
  const std::string more = "  - {name: extra, address: \"127.0.0.1:0\", routes: [{upstream: second}]}\n";
  const std::string upstreams = "upstreams:\n  first: \"http://127.0.0.1:${A}\"\n";
  const std::string another = "  second: \"http://127.0.0.1:${B}\"\n";
  TestProxy proxy(start + upstreams, {{"A", first.port()}, {"B", second.port()}});

  const Response added = proxy.reload(start + more + upstreams + another);
  CHECK(lists(added, "added", "upstream second"));
  CHECK(lists(added, "added", "listener extra"));
  CHECK(lists(added, "kept", "upstream first"));
  const std::uint16_t extra = proxy.port("extra");
  Connection client = Connection::to(extra);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).body == "second");

  second.script(scripts::status(500));
  for (int i = 0; i < 5; ++i) {
    Connection failing = Connection::to(extra);
    failing.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(read_response(failing).status == 500);
  }
  CHECK(proxy.state("second") == "open");

  const Response removed = proxy.reload(start + upstreams);
  CHECK(lists(removed, "removed", "upstream second"));
  CHECK(lists(removed, "removed", "listener extra"));
  CHECK(eventually([&] { return refused(extra); }));
  CHECK(proxy.get("/").body == "first");

  REQUIRE(proxy.reload(start + more + upstreams + another).status == 200);
  CHECK(proxy.state("second") == "closed");
}

TEST_CASE("a kept connection ends in good order when its listener is removed") {
  ScriptedUpstream upstream;
  const std::string main = "listeners:\n  - {name: main, address: \"127.0.0.1:0\", routes: [{upstream: orders}]}\n";
  const std::string extra = "  - {name: extra, address: \"127.0.0.1:0\", routes: [{upstream: orders}]}\n";
  const std::string rest = "upstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n";
  TestProxy proxy(main + extra + rest, {{"ORDERS", upstream.port()}});
  Connection idle = Connection::to(proxy.port("extra"));
  Connection busy = Connection::to(proxy.port("extra"));
  for (Connection* one : {&idle, &busy}) {
    one->send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(read_response(*one).status == 200);
  }
  upstream.script(scripts::delayed(300ms, scripts::ok()));
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return upstream.request_count() == 3; }));
  REQUIRE(proxy.reload(main + rest).status == 200);
  CHECK(read_response(busy).status == 200);
  CHECK(busy.ended());
  CHECK(idle.ended());
}

TEST_CASE("a head that is late is answered 408 after a reload, too") {
  Rig rig(scripts::ok(), "", "    limits: {head_timeout: 400ms}\n");
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost:");
  REQUIRE(rig.proxy.reload(orders("    timeouts: {response: 3s}\n", "    limits: {head_timeout: 400ms}\n")).status ==
          200);
  CHECK(read_response(client).status == 408);
  CHECK(client.ended());
}

TEST_CASE("a process that drains takes no new configuration") {
  Rig rig(scripts::ok(), "", "", {"shutdown.grace=2s"});
  REQUIRE(rig.proxy.admin_change("/admin/drain").status < 300);
  CHECK(rig.proxy.reload(orders("    timeouts: {response: 3s}\n")).status >= 400);
  CHECK(rig.proxy.get("/").status == 200);
}

TEST_CASE("a request whose upstream is taken away by a reload is still sent once more on a fresh connection") {
  std::atomic<bool> go{false};
  const auto stale = [&](Call& call) {
    eventually([&] { return go.load() || call.stopping(); });
    scripts::cut()(call);
  };
  Rig rig(scripts::in_turn({scripts::ok(), stale, scripts::ok("again")}), "", "", {"runtime.workers=1"});
  CHECK(rig.proxy.get("/").status == 200);
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 2; }));
  CHECK(rig.proxy.reload("listen: 127.0.0.1:0\nupstreams:\n  other: \"http://127.0.0.1:${ORDERS}\"\n").status == 200);
  go = true;
  CHECK(read_response(client).body == "again");
}

TEST_CASE("reloads under traffic fail no request") {
  Rig rig;
  std::atomic<bool> over{false};
  std::atomic<int> good{0}, bad{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&] {
      Connection client = rig.proxy.connect();
      while (!over) {
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        ++(read_response(client).status == 200 ? good : bad);
      }
    });
  int reloads = 0;
  for (; reloads < 40; ++reloads) {
    const int before = good;
    if (rig.proxy.reload(orders("    timeouts: {response: " + std::to_string(10 + reloads % 2) + "s}\n")).status != 200)
      break;
    if (!eventually([&] { return good > before + 5; })) break;
  }
  over = true;
  for (auto& client : clients) client.join();
  CHECK(reloads == 40);
  CHECK(bad == 0);
}

TEST_CASE("a changed file is taken by itself, a bad one is not, and connections stay") {
  ScriptedUpstream upstream(scripts::status(500));
  Watching proxy(upstream.port());
  const fs::path file = proxy.folder() / "fusewire.yaml";
  const std::string no_breaker = kNoBreaker;
  proxy.write(file, no_breaker + instead(201));
  proxy.start(file);
  CHECK(proxy.get() == 201);
  proxy.write(file, no_breaker + instead(202));
  CHECK(eventually([&] { return proxy.get() == 202; }));
  std::ofstream(file) << "nonsense: [";
  proxy.write(proxy.folder() / "next.yaml", no_breaker + instead(203));
  CHECK(proxy.get() == 202);
  fs::rename(proxy.folder() / "next.yaml", file);
  CHECK(eventually([&] { return proxy.get() == 203; }));
}

TEST_CASE("a ConfigMap's symlink swap is noticed") {
  ScriptedUpstream upstream(scripts::status(500));
  Watching proxy(upstream.port());
  const auto publish = [&](const std::string& version, int status) {
    const fs::path folder = proxy.folder() / version;
    fs::create_directory(folder);
    proxy.write(folder / "fusewire.yaml", std::string(kNoBreaker) + instead(status));
    fs::create_directory_symlink(version, proxy.folder() / "..data_tmp");
    fs::rename(proxy.folder() / "..data_tmp", proxy.folder() / "..data");
  };
  publish("..v1", 201);
  fs::create_symlink("..data/fusewire.yaml", proxy.folder() / "fusewire.yaml");
  proxy.start(proxy.folder() / "fusewire.yaml");
  CHECK(proxy.get() == 201);
  publish("..v2", 202);
  CHECK(eventually([&] { return proxy.get() == 202; }));
  publish("..v3", 203);
  fs::remove_all(proxy.folder() / "..v1");
  CHECK(eventually([&] { return proxy.get() == 203; }));
}

TEST_CASE("what is stored stays while one endpoint of its upstream does, and goes when all are others") {
  const auto answers = [](const char* body) {
    return scripts::reply(response(200, body, "Cache-Control: max-age=600\r\n"));
  };
  ScriptedUpstream first(answers("first"));
  ScriptedUpstream other(answers("other"));
  const auto at = [](const std::string& endpoints) {
    std::string text = orders("    cache: {serve: normal}\n");
    const std::string one = "\"http://127.0.0.1:${ORDERS}\"";
    return text.replace(text.find(one), one.size(), endpoints);
  };
  const std::string first_url = "\"http://127.0.0.1:${ORDERS}\"";
  const std::string other_url = "\"http://127.0.0.1:${OTHER}\"";
  TestProxy proxy(at(first_url), {{"ORDERS", first.port()}, {"OTHER", other.port()}});
  CHECK(proxy.get("/").body == "first");
  REQUIRE(proxy.reload(at(first_url + ", " + other_url)).status == 200);
  CHECK(proxy.get("/").body == "first");
  CHECK(first.request_count() + other.request_count() == 1);
  REQUIRE(proxy.reload(at(other_url)).status == 200);
  CHECK(proxy.get("/").body == "first");
  REQUIRE(proxy.reload(at(first_url)).status == 200);
  REQUIRE(proxy.reload(at(other_url)).status == 200);
  CHECK(proxy.get("/").body == "other");
}
