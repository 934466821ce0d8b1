// SPDX-License-Identifier: Apache-2.0
// The kernel's figures about this process, under the names that every Prometheus client uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/admin/metrics/metric_family.hpp"

namespace fusewire::proxy {

// The fields of /proc/self/stat that are wanted (proc(5)).
struct ProcessStat {
  std::uint64_t cpu_ticks = 0;    // user and system
  std::uint64_t start_ticks = 0;  // since boot
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
};

// Nothing when the text is not of that form. The command's name may hold blanks and parentheses.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

// Families whose source can't be read are left out.
void append_process_families(Families&);

}  // namespace fusewire::proxy
