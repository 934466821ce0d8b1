// SPDX-License-Identifier: Apache-2.0
// What a filter wants: the one word in which filters speak to those who drive a call or an attempt.
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>
#include <variant>

#include "filters/time.hpp"

namespace fusewire {

// Wakes the driver of a call that waits. Made by the driver, kept by what it waits for.
class Waker {
 public:
  virtual ~Waker() = default;
  // Once, on any thread.
  virtual void wake() noexcept = 0;
};

// What a call can wait for: somebody else's fetch, a place in a queue. Belongs to the filter that has the call wait.
class Awaited {
 public:
  // False: it has come already, and the waker is not kept.
  virtual bool await(std::shared_ptr<Waker>) = 0;

 protected:
  ~Awaited() = default;
};

// Nothing: the walk goes on.
struct Proceed {};

// Nothing is sent upstream: the filter has filled the reply in, and that goes out after all have seen it in on_reply.
struct Answer {
  bool refresh = false;  // it is stale: the same is to be asked for anew, behind the client's back
};

// The call stands still until `what` has come, or until a time; then this filter is asked again.
struct Wait {
  Awaited* what = nullptr;  // never null
  Time until = kNever;
};

// In the reply's place another attempt is made. Without a name it is one more attempt of this call, at its own
// upstream, and the reply is lost; with one it is a call of its own, and the reply is kept in case that fails, too.
struct Ask {
  std::string_view upstream = {};
  Time not_before{};  // of one more attempt
};

using Step = std::variant<Proceed, Answer, Wait, Ask>;
static_assert(std::is_trivially_copyable_v<Step>);

inline bool proceeds(const Step& step) noexcept { return std::holds_alternative<Proceed>(step); }

}  // namespace fusewire
