// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/descriptors.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace fusewire::proxy {

bool is_reserved(int descriptor, Reserve reserve) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  const rlim_t kept = std::min<rlim_t>(static_cast<unsigned>(reserve), limit.rlim_cur / 2);
  return static_cast<rlim_t>(descriptor) + kept >= limit.rlim_cur;
}

bool is_next_reserved(Reserve reserve) {
  const int next = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  if (next < 0) return errno == EMFILE;
  ::close(next);
  return is_reserved(next, reserve);
}

std::size_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace fusewire::proxy
