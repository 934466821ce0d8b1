// SPDX-License-Identifier: Apache-2.0
// What most integration tests start with: one scripted upstream named `orders` and the proxy before it.
#pragma once

#include <doctest/doctest.h>

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "tests/support/scripted_upstream.hpp"
#include "tests/support/test_proxy.hpp"

namespace fusewire::testing {

// For tests of single faults: nothing is ever rejected because of the calls before.
inline constexpr const char* kNoBreaker = "    circuit_breaker: {mode: disabled}\n";

// Nor is anything tried twice.
inline constexpr const char* kOneTry = "    retries: {attempts: 0}\n";

struct Rig {
  explicit Rig(Script script = scripts::ok(), const std::string& upstream_lines = {},
               const std::string& listener_lines = {}, std::vector<std::string> set = {})
      : upstream(std::move(script)),
        proxy(orders(upstream_lines, listener_lines), {{"ORDERS", upstream.port()}}, std::move(set)) {}

  ScriptedUpstream upstream;
  TestProxy proxy;
};

// A response of the proxy's own making (problem+json, RFC 9457). Checks all that every one of them must have and gives
// the body back. `proxy_status` is the expected error parameter; empty: none is expected.
boost::json::object check_problem(const Response&, int status, const std::string& error,
                                  const std::string& proxy_status = {});

// The parameter of a structured field's only member: `error` of "fusewire; error=x; detail=y" is "x"; kAbsent.
std::string parameter(const std::string& field_value, const std::string& name);

}  // namespace fusewire::testing
