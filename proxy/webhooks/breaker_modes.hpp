// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace fusewire::proxy {

// In which mode each breaker is: an upstream's, a route's; one of an address has its upstream's. A value.
class BreakerModes {
 public:
  explicit BreakerModes(const config::Config&);

  config::Mode of(std::string_view breaker) const;

 private:
  std::map<std::string, config::Mode, std::less<>> modes_;  // by UPSTREAM, and by UPSTREAM/ROUTE
};

}  // namespace fusewire::proxy
