// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstddef>

namespace fusewire::config {

// Outcomes and statuses, as named in `classify:` and in `fallback.on:`. A class ("5xx") sets its hundred bits.
struct Conditions {
  bool breaker_open = false;
  bool connect_error = false;
  bool timeout = false;
  bool reset = false;
  bool protocol_error = false;
  bool incomplete = false;
  bool overload = false;
  std::bitset<600> statuses;  // bit n is status n

  bool has_status(int status) const {
    return status >= 0 && status < 600 && statuses[static_cast<std::size_t>(status)];
  }
  bool operator==(const Conditions&) const = default;
};

}  // namespace fusewire::config
