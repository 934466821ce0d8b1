// SPDX-License-Identifier: Apache-2.0
// When a dial to an address may begin. One that has been reached before and answers no dial now (a dead cable, a host
// that drops what comes) is not sent a SYN for each request: decision 0028.
//
// The address is silent when two dials are unanswered, the first of them for longer than an answer usually takes,
// several times over. Until the next answer, by a connection or by a refusal, there are trials, further and further
// apart. A dial that was given up before it could have been answered says nothing. An address that has never answered
// is not paced: nobody knows how long it takes.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "filters/time.hpp"

namespace fusewire::balance {

// Of one address, for all workers. Thread-safe; a dial takes the mutex twice.
class DialPacer {
 public:
  struct Dial {
    Time begun;
    std::uint32_t answers;  // before it
  };

  // Nothing: the address is silent.
  std::optional<Dial> begin(Time now);
  // Of an address that is silent. Nothing: not now. `longest_pause`: between two of them, where it is more than 2 ms.
  std::optional<Dial> begin_trial(Time now, milliseconds longest_pause);
  // How it ended: with a connection; the address, or the network before it, has said that there is none; or neither.
  void connected(const Dial&, Time now);
  void refused();
  void unanswered(const Dial&, Time now);

 private:
  Time::duration patience() const;
  bool is_silent(Time now) const;
  Dial count(Time now);
  void answered();

  std::mutex mutex_;
  std::optional<Time::duration> usual_;  // time to a connection, smoothed
  Time silent_since_{};                  // the first of the unanswered began
  std::uint32_t unanswered_ = 0;         // begun since the last answer, but for those that were given up early
  std::uint32_t answers_ = 0;
  Time next_trial_{};
  Time::duration pause_{};  // before it
};

}  // namespace fusewire::balance
