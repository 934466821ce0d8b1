// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/webhooks/notice.hpp"

namespace fusewire::proxy {

// How a breaker is, for webhooks. Overrides aside: these have events of their own.
inline Standing standing_of(const Snapshot& snapshot, const std::string& breaker) {
  const auto found = find_breaker(snapshot, breaker);
  if (!found) return Standing::gone;
  return found->breaker->state() == breaker::State::closed ? Standing::closed : Standing::in_trouble;
}

}  // namespace fusewire::proxy
