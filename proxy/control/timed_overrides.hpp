// SPDX-License-Identifier: Apache-2.0
// Knows when overrides that were set with `for` end: a breaker itself removes such an override only at its next call.
// Thread-safe (a mutex: overrides are rare).
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "filters/breaker/core/types.hpp"

namespace fusewire::proxy {

class TimedOverrides {
 public:
  // Takes note of a breaker's event, and returns it; the end of an override that has expired then carries the duration
  // that it was set for.
  breaker::Event note(const std::string& breaker, breaker::Event);
  // The breakers whose override is to end now.
  std::vector<std::string> over(breaker::Time now) const;
  std::optional<breaker::Time> end_of(const std::string& breaker) const;
  void forget(const std::string& breaker);

 private:
  struct Timed {
    breaker::Time end;
    breaker::milliseconds given;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Timed> timed_;
};

}  // namespace fusewire::proxy
