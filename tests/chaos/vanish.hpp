// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/filter.h>
#include <sys/socket.h>

namespace chaos {

// From now on the kernel drops each packet that arrives for the socket, a listener's SYNs included, before TCP sees it:
// nothing is acknowledged or refused, as behind a dead cable. Needs no privilege. Undone by `gone` = false.
inline void drop_what_arrives(int fd, bool gone) {
  sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &nothing};
  const int unused = 0;
  if (gone)
    ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  else
    ::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

}  // namespace chaos
