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
  Terminal terminal;
  Stage stage({});
  terminal.title("Fusewire: what a client sees while its upstream fails and comes back");
  terminal.say("client -> fusewire 127.0.0.1:" + std::to_string(stage.port()) +
               " -> upstream 127.0.0.1:" + std::to_string(stage.upstream().port()));
  Story story(stage, terminal);
  if (story.tell()) {
    terminal.verdict(true, "That was all of it. `fusewire demo --serve` lets you play it yourself.");
    return 0;
  }
  terminal.verdict(false, "This is not how it should have gone:");
  for (const std::string& difference : story.differences()) terminal.say(difference);
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
      "The dashboard: %s/ (its token is %s)\n\n"
      "The proxy listens on %s, its upstream misbehaves on command%s. Lines to type:\n\n"
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
      admin.c_str(), kDemoToken, proxy.c_str(), with_traffic ? ", and by itself for a while in each minute" : "",
      proxy.c_str(), proxy.c_str(), upstream.c_str(), upstream.c_str(), admin.c_str(), admin.c_str(), admin.c_str(),
      token.c_str(), admin.c_str(), token.c_str(), admin.c_str());
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
