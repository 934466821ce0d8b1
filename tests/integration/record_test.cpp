// SPDX-License-Identifier: Apache-2.0
// What the proxy leaves of each request: a line of the access log that says why it was answered as it was, and a count.
#include <signal.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

using Line = boost::json::object;

// The program with one upstream, which answers what is asked of `shop` and nothing else.
class Logged {
 public:
  explicit Logged(std::uint16_t upstream, const std::string& upstream_lines = {},
                  const std::string& listener_lines = {}, const std::string& more = {})
      : process({"run", "-c", write(upstream, upstream_lines, listener_lines, more)}) {
    REQUIRE(eventually([&] { return process.output().find("serving") != std::string::npos; }));
  }

  Connection connect() const { return Connection::to(data_.number()); }
  Response ask(const std::string& bytes) const {
    Connection client = connect();
    client.send(bytes);
    return read_response(client, bytes.substr(0, bytes.find(' ')));
  }
  // The lines of the access log, once there are so many.
  std::vector<Line> lines(std::size_t count) const {
    std::vector<Line> found;
    eventually([&] { return (found = now()).size() >= count; });
    REQUIRE(found.size() == count);
    return found;
  }

 private:
  std::string write(std::uint16_t upstream, const std::string& upstream_lines, const std::string& listener_lines,
                    const std::string& more) {
    return folder_.write("fusewire.yaml",
                         "listeners:\n  - name: main\n    address: 127.0.0.1:" + std::to_string(data_.number()) + "\n" +
                             listener_lines +
                             "    routes:\n      - {name: all, match: {host: shop}, upstream: orders}\n"
                             "admin: {address: \"127.0.0.1:" +
                             std::to_string(admin_.number()) + "\"}\nruntime: {workers: 1}\n" + more +
                             "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:" + std::to_string(upstream) +
                             "\"]\n" + upstream_lines);
  }
  std::vector<Line> now() const {
    std::vector<Line> found;
    std::istringstream text(process.output());
    for (std::string line; std::getline(text, line) && !text.eof();) {
      const auto value = boost::json::parse(line).as_object();
      if (value.at("message").as_string() == "access") found.push_back(value);
    }
    return found;
  }

  ReservedPort data_, admin_;
  TemporaryFolder folder_;

 public:
  Process process;
};

std::string request(const std::string& line, const std::string& fields = "Host: shop\r\n") {
  return line + " HTTP/1.1\r\n" + fields + "\r\n";
}

std::string flags(const Line& line) { return boost::json::serialize(line.at("flags")); }
std::string text(const Line& line, const char* key) { return std::string(line.at(key).as_string()); }

}  // namespace

TEST_CASE("process: an access line says who asked what of which host, and what answered") {
  ScriptedUpstream upstream;
  const Logged logged(upstream.port());
  CHECK(logged.ask(request("GET /cart?card=4111")).status == 200);
  const Line line = logged.lines(1).at(0);
  CHECK(text(line, "peer") == "127.0.0.1");
  CHECK(text(line, "host") == "shop");
  CHECK(text(line, "route") == "all");
  CHECK(text(line, "upstream") == "orders");
  CHECK(text(line, "endpoint") == "http://127.0.0.1:" + std::to_string(upstream.port()));
  CHECK(text(line, "path") == "/cart");
  CHECK(text(line, "error").empty());
  CHECK(text(line, "fallback").empty());
  CHECK(flags(line) == "[]");
  CHECK(logged.process.output().find("4111") == std::string::npos);
}

TEST_CASE("process: a request whose deadline is over before it could be sent has no upstream time") {
  ScriptedUpstream upstream;
  const Logged logged(upstream.port());
  CHECK(logged.ask(request("GET /late", "Host: shop\r\nX-Request-Timeout-Ms: 0\r\n")).status == 504);
  const Line line = logged.lines(1).at(0);
  CHECK(text(line, "error") == "TotalTimeout");
  CHECK(line.at("upstream_ms").to_number<double>() == 0);
  CHECK(upstream.requests().empty());
}

