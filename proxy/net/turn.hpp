// SPDX-License-Identifier: Apache-2.0
// Limits how much one connection does in one turn of its loop before the others have their turn. One thread.
#pragma once

#include <cstdint>
#include <utility>

#include "proxy/net/event.hpp"
#include "proxy/net/loop.hpp"
#include "proxy/net/task.hpp"

namespace fusewire::proxy {

class TurnShare {
 public:
  // One step more. True: it was the last one of this turn, then let_others_go() comes next.
  bool is_used_up(const Loop& loop, unsigned max_steps) {
    if (std::exchange(turn_, loop.turns()) != loop.turns()) steps_ = 0;
    return ++steps_ >= max_steps;
  }

 private:
  std::uint64_t turn_ = 0;  // that of the last step
  unsigned steps_ = 0;      // in it
};

// Goes on after the next look at what has happened elsewhere.
inline Task<void> let_others_go(Loop& loop) {
  struct Turn final : Loop::Source {
    void note(std::uint32_t) override {}
    void act() override { come.set(); }
    Event come;
  };
  Turn turn;
  loop.defer(turn);
  co_await turn.come.wait();
}

}  // namespace fusewire::proxy
