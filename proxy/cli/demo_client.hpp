// SPDX-License-Identifier: Apache-2.0
// The demo's client: one request, one connection, and the answer as a person would look at it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace fusewire::cli {

struct DemoAnswer {
  int status = 0;  // 0: there was none
  std::string head;
  std::string body;
  std::chrono::microseconds taken{0};

  std::string field(std::string_view name) const;  // empty without one
};

// Blocks until the answer is whole, for at most a few seconds.
DemoAnswer ask(std::uint16_t port, const std::string& method, const std::string& target);

}  // namespace fusewire::cli
