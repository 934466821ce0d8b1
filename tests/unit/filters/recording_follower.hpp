// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "filters/cache/request_collapser.hpp"

namespace fusewire::test {

// A follower that remembers how the fetch ended.
struct RecordingFollower : cache::Follower {
  std::optional<cache::Ended> how;
  void fetch_ended(cache::Ended ended) noexcept override { how = ended; }
};

}  // namespace fusewire::test
