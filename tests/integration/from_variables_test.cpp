// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md, "Variables and overrides": what came from a variable is in no error, and in nothing that a
// client can read.
#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;

namespace {

const std::string kUpstream = "upstreams: {orders: \"http://127.0.0.1:${ORDERS}\"}\n";
const std::string kSecret = "4711";
const Ports kPorts = {{"ORDERS", 1}, {"SECRET", 4711}};

std::string error_of_start(const std::string& yaml) {
  try {
    const TestProxy proxy(yaml + kUpstream, kPorts);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "it has started";
}

}  // namespace

TEST_CASE("an address that can't be listened on is named by the variable that it came from") {
  CHECK(error_of_start("listen: \"unix:/nowhere/${SECRET}\"\n") ==
        "listener main: cannot listen on <from SECRET>: No such file or directory");
  CHECK(error_of_start("listeners: [{address: 127.0.0.1:0}, {name: b, address: \"unix:/nowhere/${SECRET}\"}]\n") ==
        "listener b: cannot listen on <from SECRET>: No such file or directory");
  CHECK(error_of_start("listen: unix:/nowhere/4711\n") ==
        "listener main: cannot listen on unix:/nowhere/4711: No such file or directory");
  CHECK(error_of_start("listen: 127.0.0.1:0\nadmin: {probes: \"unix:/nowhere/${SECRET}\"}\n") ==
        "admin.probes: cannot listen on <from SECRET>: No such file or directory");
}

TEST_CASE("neither does a refused reload quote it") {
  TestProxy proxy("listen: 127.0.0.1:0\n" + kUpstream, kPorts);
  const Response refused = proxy.reload("listen: \"unix:/nowhere/${SECRET}\"\n" + kUpstream);
  CHECK(refused.status == 422);
  CHECK(refused.body.find("cannot listen on <from SECRET>") != std::string::npos);
  CHECK(refused.body.find(kSecret) == std::string::npos);
  CHECK(proxy.admin("GET", "/admin/config").body.find(kSecret) == std::string::npos);
}

TEST_CASE("the 404 of a listener that routes by Host counts the hosts that came from variables") {
  const TestProxy proxy(
      "listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n"
      "      - {match: {host: \"h${SECRET}.test\"}, upstream: orders}\n"
      "      - {match: {host: open.test}, upstream: orders}\n" +
          kUpstream,
      kPorts);
  const Response reply = proxy.get("/");
  CHECK(check_problem(reply, 404, "NoRoute").at("detail").as_string() ==
        "no route of this listener matches the request; the hosts of its routes are open.test and 1 more");
  CHECK(reply.body.find(kSecret) == std::string::npos);
}

TEST_CASE("process: a file that vanishes is named by the variable that its path came from") {
  const TlsFiles files;
  const std::string token = files.folder.write("token", "secret\n");
  const std::string file = files.folder.write(
      "fusewire.yaml",
      "listeners:\n  - address: 127.0.0.1:0\n    tls: {certificate: \"${CERTIFICATE}\", private_key: " +
          files.at("key.pem") +
          "}\nadmin: {address: \"127.0.0.1:0\", token_file: \"${TOKEN_FILE}\"}\n"
          "upstreams: {orders: \"http://127.0.0.1:1\"}\n");
  const std::string certificate = files.at("cert.pem");
  const Process process({"run", "-c", file}, false, {"CERTIFICATE=" + certificate, "TOKEN_FILE=" + token});
  const auto logged = [&](const std::string& text) {
    return eventually([&] { return process.output().find(text) != std::string::npos; });
  };
  REQUIRE(logged("serving"));
  std::filesystem::remove(token);
  std::filesystem::remove(certificate);
  CHECK(logged("\"token_file\":\"<from TOKEN_FILE>\""));
  CHECK(logged("\"file\":\"<from CERTIFICATE>\""));
  CHECK(process.output().find(token) == std::string::npos);
  CHECK(process.output().find(certificate) == std::string::npos);
}
