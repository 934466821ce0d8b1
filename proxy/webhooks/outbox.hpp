// SPDX-License-Identifier: Apache-2.0
// What one webhook has yet to send, and when. Decides only: time is an argument. One thread.
//
// About one breaker a message goes out every `min_interval` at most. The first goes at once; of what comes within the
// interval only the last is kept, and goes when it is over with the number of those that it stands for: a flapping
// breaker makes few messages, and the last one always says how it is. At most kMaxReady messages wait; with more, an
// older one about the same breaker is dropped, else the oldest.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "proxy/webhooks/notice.hpp"

namespace fusewire::proxy {

using std::chrono::milliseconds;

class Outbox {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kMaxReady = 100;

  // `look`: so often it is looked whether what is in trouble still is (0 = never), and where it `repeats`, for
  // receivers that forget, that is said again.
  void configure(milliseconds min_interval, milliseconds look, bool repeats);

  void offer(Notice, Time now);
  // The next one that may go now. One that no event has made says that a breaker is in trouble no longer: its event was
  // lost, or nobody asks that breaker any more. Its time is the caller's to set.
  std::optional<Notice> take(Time now, const StandingOf&);
  std::optional<Time> next_at() const;  // when to call take() again; nothing: not before another offer
  void hurry();                         // the process ends: nothing is held back any more, nor looked at

  std::size_t waiting() const;  // what a look will find aside
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t held_back() const { return held_back_; }

 private:
  struct Pace {
    Time not_before{};
    std::optional<Notice> held;
  };
  struct Trouble {
    Notice notice;
    Time next{};
  };
  void push(Notice, Time now);
  void release_held(Time now);
  void release_all_held();
  bool is_held(const std::string& breaker) const;
  void note_trouble(Notice&, Time now);
  std::optional<Notice> look(Time now, const StandingOf&);

  milliseconds min_interval_{0};
  milliseconds look_{0};
  bool repeats_ = false;
  bool hurry_ = false;
  std::deque<Notice> ready_;
  std::map<std::string, Pace> paces_;        // by breaker; an entry goes when its interval is over
  std::map<std::string, Trouble> troubles_;  // by breaker; empty where nobody looks
  std::uint64_t dropped_ = 0;
  std::uint64_t held_back_ = 0;
};

}  // namespace fusewire::proxy
