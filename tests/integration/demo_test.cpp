// SPDX-License-Identifier: Apache-2.0
// `fusewire demo --serve --traffic`, as a newcomer starts it and ends it by Ctrl-C.
#include <signal.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// The number behind these words of what the process has printed.
std::uint16_t port_behind(const Process& process, const std::string& words) {
  const std::string output = process.output();
  const std::size_t at = output.find(words);
  return at == std::string::npos
             ? std::uint16_t{0}
             : static_cast<std::uint16_t>(std::strtoul(output.c_str() + at + words.size(), nullptr, 10));
}

std::string ask_admin(std::uint16_t port, const std::string& target) {
  Connection client = Connection::to(port);
  client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return read_response(client).body;
}

// Process ids of the children that each of its threads has, as the kernel lists them.
std::string children_of(const Process& process) {
  std::string all;
  const std::filesystem::path tasks = "/proc/" + std::to_string(process.pid()) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    std::ifstream file(task.path() / "children");
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

}  // namespace

TEST_CASE("demo: with traffic a circuit opens by itself, the dashboard is served, and Ctrl-C leaves nothing behind") {
  Process demo({"demo", "--serve", "--traffic"});
  REQUIRE(eventually([&] { return demo.output().find("Ctrl-C ends it.") != std::string::npos; }));
  const std::uint16_t admin = port_behind(demo, "The dashboard: http://127.0.0.1:");
  const std::uint16_t proxy = port_behind(demo, "The proxy listens on http://127.0.0.1:");
  const auto breaker = [&](const std::string& name) {
    return boost::json::parse(ask_admin(admin, "/admin/circuit-breakers/" + name)).as_object();
  };
  CHECK(ask_admin(admin, "/").find("<title>") != std::string::npos);

  REQUIRE(eventually([&] { return breaker("orders").at("state").as_string() == "open"; }));
  CHECK(breaker("payments").at("state").as_string() == "closed");
  const std::string stale = R"(circuit_breaker_fallback_executions_total{name="orders",type="cache",result="hit"} )";
  CHECK(eventually([&] {
    const std::string metrics = ask_admin(admin, "/metrics");
    const std::size_t at = metrics.find(stale);
    return at != std::string::npos && std::strtod(metrics.c_str() + at + stale.size(), nullptr) > 0;
  }));

  CHECK(children_of(demo).empty());  // all of it is one process
  demo.signal(SIGINT);
  CHECK(demo.wait() == 0);
  CHECK_THROWS_AS(Connection::to(admin), std::system_error);
  CHECK_THROWS_AS(Connection::to(proxy), std::system_error);
}

TEST_CASE("demo: traffic without serving is bad usage") { CHECK(Process({"demo", "--traffic"}).wait() == 2); }
