// SPDX-License-Identifier: Apache-2.0
// Last in the chain: when the answer would be one of `on:`, the first step that can answer takes its place. Cache and
// static steps answer here; for an upstream step it asks for another call (Ask), and goes on if that fails, too.
#pragma once

#include <cstddef>
#include <optional>

#include "filters/cache/store.hpp"
#include "filters/call_filter.hpp"
#include "filters/chain_context.hpp"
#include "filters/fallback/trigger.hpp"

namespace fusewire {

class FallbackFilter : public PassThrough {
 public:
  explicit FallbackFilter(const ChainContext& context) noexcept : context_(&context) {}

  Step on_reply(Call&, Reply&, Time now);
  // The other upstream has answered (hit), failed too (error), or was not asked (miss). But for a hit the next steps
  // follow, for the reply that stood before.
  Step on_result(Call&, Reply&, FallbackResult, Time now);

 private:
  // Each returns nullopt where the step can't answer; else the walk ends with it.
  std::optional<Step> run(const config::CacheStep&, Call&, Reply&, Time now);
  std::optional<Step> run(const config::UpstreamStep&, Call&, Reply&, Time now);
  std::optional<Step> run(const config::StaticStep&, Call&, Reply&, Time now);
  Step walk(Call&, Reply&, Time now);

  const ChainContext* context_;
  std::size_t next_ = 0;  // step of the chain
};

}  // namespace fusewire
