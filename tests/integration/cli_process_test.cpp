// SPDX-License-Identifier: Apache-2.0
// The program beside itself: commands and calls that go by the file, the environment and the arguments of the process
// that serves.
#include <boost/json/parse.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/reserved_port.hpp"
#include "tests/support/rig.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

const std::string kUpstreams = "upstreams: {orders: \"http://127.0.0.1:9000/\"}\n";

// `fusewire run` on a file with an admin section and a token in a file.
class Served {
 public:
  explicit Served(const std::string& lines, std::vector<std::string> arguments = {}) : process(run(lines, arguments)) {
    REQUIRE(eventually([&] { return status("GET", "/admin/ready") == 200; }));
  }

  std::string admin_section() const {
    return "admin: {address: \"127.0.0.1:" + std::to_string(admin_.number()) + "\", token_file: " + token_file() +
           "}\n";
  }
  std::string write(const std::string& text) const { return folder_.write("fusewire.yaml", text); }
  std::string token_file() const { return (folder_.path() / "token").string(); }
  void rotate(const std::string& token) const {
    std::filesystem::rename(folder_.write("token.next", token + "\n"), token_file());
  }
  // Exit status of another `fusewire`.
  int run_beside(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-c", (folder_.path() / "fusewire.yaml").string()});
    return Process(arguments).wait().value_or(-1);
  }
  boost::json::value ask(const std::string& method, const std::string& target, const std::string& body = {}) const {
    return boost::json::parse(exchange(method, target, "secret", body).body);
  }
  int status(const std::string& method, const std::string& target, const std::string& token = "secret") const {
    try {
      return exchange(method, target, token, {}).status;
    } catch (const std::system_error&) {
      return 0;
    }
  }

 private:
  Process run(const std::string& lines, const std::vector<std::string>& more) {
    folder_.write("token", "secret\n");
    std::vector<std::string> arguments = {"run", "-c", write(lines + kUpstreams + admin_section())};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Process(arguments);
  }
  Response exchange(const std::string& method, const std::string& target, const std::string& token,
                    const std::string& body) const {
    Connection client = Connection::to(admin_.number());
    client.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return read_response(client, method);
  }

  TemporaryFolder folder_;
  ReservedPort admin_;

 public:
  Process process;
};

}  // namespace

TEST_CASE("cli: a probe finds a process that keeps running although its file has turned bad") {
  const Served served("listen: 127.0.0.1:0\n");
  REQUIRE(served.run_beside({"status", "--ready"}) == 0);
  for (const std::string& bad : {"nonsense: 1\n" + served.admin_section(), "listen: [\n" + served.admin_section()}) {
    served.write(bad);
    CHECK(served.run_beside({"status", "--ready"}) == 0);
    CHECK(served.run_beside({"force-open", "orders"}) == 0);
  }
}

TEST_CASE("cli: a posted file is judged with the arguments of the process") {
  const Served served("", {"--set", "listen=127.0.0.1:0"});
  const auto verdict = served.ask("POST", "/admin/config/check", kUpstreams);
  CHECK(verdict.at("errors").as_array().empty());
}

TEST_CASE("cli: what the start warned of is shown with the configuration") {
  const Served served("listen: 127.0.0.1:0\ndefaults: {circuit_breaker: {transitions: {open_timeout: 1s}}}\n");
  const auto reload = served.ask("GET", "/admin/config").at("last_reload");
  CHECK(reload.at("trigger").as_string() == "start");
  REQUIRE_FALSE(reload.at("warnings").as_array().empty());
  CHECK(reload.at("warnings").at(0).as_string().find("open_timeout") != std::string::npos);
}

TEST_CASE("cli: a rotated token is taken while the file of the configuration is bad") {
  const Served served("listen: 127.0.0.1:0\n");
  served.write("nonsense: 1\n" + served.admin_section());
  served.rotate("rotated");
  CHECK(eventually([&] { return served.status("POST", "/admin/circuit-breakers/reset", "rotated") == 200; }));
  CHECK(served.status("POST", "/admin/circuit-breakers/reset", "secret") == 401);
  CHECK(served.run_beside({"reset", "orders"}) == 0);
}

TEST_CASE("cli: a token's file that vanishes is logged once, and once when it is back") {
  const Served served("listen: 127.0.0.1:0\n");
  const auto logged = [&](const std::string& text) {
    const std::string output = served.process.output();
    std::size_t count = 0;
    for (std::size_t at = output.find(text); at != std::string::npos; at = output.find(text, at + 1)) ++count;
    return count;
  };
  const std::string lost = "the admin token's file cannot be read";
  const std::string found = "the admin token's file can be read again";
  std::filesystem::remove(served.token_file());
  CHECK(eventually([&] { return logged(lost) == 1; }));
  CHECK(served.status("POST", "/admin/circuit-breakers/reset") == 200);
  served.rotate("secret");
  CHECK(eventually([&] { return logged(found) == 1; }));
  CHECK(logged(lost) == 1);
}

TEST_CASE("cli: an https:// admin is asked over TLS, and only when its certificate is good") {
  const TlsFiles files;
  Rig rig;
  // A proxy that ends TLS before the admin.
  TestProxy front(orders("", files.listener()), {{"ORDERS", rig.proxy.admin_port()}});
  const std::string url = "https://localhost:" + std::to_string(front.port());
  const auto run = [&](std::vector<std::string> arguments) {
    Process process(std::move(arguments), false, {std::string("FUSEWIRE_TOKEN=") + kToken});
    const int status = process.wait().value_or(-1);
    return std::pair(status, process.output());
  };
  const auto [good, table] = run({"status", "--admin", url, "--ca", files.at("ca.pem")});
  CHECK(good == 0);
  CHECK(table.find("orders") != std::string::npos);
  CHECK(run({"force-open", "orders", "--admin", url, "--ca", files.at("ca.pem")}).first == 0);
  CHECK(rig.proxy.breaker().override_state == fusewire::breaker::Override::forced_open);

  const auto passed = [&] {
    return front.metric(R"(fusewire_requests_total{listener="main",upstream="orders",code_class="2xx"})");
  };
  // Two for the table, one for the override; a request may be counted after its answer has come.
  REQUIRE(eventually([&] { return passed() == 3; }));
  const auto [unknown, why] = run({"release", "orders", "--admin", url});
  CHECK(unknown == 1);
  CHECK(why.find("is not trusted: ") != std::string::npos);
  const std::string by_address = "https://127.0.0.2:" + std::to_string(front.port());
  CHECK(run({"release", "orders", "--admin", by_address, "--ca", files.at("ca.pem")}).first == 1);
  CHECK(rig.proxy.breaker().override_state == fusewire::breaker::Override::forced_open);
  CHECK(passed() == 3);
}
