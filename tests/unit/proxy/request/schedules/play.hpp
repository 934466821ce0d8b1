// SPDX-License-Identifier: Apache-2.0
// What all who take part in one schedule share: its random numbers, what is still to happen, what was found wrong, and
// what became of each request.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/proxy/request/schedules/virtual_clock.hpp"

namespace fusewire::testing {

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  int between(int least, int most) { return least + below(most - least + 1); }
  bool chance(int percent) { return below(100) < percent; }
  template <class T, std::size_t N>
  T one_of(const T (&values)[N]) {
    return values[static_cast<std::size_t>(below(static_cast<int>(N)))];
  }
  milliseconds ms(int least, int most) { return milliseconds(between(least, most)); }

 private:
  std::mt19937 random_;
};

// A request, and what clients and endpoints have seen of it.
struct RequestLog {
  std::string method;
  std::optional<Time> sent;               // its head, whole
  std::optional<Time> sent_whole;         // with its body
  std::optional<milliseconds> deadline;   // its client's own
  milliseconds total{0};                  // of its route, when it was sent
  std::map<std::string, int> arrivals;    // of its head, at endpoints of an upstream, by its name
  std::optional<Time> answered;           // the head of its answer
  std::map<std::string, int> unanswered;  // of these: on a kept connection that was then closed, without a byte
  int answers = 0;                        // final heads
  int status = 0;                         // of the answer
  bool by_proxy = false;                  // the answer is the proxy's own
  std::string problem;                    // which
  bool has_whole_answer = false;
  bool client_left = false;     // before it had its whole answer, or was cut off by the process' end
  std::optional<Time> left;     // when its client left
  bool client_is_slow = false;  // to take its answer

  bool is_idempotent() const { return method != "POST" && method != "PATCH"; }
};

struct Play {
  Play(unsigned seed, bool tells_story) : clock(seed), draw(seed), tells(tells_story) {}

  void at(Time time, std::function<void()> what) { agenda.emplace(std::max(time, clock.now()), std::move(what)); }
  void in(milliseconds time, std::function<void()> what) { at(clock.now() + time, std::move(what)); }
  void find(std::string what) { findings.push_back(stamp() + what); }
  // `what` makes the line: most runs need none.
  template <class What>
  void tell(const What& what) {
    if (tells) story.append(stamp()).append(what()).append("\n");
  }

  VirtualClock clock;
  Draw draw;
  const bool tells;
  const Time begun = clock.now();
  std::multimap<Time, std::function<void()>> agenda;
  std::vector<RequestLog> requests;
  std::map<std::string, milliseconds> totals;  // of routes, by the configuration of the moment
  std::vector<std::string> findings;
  std::string story;
  bool has_ended = false;  // the proxy's process

 private:
  std::string stamp() const {
    return std::to_string(std::chrono::duration_cast<milliseconds>(clock.now() - begun).count()) + " ms: ";
  }
};

}  // namespace fusewire::testing
