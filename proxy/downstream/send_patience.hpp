// SPDX-License-Identifier: Apache-2.0
// How long a client may take nothing of what is written to it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proxy/downstream/client_deadline.hpp"
#include "proxy/net/channel.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/net/deadlines.hpp"

namespace fusewire::proxy {

// One for each write that has to wait, on the frame of the coroutine that waits. One thread. A client that takes
// something within send_timeout, however little, is waited for; else the connection ends with a reset.
class SendPatience {
 public:
  SendPatience(Channel& client, milliseconds send_timeout, DeadlineWheel& wheel, ClientDeadline& waiters)
      : client_(client), send_timeout_(send_timeout), waiters_(waiters), deadline_(wheel, [this] { on_due(); }) {
    arm();
  }

 private:
  void arm() {
    sent_before_ = client_.bytes_written();
    unacknowledged_before_ = client_.unacknowledged();
    deadline_.arm(steady_now() + send_timeout_);
  }
  void on_due() {
    if (!client_.write_blocked()) return;
    const auto left = client_.unacknowledged();
    const bool progress = client_.bytes_written() != sent_before_ || left < unacknowledged_before_;
    if (progress) return arm();
    client_.reset();
    waiters_.wake();
  }

  Channel& client_;
  const milliseconds send_timeout_;
  ClientDeadline& waiters_;
  Deadline deadline_;
  std::uint64_t sent_before_ = 0;  // at the last look whether the client still reads
  std::size_t unacknowledged_before_ = 0;
};

}  // namespace fusewire::proxy
