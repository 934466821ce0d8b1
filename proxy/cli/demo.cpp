// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/demo.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "proxy/cli/demo_stage.hpp"
#include "proxy/cli/demo_story.hpp"
#include "proxy/cli/demo_traffic.hpp"

namespace fusewire::cli {

namespace {

constexpr std::uint16_t kUsualPort = 8080;
constexpr std::uint16_t kUsualAdminPort = 9901;
constexpr const char* kTimetable =  // as misbehaviour_at has it
    "Three clients keep asking. In each minute orders fails from second 5 to 21, and stale answers are given for it;\n"
    "payments fails from second 35 to 43; one of the two addresses of catalogue is slow from second 15 to 30.\n\n";

// The port itself where it can be had, else 0: any.
std::uint16_t if_free(std::uint16_t port) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::acceptor probe(io);
  boost::system::error_code taken;
  const asio::ip::tcp::endpoint address(asio::ip::address_v4::loopback(), port);
  probe.open(address.protocol(), taken);
  probe.set_option(asio::socket_base::reuse_address(true), taken);
  probe.bind(address, taken);
  if (!taken) probe.listen(1, taken);
  return taken ? std::uint16_t{0} : port;
}

int tell() {
  Narrator narrator;
  Stage stage({});
  narrator.title("Fusewire: what a client sees while its upstream fails and comes back");
  narrator.say("client -> fusewire 127.0.0.1:" + std::to_string(stage.port()) +
               " -> upstream 127.0.0.1:" + std::to_string(stage.upstream().port()));
  Story story(stage, narrator);
  if (story.tell()) {
    narrator.verdict(true,
                     "That was all of it. `fusewire demo --serve` lets you play it yourself, and with --traffic there "
                     "is a dashboard to watch.");
    return 0;
  }
  narrator.verdict(false, "This is not how it should have gone:");
  for (const std::string& difference : story.differences()) narrator.say(difference);
  return 1;
}

int serve(bool with_traffic) {
  Stage stage(
      {.port = if_free(kUsualPort), .admin_port = if_free(kUsualAdminPort), .serve = true, .traffic = with_traffic});
  const std::string proxy = "http://127.0.0.1:" + std::to_string(stage.port());
  const std::string admin = "http://127.0.0.1:" + std::to_string(stage.admin_port());
  const std::string upstream = "http://127.0.0.1:" + std::to_string(stage.upstream().port());
  const std::string token = std::string(" -H 'Authorization: Bearer ").append(kDemoToken).append("'");
  std::printf(
      "The dashboard: %s/ (to change things there, its token is: %s)\n\n"
      "%s"
      "The proxy listens on %s, its upstream misbehaves on command. Lines to type:\n\n"
      "  curl -i %s/orders/42\n"
      "  curl -i -X POST %s/orders\n\n"
      "Make the upstream misbehave (errors, delay, hang, reset), and heal it (ok):\n\n"
      "  curl -X POST '%s/demo/behave?mode=errors'\n"
      "  curl -X POST '%s/demo/behave?mode=ok'\n\n"
      "See and turn the circuit:\n\n"
      "  curl -s %s/admin/circuit-breakers/orders\n"
      "  curl -s %s/admin/events\n"
      "  curl -s %s/metrics\n"
      "  curl -X POST%s %s/admin/circuit-breakers/orders/force-open\n"
      "  curl -X POST%s %s/admin/circuit-breakers/orders/release\n\n"
      "Ctrl-C ends it.\n",
      admin.c_str(), kDemoToken, with_traffic ? kTimetable : "", proxy.c_str(), proxy.c_str(), proxy.c_str(),
      upstream.c_str(), upstream.c_str(), admin.c_str(), admin.c_str(), admin.c_str(), token.c_str(), admin.c_str(),
      token.c_str(), admin.c_str());
  std::fflush(stdout);
  std::optional<DemoTraffic> traffic;
  if (with_traffic) traffic.emplace(stage);
  return stage.wait();
}

}  // namespace

int demo(const DemoOptions& options) {
  try {
    return options.serve ? serve(options.traffic) : tell();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fusewire demo: %s\n", error.what());
    return 1;
  }
}

}  // namespace fusewire::cli
