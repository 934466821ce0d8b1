// SPDX-License-Identifier: Apache-2.0
// The keys of `fallback`.
#pragma once

#include <optional>
#include <string>

#include "config/describe/upstream_forms.hpp"
#include "config/describe/visitor.hpp"

namespace fusewire::config {

// A step as it is written: a map with one key. The variant says which.
struct StepKeys {
  std::optional<CacheStep> cache;
  std::string upstream;
  std::optional<StaticStep> fixed;
};

template <class V>
void describe(V& v, CacheStep& step) {
  v.usual("max_stale");
  v.key("max_stale", step.max_stale, Duration(kFromZero),
        "How long after its end a stored response may still answer, where the origin does not say; 0s: only what is "
        "fresh, or what the origin's stale-if-error allows");
}

template <class V>
void describe(V& v, StaticStep& step) {
  v.usual("status");
  v.key("status", step.status, Count(200, 599), "The status");
  v.key("headers", step.headers, ResponseFields(), "Response fields");
  v.when(step.body_file.empty());
  v.key("body", step.body, Content(), "The body");
  v.key("body_file", step.body_file, FilePath(), "A file that holds the body, up to 16 MiB", commented("answer.json"));
}

template <class V>
void describe(V& v, StepKeys& step) {
  v.exactly_one("cache");
  v.optional("cache", step.cache, "Answer from the cache");
  v.key("upstream", step.upstream, FreeText(), "Ask another upstream, through its own breaker", live("orders-replica"));
  v.optional("static", step.fixed, "A fixed answer");
  v.later("queue");
}

template <class V>
void describe(V& v, FallbackStep& step) {
  StepKeys keys;
  if (const auto* cache = std::get_if<CacheStep>(&step)) keys.cache = *cache;
  if (const auto* upstream = std::get_if<UpstreamStep>(&step)) keys.upstream = upstream->upstream;
  if (const auto* fixed = std::get_if<StaticStep>(&step)) keys.fixed = *fixed;
  describe(v, keys);
}

template <class V>
void describe(V& v, Fallback& fallback) {
  v.usual("chain");
  v.key("on", fallback.on, ConditionList(ConditionList::Of::all), "When the chain runs");
  v.items("chain", fallback.chain, "Tried in order; the first that can answer does. [] for none");
}

}  // namespace fusewire::config
