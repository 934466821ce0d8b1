// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/arrivals.hpp"

namespace chaos {

void Arrivals::write(std::ostream& out, Clock::time_point start) const {
  for (const Arrival& one : all_) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(one.at - start).count();
    out << static_cast<char>(one.kind) << ' ' << one.endpoint << ' ' << us << ' ' << one.method << ' ' << one.port
        << ' ' << one.id << ' ' << static_cast<char>(one.end) << '\n';
  }
}

}  // namespace chaos
