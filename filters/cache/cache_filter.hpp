// SPDX-License-Identifier: Apache-2.0
// The cache's place in the chain: first, so that it remembers what truly came, and answers before the breaker is asked.
#pragma once

#include <optional>

#include "filters/cache/cache_lookup.hpp"
#include "filters/cache/cache_writer.hpp"
#include "filters/call_filter.hpp"

namespace fusewire {

class CacheFilter : public PassThrough {
 public:
  explicit CacheFilter(const ChainContext& context) noexcept : context_(&context), writer_(context) {}

  Step on_request(Call&, Reply&, Time now);
  Step on_reply(Call&, Reply&, Time now);
  void on_body(Call&, std::string_view piece);
  void on_done(Call&, Time now) noexcept;

  void on_client_stalled() noexcept;
  // While the response is on its way into the cache.
  bool needs_body() const noexcept { return writer_.remembering() != nullptr; }

 private:
  Step validated(Call&, Reply&, Time now);

  const ChainContext* context_;
  CacheWriter writer_;
  std::optional<CacheLookup> lookup_;  // serve: normal
};

}  // namespace fusewire
