// SPDX-License-Identifier: Apache-2.0
// Tells a coroutine of this worker that a fetch, on whatever worker, has ended.
#pragma once

#include <memory>
#include <optional>

#include "filters/cache/request_collapser.hpp"
#include "proxy/net/event.hpp"
#include "proxy/net/loop.hpp"

namespace fusewire::proxy {

class LoopFollower final : public cache::Follower, public std::enable_shared_from_this<LoopFollower> {
 public:
  LoopFollower(Loop& loop, Event& event) : loop_(loop), event_(&event) {}

  void fetch_ended(cache::Ended how) noexcept override {
    loop_.post([self = shared_from_this(), how] {
      self->ended_ = how;
      if (self->event_ != nullptr) self->event_->set();
    });
  }

  // The rest: on the loop's thread.
  std::optional<cache::Ended> ended() const { return ended_; }
  void forget() { event_ = nullptr; }  // nobody listens any more

 private:
  Loop& loop_;
  Event* event_;
  std::optional<cache::Ended> ended_;
};

}  // namespace fusewire::proxy
