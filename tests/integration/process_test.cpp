// SPDX-License-Identifier: Apache-2.0
// The program as an operator runs it: exit statuses, signals, logs.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json/parse.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"
#include "tests/support/running.hpp"
#include "tests/support/tunnels.hpp"

using namespace fusewire::testing;

namespace {

// The lines of the log with this message; each line must be JSON.
std::vector<boost::json::object> logged(const Process& process, const std::string& message) {
  std::vector<boost::json::object> found;
  std::istringstream lines(process.output());
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    CAPTURE(line);
    boost::json::error_code failed;
    const auto value = boost::json::parse(line, failed);
    CHECK_FALSE(failed);
    if (!failed && value.as_object().at("message").as_string() == message) found.push_back(value.as_object());
  }
  return found;
}

bool has_flag(const boost::json::object& line, const std::string& flag) {
  for (const auto& one : line.at("flags").as_array())
    if (one.as_string() == flag) return true;
  return false;
}

}  // namespace

TEST_CASE("process: SIGTERM lets a request in flight end and exits with 0") {
  std::atomic<bool> go{false};
  ScriptedUpstream upstream([&](Call& call) {
    eventually([&] { return go.load() || call.stopping(); });
    call.send(response(200, "done"));
  });
  Running running(upstream.port());
  Connection client = running.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return upstream.request_count() == 1; }));
  running.process.signal(SIGTERM);
  CHECK(eventually([&] { return running.ready() == 503; }));
  go = true;
  CHECK(read_response(client).body == "done");
  CHECK(running.process.wait() == 0);
}

TEST_CASE("process: a service manager hears when it serves, and when it begins to end") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "notify").string();
  const int manager = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  REQUIRE(::bind(manager, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const auto heard = [&](const std::string& wanted) {
    return eventually([&] {
      std::array<char, 256> text{};
      const ssize_t size = ::recv(manager, text.data(), text.size(), 0);
      return size > 0 && std::string(text.data(), static_cast<std::size_t>(size)) == wanted;
    });
  };
  const std::string file = folder.write(
      "fusewire.yaml",
      "listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:9\"}\nadmin: {address: \"127.0.0.1:0\"}\n");
  Process process({"run", "-c", file}, false, {"NOTIFY_SOCKET=" + path});
  CHECK(heard("READY=1"));
  process.signal(SIGTERM);
  CHECK(heard("STOPPING=1"));
  CHECK(process.wait() == 0);
  ::close(manager);
}

TEST_CASE("process: a second SIGTERM ends it at once") {
  ScriptedUpstream upstream(scripts::hang());
  Running running(upstream.port(), "shutdown: {drain_timeout: 10m}\n");
  Connection client = running.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return upstream.request_count() == 1; }));
  running.process.signal(SIGTERM);
  CHECK(eventually([&] { return running.ready() == 503; }));
  CHECK_FALSE(running.process.wait(100ms).has_value());
  running.process.signal(SIGTERM);
  CHECK(running.process.wait().has_value());
}

TEST_CASE("process: SIGHUP reloads the file, a bad one changes nothing and is logged") {
  ScriptedUpstream upstream(scripts::status(500));
  const auto instead = [](int status) {
    return "    circuit_breaker: {mode: disabled}\n    fallback: {on: [\"500\"], chain: [{static: {status: " +
           std::to_string(status) + ", body: x}}]}\n";
  };
  Running running(upstream.port(), instead(201));
  CHECK(running.get() == 201);
  running.write(instead(202));
  running.process.signal(SIGHUP);
  CHECK(eventually([&] { return running.get() == 202; }));
  running.write("    tymeouts: {}\n");
  running.process.signal(SIGHUP);
  CHECK(eventually([&] { return running.process.output().find("tymeouts") != std::string::npos; }));
  CHECK(running.get() == 202);
  running.process.signal(SIGTERM);
  CHECK(running.process.wait() == 0);
}

TEST_CASE("process: a pipe in the configuration's place is refused, and holds nothing up") {
  ScriptedUpstream upstream;
  Running running(upstream.port());
  running.replace_by_pipe();
  running.process.signal(SIGHUP);
  CHECK(eventually(
      [&] { return running.process.output().find("cannot be read: not a regular file") != std::string::npos; }));
  CHECK(running.get() == 200);
  running.process.signal(SIGTERM);
  CHECK(running.process.wait() == 0);
}

