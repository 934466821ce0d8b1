// SPDX-License-Identifier: Apache-2.0
// A real Control without a data plane, for tests of what looks at it and changes it.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "filters/cache/store.hpp"
#include "proxy/control/control.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::testing {

inline config::Config config_of(const std::string& yaml) {
  const config::LoadResult result = config::load({.name = "test", .text = yaml, .environment = {}, .set = {}});
  for (const auto& error : result.errors) MESSAGE(error.to_string());
  REQUIRE(result.config.has_value());
  return *result.config;
}

inline const std::string kTwoUpstreams =
    "listen: 127.0.0.1:0\n"
    "log: {level: off}\n"
    "admin: {token: secret, allowed_hosts: [ops.example]}\n"
    "upstreams:\n"
    "  orders: {endpoints: [\"http://127.0.0.1:9000\"]}\n"
    "  users: {endpoints: [\"http://127.0.0.1:9001\"]}\n";

struct ControlRig {
  explicit ControlRig(const std::string& yaml = kTwoUpstreams, proxy::Control::Loader loader = {})
      : control(std::move(loader), 2) {
    control.start(config_of(yaml),
                  {.publish = [](const auto&) { return std::string(); }, .drain = [this] { ++drains; }});
  }

  breaker::Breaker& breaker(const std::string& name) { return control.snapshot()->upstream(name)->state->breaker; }
  // A new breaker, with the default preset: five failures in a row.
  void trip(const std::string& name, breaker::Time now) {
    for (int i = 0; i < 5; ++i)
      std::get<breaker::Permit>(breaker(name).try_acquire(now)).failure(breaker::FailureKind::status, now);
  }

  int drains = 0;
  proxy::Control control;
};

}  // namespace fusewire::testing
