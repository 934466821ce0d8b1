// SPDX-License-Identifier: Apache-2.0
#include "proxy/server/cpu_quota.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

namespace fusewire::proxy {

namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

unsigned quota() {
  if (const unsigned cores = cores_of_quota(first_line("/sys/fs/cgroup/cpu.max"))) return cores;
  return cores_of_quota(first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + " " +
                        first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
}

unsigned cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
  return std::thread::hardware_concurrency();
}

}  // namespace

unsigned cores_of_quota(const std::string& cpu_max) {
  std::istringstream text(cpu_max);
  long used = 0;
  long period = 0;
  if (!(text >> used >> period) || used <= 0 || period <= 0) return 0;
  return static_cast<unsigned>((used + period - 1) / period);
}

unsigned automatic_workers() {
  const unsigned available = std::max(1U, cores());
  const unsigned allowed = quota();
  return allowed == 0 ? available : std::min(allowed, available);
}

}  // namespace fusewire::proxy