TEST_CASE("process: an answer of the proxy's own has its name and a flag in the access log") {
  ScriptedUpstream upstream;
  const Logged logged(upstream.port(), {}, "    limits: {max_body: 1KiB, head_timeout: 200ms}\n");
  struct Case {
    std::string bytes;
    int status;
    const char* error;
    const char* flags;
    const char* path;
  };
  const std::vector<Case> cases = {
      {request("GET /a"), 200, "", "[]", "/a"},
      {request("GET /b?c", "Host: other\r\n"), 404, "NoRoute", "[\"NR\"]", "/b"},
      {request("GET /c?d", "Host: shop\r\nHost: shop\r\n"), 400, "BadRequest", "[\"BR\"]", "/c"},
      {request("TRACE /d"), 405, "MethodNotAllowed", "[\"BR\"]", "/d"},
      {request("GET /" + std::string(9000, 'e')), 414, "UriTooLong", "[\"BR\"]", nullptr},
      {request("GET /f", "Host: shop\r\nA: " + std::string(40000, 'a') + "\r\n"), 431, "HeadersTooLarge", "[\"BR\"]",
       "/f"},
      {request("GET /secret#fragment=4111"), 400, "BadRequest", "[\"BR\"]", "/secret"},
      {"GET /g HTTP/2.0\r\n\r\n", 505, "VersionNotSupported", "[\"BR\"]", "/g"},
      {request("POST /h", "Host: shop\r\nTransfer-Encoding: gzip, chunked\r\n"), 501, "NotImplemented", "[\"BR\"]",
       "/h"},
      {request("POST /i", "Host: shop\r\nContent-Length: 2000\r\n"), 413, "BodyTooLarge", "[\"BR\"]", "/i"},
      {"GET /j HTTP/1.1\r\nHo", 408, "RequestTimeout", "[\"BR\"]", "/j"},
      {request("GET /k", "Host: shop\r\nCache-Control: only-if-cached\r\n"), 504, "NotCached", "[]", "/k"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(cases[i].error);
    CHECK(logged.ask(cases[i].bytes).status == cases[i].status);
    const Line line = logged.lines(i + 1).at(i);
    CHECK(line.at("status").as_int64() == cases[i].status);
    CHECK(text(line, "error") == cases[i].error);
    CHECK(flags(line) == cases[i].flags);
    if (cases[i].path != nullptr) CHECK(text(line, "path") == cases[i].path);
  }
}

TEST_CASE("process: a listener that is full says so in the access log") {
  ScriptedUpstream upstream(scripts::hang());
  const Logged logged(upstream.port(), {}, "    limits: {max_connections: 1}\n");
  Connection first = logged.connect();  // busy, so that it does not give way
  first.send(request("GET /"));
  CHECK(eventually([&] { return upstream.request_count() == 1; }));
  CHECK(logged.ask(request("GET /")).status == 503);
  const Line line = logged.lines(1).at(0);
  CHECK(text(line, "error") == "ConcurrencyLimit");
  CHECK(flags(line) == "[\"UO\"]");
}

TEST_CASE("process: the step that answered is in the access log") {
  const ReservedPort nobody;
  SUBCASE("static") {
    const Logged logged(nobody.number(), "    fallback: {chain: [cache, {static: {status: 200}}]}\n");
    CHECK(logged.ask(request("GET /")).status == 200);
    const Line line = logged.lines(1).at(0);
    CHECK(text(line, "fallback") == "static");
    CHECK(text(line, "error").empty());
    CHECK(flags(line) == "[\"UF\",\"FB\"]");
  }
  SUBCASE("upstream") {
    ScriptedUpstream replica;
    const Logged logged(nobody.number(), "    fallback: {chain: [{upstream: replica}]}\n  replica: http://127.0.0.1:" +
                                             std::to_string(replica.port()) + "\n");
    CHECK(logged.ask(request("GET /")).status == 200);
    CHECK(text(logged.lines(1).at(0), "fallback") == "upstream");
  }
  SUBCASE("cache") {
    ScriptedUpstream upstream(scripts::in_turn(
        {scripts::reply(response(200, "kept", "Cache-Control: max-age=60\r\n")), scripts::status(500)}));
    const Logged logged(upstream.port());
    CHECK(logged.ask(request("GET /")).body == "kept");
    CHECK(logged.ask(request("GET /")).body == "kept");
    const auto lines = logged.lines(2);
    CHECK(text(lines.at(0), "fallback").empty());
    CHECK(text(lines.at(1), "fallback") == "cache");
  }
  SUBCASE("after a 304 about something else: none where the second answer is good, else that of the second") {
    const auto kept = scripts::reply(response(200, "kept", "Cache-Control: max-age=0\r\nETag: \"v1\"\r\n"));
    const auto other = scripts::reply("HTTP/1.1 304 Not Modified\r\nETag: \"v2\"\r\n\r\n");
    ScriptedUpstream upstream(
        scripts::in_turn({kept, other, scripts::ok("new"), kept, other, scripts::status(500, "a body")}));
    const Logged logged(upstream.port(),
                        "    cache: {serve: normal}\n    fallback: {chain: [{static: {status: 200, body: sorry}}]}\n");
    for (const char* body : {"kept", "new", "kept", "sorry"}) CHECK(logged.ask(request("GET /")).body == body);
    const auto lines = logged.lines(4);
    CHECK(text(lines.at(1), "fallback").empty());
    CHECK(flags(lines.at(1)) == "[]");
    CHECK(text(lines.at(3), "fallback") == "static");
    CHECK(flags(lines.at(3)) == "[\"FB\"]");
  }
  SUBCASE("none") {
    const Logged logged(nobody.number());
    CHECK(logged.ask(request("GET /")).status == 502);
    const Line line = logged.lines(1).at(0);
    CHECK(text(line, "fallback").empty());
    CHECK(text(line, "error") == "ConnectFailed");
    CHECK(flags(line) == "[\"UF\"]");
  }
}

TEST_CASE("process: a response that was put aside, relayed after all, and broke off has its flag") {
  ScriptedUpstream upstream([](Call& call) {
    call.send("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\npart");
    call.connection().close();
  });
  ScriptedUpstream replica(scripts::status(503));
  const Logged logged(upstream.port(), "    fallback: {chain: [{upstream: replica}]}\n  replica: http://127.0.0.1:" +
                                           std::to_string(replica.port()) + "\n");
  Connection client = logged.connect();
  client.send(request("GET /"));
  CHECK(client.take_until("part"));
  CHECK(flags(logged.lines(1).at(0)) == "[\"UR\"]");
}

TEST_CASE("process: requests and tunnels that the process' end cuts off have their line") {
  ScriptedUpstream upstream([](Call& call) {
    if (call.request().target == "/tunnel")
      call.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    call.hang();
  });
  Logged logged(upstream.port(), {}, {}, "shutdown: {drain_timeout: 300ms}\n");
  Connection client = logged.connect();
  client.send(request("GET /waits"));
  Connection other = logged.connect();
  other.send(request("GET /tunnel", "Host: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
  CHECK(read_response(other).status == 101);
  REQUIRE(eventually([&] { return upstream.request_count() == 2; }));
  logged.process.signal(SIGTERM);
  logged.process.wait();
  for (const Line& line : logged.lines(2)) CHECK(flags(line) == "[\"SD\"]");
}

TEST_CASE("process: the text format says the same, with control characters escaped") {
  ScriptedUpstream upstream;
  const Logged logged(upstream.port(), {}, {}, "log: {format: text}\n");
  Connection client = logged.connect();
  client.send("GET /\x1b[31m HTTP/1.1\r\nHost: other\r\n\r\n");
  CHECK(read_response(client).status == 400);
  CHECK(eventually([&] { return logged.process.output().find(" access ") != std::string::npos; }));
  const std::string said = logged.process.output();
  CHECK(said.find("\x1b") == std::string::npos);
  CHECK(said.find(R"( peer="127.0.0.1" )") != std::string::npos);
  CHECK(said.find(R"( path="/\u001b[31m" )") != std::string::npos);
  CHECK(said.find(R"( error="BadRequest" )") != std::string::npos);
  CHECK(said.find(" flags=BR ") != std::string::npos);
}

TEST_CASE("a request whose client left before its answer is counted as such, and nothing is counted twice") {
  Rig rig(scripts::hang());
  const auto count = [&](const std::string& code_class) {
    return rig.proxy.metric("fusewire_requests_total{listener=\"main\",upstream=\"orders\",code_class=\"" + code_class +
                            "\"}");
  };
  CHECK(count("none") == 0);
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  client.close();
  CHECK(eventually([&] { return count("none") == 1; }));
  rig.upstream.script(scripts::ok());
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(eventually([&] { return count("2xx") == 1; }));
  CHECK(count("none") == 1);
  CHECK(rig.proxy.metric("fusewire_request_duration_seconds_count{listener=\"main\",upstream=\"orders\"}") == 2);
}

TEST_CASE("a refusal by max_concurrent_requests speaks of requests") {
  Rig rig(scripts::hang(), "    limits: {max_concurrent_requests: 1}\n");
  Connection first = rig.proxy.connect();
  first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  const auto problem = check_problem(rig.proxy.get("/"), 503, "ConcurrencyLimit", "connection_limit_reached");
  CHECK(problem.at("detail").as_string() == "upstream 'orders' has as many requests as it may have at once");
}
