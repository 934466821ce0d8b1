// SPDX-License-Identifier: Apache-2.0
// How many workers `runtime.workers: auto` means: the container's CPU quota (cgroup v2 or v1) rounded up, else the
// cores that this process may run on. At least 1.
#pragma once

#include <string>

namespace fusewire::proxy {

unsigned automatic_workers();

// cpu.max's text ("50000 100000", "max 100000") -> cores, rounded up; 0: no quota.
unsigned cores_of_quota(const std::string& cpu_max);

}  // namespace fusewire::proxy
