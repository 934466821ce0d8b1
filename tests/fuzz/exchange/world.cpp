// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/exchange/world.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "filters/cache/store.hpp"
#include "tests/fuzz/check.hpp"

namespace fusewire::fuzz {

namespace {

// Nothing here depends on the clock: no deadline is short enough to pass while an input runs.
config::Config configuration(Setup setup, const std::string& path) {
  std::string text = R"(
listeners:
  - name: main
    address: 127.0.0.1:1
    limits: {max_request_line: 256, max_head_bytes: 1KiB, max_fields: 16, head_timeout: 1h, body_timeout: 1h, idle_timeout: 1h, send_timeout: 1h, max_body: )";
  text += setup.small_body ? "100B" : "unlimited";
  text += R"(}
    routes: [{upstream: orders}]
upstreams:
  orders:
    endpoints: ["unix:/origin"]
    circuit_breaker: )";
  text += setup.breaker ? std::string("{") + (setup.by_endpoint ? "scope: endpoint, " : "") +
                              "detection: {consecutive_failures: {threshold: 1}}, transitions: {open_timeout: 1ms}, "
                              "recovery: {half_open_max_calls: 1, success_threshold: 1}}"
                        : "{mode: disabled}";
  text += R"(
    timeouts: {connect: 1h, response: 1h, idle: 1h, total: 1h}
    retries: )";
  text += setup.retries ? "{on: [connect_error, timeout, reset, protocol_error, incomplete, 5xx], backoff: {base: 0ms}"
                        : "{attempts: 0";
  text += setup.hedge ? ", budget: off, hedge: {after: 30m}}" : "}";
  text += R"(
    fallback: {chain: [)";
  if (setup.cache) text += "cache: {max_stale: 1h}";
  text += "]}\n";
  if (setup.serve) text += "    cache: {serve: normal}\n";
  text += R"(via: fuzzed
log: {level: off, access: off}
runtime: {workers: 1}
)";
  config::LoadResult loaded = config::load({.name = "fuzz", .text = text, .environment = {}, .set = {}});
  for (const auto& error : loaded.errors) std::fprintf(stderr, "%s\n", error.to_string().c_str());
  require(loaded.config.has_value());
  config::Route& route = loaded.config->listeners.front().routes.front();
  route.upgrades.clear();
  route.host.kind = config::HostRewrite::Kind::preserve;
  config::Endpoint& endpoint = loaded.config->upstreams.front().endpoints.front();
  endpoint.address.path = path;
  endpoint.authority = "orders:9000";
  return std::move(*loaded.config);
}

std::string new_path() {
  static int count = 0;
  return std::string(1, '\0') + "fusewire-fuzz-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

int listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  require(::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0 && ::listen(listener, 64) == 0);
  return listener;
}

}  // namespace

World& World::of(Setup setup) {
  static std::array<std::unique_ptr<World>, 128> worlds;
  auto& world = worlds[(setup.cache ? 1U : 0U) + (setup.small_body ? 2U : 0U) + (setup.serve ? 4U : 0U) +
                       (setup.breaker ? 8U : 0U) + (setup.retries ? 16U : 0U) + (setup.by_endpoint ? 32U : 0U) +
                       (setup.hedge ? 64U : 0U)];
  if (!world) world.reset(new World(setup));
  return *world;
}

World::World(Setup setup) : path_(new_path()), control_({}, 1) {
  listener_ = listen_at(path_);
  proxy::Control::Hooks hooks;
  hooks.publish = [](const auto&) { return std::string(); };
  control_.start(configuration(setup, path_), std::move(hooks));
}

World::~World() { ::close(listener_); }

int World::accept() { return ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }

void World::cleanse() { control_.cache().purge(*upstream().cache); }

}  // namespace fusewire::fuzz
