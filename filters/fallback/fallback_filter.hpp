// SPDX-License-Identifier: Apache-2.0
// Last in the chain: when the answer would be one of `on:`, the first step that can answer takes its place. Cache and
// static steps answer here; an upstream step is the attempt's to run (detour), which comes back with resume.
#pragma once

#include <cstddef>

#include "filters/cache/store.hpp"
#include "filters/chain_context.hpp"
#include "filters/fallback/trigger.hpp"
#include "filters/filter.hpp"

namespace fusewire {

class FallbackFilter : public PassThrough {
 public:
  explicit FallbackFilter(const ChainContext& context) noexcept : context_(&context) {}

  void on_reply(Exchange&, Reply&, Time now);

  // The upstream to be asked in this reply's place. Stands until it has answered, or resume.
  std::optional<std::string_view> detour() const noexcept { return detour_; }
  void answered(Exchange&) noexcept;
  // That upstream failed too (error), or was not asked (miss): the next steps, for the reply that stood before the
  // detour.
  void resume(Exchange&, Reply&, FallbackResult, Time now);

 private:
  void walk(Exchange&, Reply&, Time now);
  // Each returns whether the walk ends with this step.
  bool run(const config::CacheStep&, Exchange&, Reply&, Time now);
  bool run(const config::UpstreamStep&, Exchange&, Reply&, Time now);
  bool run(const config::StaticStep&, Exchange&, Reply&, Time now);

  const ChainContext* context_;
  std::size_t next_ = 0;  // step of the chain
  std::optional<std::string_view> detour_;
};

}  // namespace fusewire
