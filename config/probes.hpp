// SPDX-License-Identifier: Apache-2.0
// What the proxy asks endpoints for by itself. Plain values; part of config.hpp.
#pragma once

#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fusewire::config {

// Who finds out whether the upstream has healed: calls of users; requests of the proxy's own; calls of users, as soon
// as the proxy can connect where the breaker had opened because that was not possible.
enum class ProbeType { traffic, active, connect };

struct Probe {
  ProbeType type = ProbeType::traffic;
  std::string path = {};                    // active: what is asked for; begins with a slash
  std::chrono::milliseconds interval{250};  // active, connect: from one probe to the next
  std::chrono::milliseconds timeout{1000};  // active: connection, handshake and response
  std::bitset<600> expect = successes();    // active: the statuses that are a success
  bool operator==(const Probe&) const = default;

  static std::bitset<600> successes() {
    std::bitset<600> bits;
    for (std::size_t status = 200; status < 400; ++status) bits.set(status);
    return bits;
  }
};

// Checks of every address, apart from traffic. A status from 200 to 399 passes.
struct HealthCheck {
  std::string path = "/healthz";
  std::chrono::milliseconds interval{5000};
  std::chrono::milliseconds timeout{1000};  // connection, handshake and response
  std::uint32_t healthy = 2;                // so many that pass in a row make an unhealthy address healthy
  std::uint32_t unhealthy = 3;              // so many that fail in a row make an address unhealthy
  bool operator==(const HealthCheck&) const = default;
};

}  // namespace fusewire::config
