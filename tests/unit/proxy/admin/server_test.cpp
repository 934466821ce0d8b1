// SPDX-License-Identifier: Apache-2.0
// The admin API over real sockets.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/eventually.hpp"
#include "tests/unit/proxy/admin/wire.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using proxy::admin::Interface;

namespace {

// A token's file, as a mounted Secret: replaced as a whole.
class TokenFile {
 public:
  explicit TokenFile(const std::string& token) {
    std::string name = (std::filesystem::temp_directory_path() / "fusewire-token-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path_ = name;
    std::ofstream(path_) << token << '\n';
  }
  ~TokenFile() { std::filesystem::remove(path_); }
  void rotate(const std::string& token) const {
    const std::string next = path_.string() + ".next";
    std::ofstream(next) << token << '\n';
    std::filesystem::rename(next, path_);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// That many connections, each with a stream of events that has begun.
std::vector<std::unique_ptr<RawClient>> open_streams(const AdminRig& rig, int count) {
  std::vector<std::unique_ptr<RawClient>> streams;
  for (int i = 0; i < count; ++i) {
    streams.push_back(std::make_unique<RawClient>(rig.port));
    streams.back()->send(get("/admin/events/stream"));
    REQUIRE(is(streams.back()->take_until("\r\n\r\n"), 200));
  }
  return streams;
}

}  // namespace

TEST_CASE("a connection is kept for the next request, and pipelined ones are answered in order") {
  AdminRig rig;
  RawClient client(rig.port);
  client.send(get("/admin/health"));
  const std::string first = client.take_response();
  CHECK(is(first, 200));
  CHECK(has(first, "Connection: keep-alive\r\n"));
  CHECK(has(first, "Content-Type: application/json\r\n"));
  CHECK(has(first, "Date: "));
  client.send(get("/metrics") + get("/admin/nothing") + "GET /admin/ready HTTP/1.1\r\n" + kHost +
              "Connection: close\r\n\r\n");
  CHECK(has(client.take_response(), "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  const std::string missing = client.take_response();
  CHECK(is(missing, 404));
  CHECK(has(missing, "Content-Type: application/problem+json\r\n"));
  CHECK(has(client.take_response(), "Connection: close\r\n"));
  CHECK(client.ended());
}

TEST_CASE("HEAD has the fields of GET and no body") {
  AdminRig rig;
  RawClient client(rig.port);
  client.send("HEAD /admin/events HTTP/1.1\r\n" + kHost + "\r\n" + get("/admin/health"));
  const std::string head = client.take_until("\r\n\r\n");
  CHECK(is(head, 200));
  CHECK_FALSE(has(head, "Content-Length: 0\r\n"));
  CHECK(is(client.take_response(), 200));
}

TEST_CASE("a change over the wire: refused without the token, done with it") {
  AdminRig rig;
  const std::string line = "POST /admin/circuit-breakers/orders/force-open?for=10m HTTP/1.1\r\n" + kHost;
  const std::string refused = rig.ask(line + "Content-Length: 0\r\n\r\n");
  CHECK(is(refused, 401));
  CHECK(has(refused, "WWW-Authenticate: Bearer realm=\"fusewire\"\r\n"));
  CHECK(is(rig.ask(line + kToken + "Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n"), 403));
  CHECK(rig.breaker("orders").snapshot(std::chrono::steady_clock::now()).override_state == breaker::Override::none);
  CHECK(has(rig.ask(line + kToken + "Content-Length: 0\r\n\r\n"), "\"override\":\"forced_open\""));
}

TEST_CASE("the body of a refused request is never taken for a request") {
  AdminRig rig;
  RawClient client(rig.port);
  const std::string hidden = get("/admin/health");
  client.send("POST /admin/drain HTTP/1.1\r\n" + kHost + "Content-Length: " + std::to_string(hidden.size()) +
              "\r\n\r\n" + hidden);
  const std::string refused = client.take_response();
  CHECK(is(refused, 401));
  CHECK(has(refused, "Connection: close\r\n"));
  CHECK(client.ended());
}

TEST_CASE("a body is read in pieces, after 100 Continue where that is asked for, chunked or not") {
  AdminRig rig;
  RawClient client(rig.port);
  client.send("POST /admin/config/check HTTP/1.1\r\n" + kHost + kToken +
              "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n");
  CHECK(client.take_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("list");
  client.send("enx: 1");
  CHECK(has(client.take_response(), "\"valid\":false"));
  client.send("POST /admin/circuit-breakers/reset HTTP/1.1\r\n" + kHost + kToken +
              "Transfer-Encoding: chunked\r\n\r\n12\r\n{\"names\":[\"users\"]\r\n1\r\n}\r\n0\r\n\r\n");
  CHECK(has(client.take_response(), "{\"reset\":[\"users\"]}"));
}

TEST_CASE("what is too large or malformed is refused, and the refusal can be read") {
  AdminRig rig;
  const std::string post = "POST /admin/config/check HTTP/1.1\r\n" + kHost + kToken;
  CHECK(is(rig.ask("GET /admin/health HTTP/1.1\r\n" + kHost + "X: " + std::string(17000, 'x') + "\r\n\r\n"), 431));
  CHECK(is(rig.ask(post + "Content-Length: 4194305\r\n\r\n"), 413));
  CHECK(is(rig.ask(post + "Transfer-Encoding: chunked\r\n\r\n400001\r\n" + std::string(0x400001, 'x') + "\r\n"), 413));
  CHECK(
      is(rig.ask("POST /admin/circuit-breakers/reset HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 65537\r\n\r\n"),
         413));
  CHECK(is(rig.ask("nonsense\r\n\r\n"), 400));
  CHECK(is(rig.ask("GET /admin/health HTTP/1.1\r\n\r\n"), 400));  // no Host
  CHECK(is(rig.ask("GET /admin/health HTTP/1.1\r\n" + kHost + kHost + "\r\n"), 400));
  CHECK(is(rig.ask("GET /admin/health HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421));
  CHECK(is(rig.ask("GET http://evil.example/admin/health HTTP/1.1\r\n" + kHost + "\r\n"), 421));
  CHECK(is(rig.ask(get("/admin/health")), 200));
}

TEST_CASE("events are streamed as they happen, after those that a reader has missed") {
  AdminRig rig;
  const auto trip = [&](const char* name) {
    rig.on_control([&, name] { rig.trip(name, std::chrono::steady_clock::now()); });
  };
  trip("orders");
  RawClient late(rig.port);
  late.send("GET /admin/events/stream HTTP/1.1\r\n" + kHost + "Last-Event-ID: 0\r\n\r\n");
  const std::string head = late.take_until("\r\n\r\n");
  CHECK(has(head, "Content-Type: text/event-stream\r\n"));
  CHECK(has(late.take_until("\n\n"), ".1\nevent: transition\ndata: {\"id\":1,"));

  RawClient live(rig.port);
  live.send(get("/admin/events/stream"));
  CHECK(is(live.take_until("\r\n\r\n"), 200));
  trip("users");
  CHECK(has(live.take_until("\n\n"), ".2\n"));
  CHECK(has(late.take_until("\n\n"), "\"breaker\":\"users\""));
}

TEST_CASE("64 connections are served; the one idle longest gives way to the next") {
  AdminRig rig;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<RawClient>(rig.port));
    clients.back()->send(get("/admin/health"));
    REQUIRE(is(clients.back()->take_response(), 200));
  }
  CHECK(is(rig.ask(get("/admin/health")), 200));
  CHECK(clients.front()->ended());
  clients.back()->send(get("/admin/health"));
  CHECK(is(clients.back()->take_response(), 200));
}

TEST_CASE("64 clients that dribble a head or a body keep nobody out") {
  const std::string half = "POST /admin/config/check HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 100\r\n\r\nx";
  for (const std::string& request : {std::string("GET /admin"), half}) {
    AdminRig rig;
    std::vector<std::unique_ptr<RawClient>> slow;
    for (int i = 0; i < 64; ++i) {
      slow.push_back(std::make_unique<RawClient>(rig.port));
      slow.back()->send(request);
    }
    bool served = false;
    const auto taken = time_of([&] { served = eventually([&] { return is(rig.ask(get("/admin/health")), 200); }); });
    CHECK(served);
    CHECK(taken < 5s);
  }
}

TEST_CASE("16 event streams are served, the next gets a 503, and everything else still gets in") {
  AdminRig rig;
  auto streams = open_streams(rig, 16);
  const std::string refused = rig.ask(get("/admin/events/stream"));
  CHECK(is(refused, 503));
  CHECK(has(refused, "16 event streams are open"));
  std::vector<std::unique_ptr<RawClient>> others;
  for (int i = 0; i < 64; ++i) {
    others.push_back(std::make_unique<RawClient>(rig.port));
    others.back()->send(get("/admin/events/stream"));
    CHECK(is(others.back()->take_response(), 503));
  }
  CHECK(is(rig.ask(get("/admin/ready")), 200));
  CHECK(is(rig.ask("POST /admin/circuit-breakers/reset HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 0\r\n\r\n"),
           200));
}

TEST_CASE("a stream that ends makes room for another") {
  AdminRig rig;
  auto streams = open_streams(rig, 16);
  streams.pop_back();
  const auto status_of_next = [&] {
    streams.push_back(std::make_unique<RawClient>(rig.port));
    streams.back()->send(get("/admin/events/stream"));
    return is(streams.back()->take_until("\r\n\r\n"), 200);
  };
  CHECK(eventually(status_of_next));
}

TEST_CASE("the end of an override is reported while nothing arrives") {
  AdminRig rig;
  RawClient stream(rig.port);
  stream.send(get("/admin/events/stream"));
  REQUIRE(is(stream.take_until("\r\n\r\n"), 200));
  rig.ask("POST /admin/circuit-breakers/orders/force-open?for=1ms HTTP/1.1\r\n" + kHost + kToken +
          "Content-Length: 0\r\n\r\n");
  CHECK(has(stream.take_until("\n\n"), "event: override_set\n"));
  CHECK(has(stream.take_until("\n\n"), "\"cause\":\"expired\""));
}

TEST_CASE("a token that is rotated in its file is taken, and one that is missing there is not") {
  const TokenFile file("secret");
  std::string yaml = kTwoUpstreams;
  yaml.replace(yaml.find("token: secret"), 13, "token_file: " + file.path().string());
  AdminRig rig(yaml);
  const auto status = [&](const std::string& token) {
    return rig.ask("POST /admin/circuit-breakers/reset HTTP/1.1\r\n" + kHost + "Authorization: Bearer " + token +
                   "\r\nContent-Length: 0\r\n\r\n");
  };
  CHECK(is(status("secret"), 200));
  file.rotate("rotated");
  CHECK(eventually([&] { return is(status("rotated"), 200); }));
  CHECK(is(status("secret"), 401));
  std::filesystem::remove(file.path());
  rig.on_control([&] {
    for (int i = 0; i < 3; ++i) rig.control.poll(std::chrono::steady_clock::now());
  });
  CHECK(is(status("rotated"), 200));
}

TEST_CASE("a token that was rotated while the configuration was being taken over is the new one") {
  const TokenFile file("secret");
  std::string yaml = kTwoUpstreams;
  yaml.replace(yaml.find("token: secret"), 13, "token_file: " + file.path().string());
  config::Config read = config_of(yaml);
  file.rotate("rotated");
  proxy::Control control({}, 1);
  control.start(std::move(read), {.publish = [](const auto&) { return std::string(); }});
  CHECK(control.admin().token == "rotated");
}

TEST_CASE("destroying the server closes its connections and frees its port") {
  AdminRig rig;
  RawClient idle(rig.port);
  idle.send(get("/admin/health"));
  REQUIRE(is(idle.take_response(), 200));
  RawClient stream(rig.port);
  stream.send(get("/admin/events/stream"));
  REQUIRE(is(stream.take_until("\r\n\r\n"), 200));
  rig.on_control([&] {
    config::Address same = AdminRig::any_port();
    same.port = rig.port;
    rig.server.reset();
    rig.server = std::make_unique<proxy::admin::AdminServer>(rig.admin_thread, same, Interface::admin);
  });
  CHECK(idle.ended());
  CHECK(stream.ended());
  CHECK(is(rig.ask(get("/admin/health")), 200));
}

TEST_CASE("an address in use is one clear line") {
  AdminRig rig;
  config::Address taken = AdminRig::any_port();
  taken.port = rig.port;
  const std::string expected = "cannot listen on 127.0.0.1:" + std::to_string(rig.port) + ": Address already in use";
  CHECK_THROWS_WITH_AS(proxy::admin::AdminServer(rig.admin_thread, taken, Interface::admin), expected.c_str(),
                       std::runtime_error);
}

TEST_CASE("the control thread holds up no read, and a change waits for it") {
  AdminRig rig;
  RawClient change(rig.port);
  {
    const auto held = rig.hold_control();
    change.send("POST /admin/circuit-breakers/orders/force-open HTTP/1.1\r\n" + kHost + kToken +
                "Content-Length: 0\r\n\r\n");
    for (const char* target :
         {"/admin/health", "/admin/ready", "/metrics", "/admin/circuit-breakers", "/admin/circuit-breakers/health",
          "/admin/events", "/admin/upstreams", "/admin/cache", "/admin/config"})
      CHECK_MESSAGE(is(rig.ask(get(target)), 200), target);
    CHECK(has(rig.ask(get("/admin/circuit-breakers/orders")), "\"override\":\"none\""));
    CHECK(has(rig.ask("POST /admin/config/check HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 4\r\n\r\nx: 1"),
              "\"valid\":false"));
  }
  CHECK(has(change.take_response(), "\"override\":\"forced_open\""));
}

TEST_CASE("clients of the admin hold up nothing on the control thread") {
  AdminRig rig;
  const auto held = rig.hold_admin();
  bool looked = false;
  rig.on_control([&] {
    rig.control.poll(std::chrono::steady_clock::now());
    looked = true;
  });
  CHECK(looked);
}

TEST_CASE("a check or a purge that takes long holds up no probe, no scrape and no change") {
  AdminRig rig;
  RawClient check(rig.port);
  {
    const auto held = rig.hold_aside();
    check.send("POST /admin/config/check HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 4\r\n\r\nx: 1");
    CHECK(is(rig.ask(get("/admin/ready")), 200));
    CHECK(is(rig.ask(get("/metrics")), 200));
    CHECK(is(rig.ask("POST /admin/circuit-breakers/reset HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 0\r\n\r\n"),
             200));
  }
  CHECK(is(check.take_response(), 200));
}

TEST_CASE("a client that leaves while its answer is being made is no harm") {
  AdminRig rig;
  {
    const auto held = rig.hold_control();
    RawClient gone(rig.port);
    gone.send("POST /admin/circuit-breakers/orders/force-open HTTP/1.1\r\n" + kHost + kToken +
              "Content-Length: 0\r\n\r\n");
    CHECK(is(rig.ask(get("/admin/health")), 200));
  }
  CHECK(is(rig.ask(get("/admin/health")), 200));
}

TEST_CASE("the answer to a change goes out although the server is retired by it") {
  AdminRig rig;
  RawClient change(rig.port);
  {
    const auto held = rig.hold_control();
    change.send("POST /admin/drain HTTP/1.1\r\n" + kHost + kToken + "Content-Length: 0\r\n\r\n");
    CHECK(is(rig.ask(get("/admin/health")), 200));  // the change has been read
    asio::post(rig.io, [&] { rig.server.reset(); });
  }
  const std::string answer = change.take_response();
  CHECK(is(answer, 202));  // before the server has gone, or after it: then it says that the connection closes
  CHECK(change.ended());
}

TEST_CASE("a configuration as large as a file may be can be judged") {
  AdminRig rig;
  const std::string text = "#" + std::string(3'000'000, 'x') + "\n" + kTwoUpstreams;
  CHECK(has(rig.ask("POST /admin/config/check HTTP/1.1\r\n" + kHost + kToken +
                    "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text),
            "\"valid\":true"));
}
