// SPDX-License-Identifier: Apache-2.0
// A configuration in which much happens: small limits, short times, breakers that trip.
#pragma once

#include <cstdint>
#include <string>

#include "tests/unit/proxy/request/schedules/play.hpp"

namespace fusewire::testing {

// What stays over the reloads of one schedule.
struct Frame {
  explicit Frame(Draw&);
  int endpoints;  // of `orders`, at most
  bool has_budget;
  bool hedges;
  int most_attempts = 3;
};

constexpr std::uint16_t kFirstPort = 1001;  // of the endpoints of `orders`
constexpr std::uint16_t kSparePort = 2001;  // of the one of `spare`

// YAML. Upstreams `orders` and `spare`; routes /a and /b lead to `orders`.
std::string random_configuration(Draw&, const Frame&);

}  // namespace fusewire::testing