TEST_CASE("process: a bad configuration exits with 2 and names every error with its place") {
  TemporaryFolder folder;
  const std::string file =
      folder.write("bad.yaml",
                   "listen: 127.0.0.1:0\nupstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:1\"]\n"
                   "    timeouts: {respons: 1s}\n    limits: {max_connections: many}\n");
  for (const char* command : {"run", "check"}) {
    Process process({command, "-c", file});
    CHECK(process.wait() == 2);
    const std::string output = process.output();
    CAPTURE(output);
    CHECK(output.find(file + ":5:") != std::string::npos);
    CHECK(output.find("upstreams.orders.timeouts") != std::string::npos);
    CHECK(output.find(file + ":6:") != std::string::npos);
    CHECK(output.find("max_connections") != std::string::npos);
  }
  Process missing({"run", "-c", (folder.path() / "nothing.yaml").string()});
  CHECK(missing.wait() == 2);
  Process nonsense({"nonsense"});
  CHECK(nonsense.wait() == 2);
}

TEST_CASE("process: a port in use is one clear line and exit status 1") {
  ScriptedUpstream holder;
  TemporaryFolder folder;
  const std::string port = std::to_string(holder.port());
  Process process({"run", "-c",
                   folder.write("busy.yaml", "listen: 127.0.0.1:" + port +
                                                 "\nupstreams: {orders: \"http://127.0.0.1:1\"}\n"
                                                 "admin: {address: \"127.0.0.1:0\"}\n")});
  CHECK(process.wait() == 1);
  const std::string output = process.output();
  CAPTURE(output);
  CHECK(output.find("127.0.0.1:" + port) != std::string::npos);
  CHECK(output.find('\n') == output.size() - 1);
}

TEST_CASE("process: each transition is one line of the log, with its reason and figures") {
  ScriptedUpstream upstream(scripts::status(500));
  Running running(upstream.port(), "    circuit_breaker: {transitions: {open_timeout: 200ms, backoff: {jitter: 0}}}\n");
  for (int i = 0; i < 5; ++i) CHECK(running.get() == 500);
  CHECK(running.get() == 503);
  upstream.script(scripts::ok());
  CHECK(eventually([&] { return running.get() == 200; }));
  CHECK(running.get() == 200);
  CHECK(running.get() == 200);
  running.process.signal(SIGTERM);
  REQUIRE(running.process.wait() == 0);

  const auto lines = logged(running.process, "circuit breaker transition");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].at("breaker").as_string() == "orders");
  CHECK(lines[0].at("from").as_string() == "closed");
  CHECK(lines[0].at("to").as_string() == "open");
  CHECK(lines[0].at("reason").as_string() == "consecutive_failures");
  CHECK(lines[0].at("consecutive_failures").as_int64() == 5);
  CHECK(lines[0].at("open_for_ms").as_int64() == 200);
  CHECK(lines[1].at("to").as_string() == "half_open");
  CHECK(lines[2].at("to").as_string() == "closed");
}

TEST_CASE("process: the access log tells why each answer was what it was") {
  struct Expected {
    const char* flag;
    int status;
    Script script;
  };
  const std::vector<Expected> expected = {{"UR", 502, scripts::reset()},
                                          {"UP", 502, scripts::reply("garbage\r\n\r\n")},
                                          {"UT", 504, scripts::hang()},
                                          {"", 500, scripts::status(500)},
                                          {"UT", 504, scripts::hang()}};
  ScriptedUpstream upstream;
  Running running(upstream.port(),
                  "    timeouts: {response: 150ms}\n    retries: {attempts: 0}\nruntime: {workers: 1}\n");
  for (const auto& one : expected) {
    upstream.script(one.script);
    CHECK(running.get("/secret/path?password=x") == one.status);
  }
  CHECK(running.get() == 503);
  running.process.signal(SIGTERM);
  REQUIRE(running.process.wait() == 0);

  const auto lines = logged(running.process, "access");
  REQUIRE(lines.size() == 6);
  for (std::size_t i = 0; i < 5; ++i) {
    CAPTURE(i);
    CHECK(lines[i].at("status").as_int64() == expected[i].status);
    if (*expected[i].flag) CHECK(has_flag(lines[i], expected[i].flag));
    CHECK(lines[i].at("path").as_string() == "/secret/path");
    CHECK(lines[i].at("attempts").as_int64() == 1);
  }
  CHECK(has_flag(lines[5], "CB"));
  CHECK(lines[5].at("breaker_state").as_string() == "open");
  const auto complaints = logged(running.process, "an upstream sent a malformed response");
  REQUIRE(complaints.size() == 1);
  CHECK(complaints[0].at("upstream").as_string() == "orders");
  CHECK(complaints[0].at("reason").as_string() == "the status line is malformed");
  CHECK(running.process.output().find("password") == std::string::npos);
}

