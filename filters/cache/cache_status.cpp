// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_status.hpp"

#include <array>

namespace fusewire::cache {

std::string CacheStatus::text() const {
  constexpr std::array<std::string_view, 6> kForwards = {"uri-miss", "vary-miss", "stale",
                                                         "request",  "method",    "bypass"};
  std::string text = "fusewire; ";
  text.reserve(64);
  if (forwarded)
    text.append("fwd=").append(kForwards[static_cast<std::size_t>(*forwarded)]);
  else
    text.append("hit");
  if (fwd_status != 0) text.append("; fwd-status=").append(std::to_string(fwd_status));
  if (stored) text.append("; stored");
  if (collapsed) text.append("; collapsed");
  if (ttl) text.append("; ttl=").append(std::to_string(ttl->count()));
  if (!detail.empty()) text.append("; detail=").append(detail);
  return text;
}

}  // namespace fusewire::cache
