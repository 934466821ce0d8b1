// SPDX-License-Identifier: Apache-2.0
// When the overrides that were given `for` end: a breaker itself takes such an override away at its next arrival only.
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
  // What a breaker tells. The end of an override whose time was over comes back with the time that it was given.
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
