// SPDX-License-Identifier: Apache-2.0
// A client that has much to ask does not keep the others waiting.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"
#include "tests/support/running.hpp"

using namespace fusewire::testing;

namespace {

// Until every thread of the process stands still.
bool stand_still(const Process& process) {
  process.signal(SIGSTOP);
  return eventually([&] {
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(process.pid()) + "/task")) {
      std::ifstream in(task.path() / "stat");
      const std::string stat((std::istreambuf_iterator<char>(in)), {});
      if (stat.find(") T ") == std::string::npos) return false;
    }
    return true;
  });
}

// The paths of the access log, in order.
std::vector<std::string> paths(const Process& process) {
  std::vector<std::string> found;
  std::istringstream lines(process.output());
  const std::string mark = "\"path\":\"";
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find(mark);
    if (at == std::string::npos) continue;
    found.push_back(line.substr(at + mark.size(), line.find('"', at + mark.size()) - at - mark.size()));
  }
  return found;
}

}  // namespace

TEST_CASE("process: of a client that pipelines hundreds of requests eight are answered in a turn") {
  constexpr int kPipelined = 400;
  struct Kind {
    const char* what;
    std::string method, fields;
  };
  const Kind kinds[] = {{"own answers", "OPTIONS", "Max-Forwards: 0\r\n"}, {"cache hits", "GET", ""}};
  for (const Kind& kind : kinds) {
    CAPTURE(kind.what);
    ScriptedUpstream upstream(scripts::reply(response(200, "x", "Cache-Control: max-age=600\r\n")));
    Running running(upstream.port(), "    cache: {serve: normal}\nruntime: {workers: 1}\n");
    const auto request = [&](const std::string& path) {
      return kind.method + " " + path + " HTTP/1.1\r\nHost: h\r\n" + kind.fields + "\r\n";
    };
    Connection greedy = running.connect();
    std::vector<Connection> others;
    for (int i = 0; i < 5; ++i) others.push_back(running.connect());
    for (Connection* one : {&greedy, &others[0], &others[1], &others[2], &others[3], &others[4]}) {
      one->send(request(one == &greedy ? "/many" : "/one"));
      REQUIRE(read_response(*one, kind.method).status == 200);
    }

    REQUIRE(stand_still(running.process));
    std::string all;
    for (int i = 0; i < kPipelined; ++i) all += request("/many");
    greedy.send(all);
    for (Connection& one : others) one.send(request("/one"));
    running.process.signal(SIGCONT);
    for (Connection& one : others) CHECK(read_response(one, kind.method).status == 200);
    int answered = 0;
    while (answered < kPipelined && read_response(greedy, kind.method).status == 200) ++answered;
    CHECK(answered == kPipelined);
    running.process.signal(SIGTERM);
    REQUIRE(running.process.wait() == 0);

    const auto order = paths(running.process);
    REQUIRE(order.size() == 6 + 5 + kPipelined);
    int ones = 0, many_before = 0;
    for (std::size_t i = 6; i < order.size() && ones < 5; ++i) ++(order[i] == "/one" ? ones : many_before);
    CHECK(many_before <= 8);
  }
}