TEST_CASE("process: a request that is cut off by the end of the process is not called the client's doing") {
  ScriptedUpstream upstream(scripts::hang());
  Running running(upstream.port(), "shutdown: {drain_timeout: 200ms}\n");
  Connection client = running.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return upstream.request_count() == 1; }));
  running.process.signal(SIGTERM);
  REQUIRE(running.process.wait() == 0);
  const auto lines = logged(running.process, "access");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("flags").as_array().size() == 1);
  CHECK(has_flag(lines[0], "SD"));
}

TEST_CASE("process: an upload that is cut off is logged as such, and malformed responses once a second") {
  ScriptedUpstream upstream(scripts::reply("HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello"));
  Running running(upstream.port(), "    circuit_breaker: {mode: disabled}\n    timeouts: {total: 200ms}\n");
  for (int i = 0; i < 5; ++i) CHECK(running.get() == 502);
  Connection client = running.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello");
  CHECK(read_response(client, "POST").status == 408);
  running.process.signal(SIGTERM);
  REQUIRE(running.process.wait() == 0);
  const auto lines = logged(running.process, "access");
  REQUIRE(lines.size() == 6);
  CHECK(has_flag(lines[0], "UP"));
  CHECK(has_flag(lines[5], "BR"));
  const auto complaints = logged(running.process, "an upstream sent a malformed response");
  CHECK(complaints.size() < 5);  // workers count their own seconds
  REQUIRE(complaints.size() >= 1);
  CHECK(complaints[0].at("reason").as_string() == "Content-Length is not one number");
}

TEST_CASE("process: a stdout that nobody reads does not stop it") {
  ScriptedUpstream upstream;
  Running running(upstream.port(), {}, true);
  Connection client = running.connect();
  for (int i = 0; i < 2000; ++i) {
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(read_response(client).status == 200);
  }
  running.process.signal(SIGTERM);
  CHECK(running.process.wait() == 0);
}

TEST_CASE("process: readiness is an exit status") {
  ScriptedUpstream upstream;
  ReservedPort nobody;
  Process not_there({"status", "--ready", "--admin", "http://127.0.0.1:" + std::to_string(nobody.number())});
  CHECK(not_there.wait() == 1);
  TestProxy proxy(orders(), {{"ORDERS", upstream.port()}});
  const std::string admin = "http://127.0.0.1:" + std::to_string(proxy.admin_port());
  Process ready({"status", "--ready", "--admin", admin});
  CHECK(ready.wait() == 0);
  for (const char* body : {"hello", "{\"status\":\"UP\"}", "{\"ready\":\"yes\"}"}) {
    upstream.script(scripts::ok(body));  // another server, which has an answer for everything
    Process mistaken({"status", "--ready", "--admin", "http://127.0.0.1:" + std::to_string(upstream.port())});
    CHECK(mistaken.wait() == 1);
    CHECK(mistaken.output().find("is not a Fusewire's admin") != std::string::npos);
  }
  Process table({"status", "--admin", admin});
  CHECK(table.wait() == 0);
  CHECK(table.output().find("orders") != std::string::npos);
  CHECK(table.output().find("closed") != std::string::npos);
}

TEST_CASE("process: a tunnel is one line of the access log, written at its end, that says why it ended") {
  ScriptedUpstream upstream(scripts::echo_tunnel());
  Running running(upstream.port(), "    timeouts: {tunnel_idle: 300ms}\nruntime: {workers: 1}\n");
  const auto tunnel = [&] {
    Connection client = running.connect();
    client.send(handshake("/chat?secret"));
    CHECK(read_response(client).status == 101);
    client.send("hello");
    CHECK(client.take(5) == "hello");
    return client;
  };
  {
    Connection client = tunnel();
    client.shut_down_writing();
    CHECK(client.take_all() == "");
  }
  CHECK(tunnel().ended());  // idle
  tunnel().reset();
  CHECK(eventually([&] { return logged(running.process, "access").size() == 3; }));
  const auto lines = logged(running.process, "access");
  REQUIRE(lines.size() == 3);
  for (const auto& line : lines) {
    CHECK(line.at("status").as_int64() == 101);
    CHECK(line.at("method").as_string() == "GET");
    CHECK(line.at("path").as_string() == "/chat");
    CHECK(line.at("upstream").as_string() == "orders");
    CHECK(line.at("bytes_in").as_int64() == 5);
    CHECK(line.at("bytes_out").as_int64() == 5);
    CHECK(line.at("attempts").as_int64() == 1);
  }
  CHECK(lines[0].at("flags").as_array().empty());
  CHECK(has_flag(lines[1], "UT"));
  CHECK(has_flag(lines[2], "DC"));
}
