// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json.hpp>

#include "tests/unit/proxy/admin/rig.hpp"
#include "tests/unit/proxy/cli/run.hpp"

using namespace fusewire;
using namespace fusewire::testing;

namespace {

namespace json = boost::json;

// A port that accepts, and says nothing.
class Mute {
 public:
  std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }

 private:
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
};

const std::string kAdmin = "admin: {address: \"127.0.0.1:0\", token: t}\n";

Ran doctor(const std::string& text, std::vector<std::string> more = {}) {
  const File file(text);
  std::vector<std::string> arguments = {"doctor", "-c", file.path()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return fusewire_cli(arguments);
}

}  // namespace

TEST_CASE("doctor: what can be listened on and connected to is well") {
  const Mute upstream;
  const Ran ran =
      doctor("listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:" + upstream.port() + "\"}\n" + kAdmin);
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "ok       listener main 127.0.0.1:0: can be listened on\n"));
  CHECK(has(ran.out, "ok       upstream orders http://127.0.0.1:" + upstream.port() +
                         ": connected to 127.0.0.1:" + upstream.port() + "\n"));
  CHECK_FALSE(has(ran.out, "failed"));
}

TEST_CASE("doctor: what does not work is named, with what to do, and exit status 1") {
  const Mute taken;
  std::string closed;
  {
    const Mute gone;
    closed = gone.port();
  }
  const std::string text = "listen: 127.0.0.1:" + taken.port() + "\nupstreams:\n  orders: http://127.0.0.1:" + closed +
                           "\n  users: http://no-such-host.invalid\n" +
                           "  secure: {endpoints: [\"https://127.0.0.1:" + taken.port() +
                           "\"], timeouts: {connect: 100ms}}\n" + kAdmin +
                           "events: {webhooks: [{name: hook, url: \"http://127.0.0.1:" + closed + "/s3cret\"}]}\n";
  const Ran ran = doctor(text);
  CHECK(ran.status == 1);
  CHECK(has(ran.out, "failed   listener main 127.0.0.1:" + taken.port() + ": "));
  CHECK(has(ran.out, "Address already in use\n         -> stop what listens there"));
  CHECK(has(ran.out, "failed   upstream orders http://127.0.0.1:" + closed +
                         ": Connection refused\n         -> nothing listens there"));
  CHECK(has(ran.out, "failed   upstream users http://no-such-host.invalid: its name is not resolved: "));
  CHECK(has(ran.out, ": no TLS handshake in time\n"));
  CHECK(has(ran.out, "failed   webhook hook: Connection refused\n"));
  CHECK_FALSE(has(ran.out, "s3cret"));
  const json::value findings = json::parse(doctor(text, {"--json"}).out);
  CHECK(findings.at("healthy") == false);
  const json::array& all = findings.at("findings").as_array();
  const auto listener = std::find_if(all.begin(), all.end(), [](const json::value& finding) {
    return finding.at("subject").as_string().starts_with("listener main");
  });
  REQUIRE(listener != all.end());
  CHECK(listener->at("level") == "failed");
  CHECK(listener->as_object().contains("advice"));
}

TEST_CASE("doctor: addresses that a running Fusewire has are well") {
  AdminRig rig;
  const Mute upstream;
  const std::string address = "127.0.0.1:" + std::to_string(rig.port);
  const Ran ran =
      doctor("listen: 127.0.0.1:" + upstream.port() + "\nupstreams: {orders: \"http://127.0.0.1:" + upstream.port() +
             "\"}\nadmin: {address: \"" + address + "\", token: secret}\n");
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "ok       admin " + address + ": in use, as a Fusewire runs already\n"));
}

TEST_CASE("doctor: a bad configuration is exit status 2, with its errors among the findings") {
  const Ran ran = doctor("listen: 127.0.0.1:0\n", {"--json"});
  CHECK(ran.status == 2);
  CHECK(json::parse(ran.out).at("healthy") == false);
  CHECK(json::parse(ran.out).at("findings").at(0).at("subject") == "configuration");
  CHECK(fusewire_cli({"doctor"}).status == 2);
  const Ran hint =
      doctor("listen: 127.0.0.1:0\nupstreams: {orders: \"http://127.0.0.1:1\"}\nadmin: {address: \"127.0.0.1:0\"}\n");
  CHECK(has(hint.out, "warning  admin: there is no token"));
}

TEST_CASE("doctor: a value that came from a variable is shown by its name") {
  const File file("listen: 127.0.0.1:0\nupstreams: {orders: \"http://${HOST}:1\"}\n" + kAdmin);
  const Ran ran = fusewire_cli({"doctor", "-c", file.path()}, {{"HOST", "no-such-host.invalid"}});
  CHECK(ran.status == 1);
  CHECK_FALSE(has(ran.out, "no-such-host"));
  CHECK(has(ran.out, "upstream orders <from HOST>: "));
}
