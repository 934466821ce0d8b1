// SPDX-License-Identifier: Apache-2.0
// The parts of the tree that upstreams and routes share.
#include "config/node_makers.hpp"
#include "config/tree.hpp"
#include "config/words.hpp"

namespace fusewire::config {
namespace {

Node threshold_node(Node value) {
  Node map = map_node();
  put(map, "threshold", std::move(value));
  return map;
}

Node consecutive_node(const Consecutive& row) {
  Node map = threshold_node(count_node(row.threshold));
  put(map, "chance", row.chance ? number_node(*row.chance) : word_node("off"));
  return map;
}

Node failure_count_node(const FailureCount& count) {
  Node map = threshold_node(count_node(count.threshold));
  put(map, "window", duration_node(count.window));
  return map;
}

Node slow_call_rate_node(const SlowCallRate& rate) {
  Node map = threshold_node(number_node(rate.threshold));
  put(map, "slower_than", duration_node(rate.slower_than));
  put(map, "measure", word_node(name_of(kMeasures, rate.measure)));
  return map;
}

Node window_node(const Window& window) {
  Node map = map_node();
  put(map, "type", word_node(name_of(kWindowTypes, window.type)));
  if (window.type == WindowType::time_based)
    put(map, "duration", duration_node(window.duration));
  else
    put(map, "size", count_node(window.size));
  return map;
}

Node detection_node(const Detection& detection) {
  const Node off = word_node("off");
  const auto& [consecutive, count, rate, slow_row, slow, window, minimum_calls] = detection;
  Node map = map_node();
  put(map, "consecutive_failures", consecutive ? consecutive_node(*consecutive) : off);
  put(map, "consecutive_slow_calls", slow_row ? consecutive_node(*slow_row) : off);
  put(map, "failure_count", count ? failure_count_node(*count) : off);
  put(map, "failure_rate", rate ? threshold_node(number_node(*rate)) : off);
  put(map, "slow_call_rate", slow ? slow_call_rate_node(*slow) : off);
  put(map, "window", window_node(window));
  put(map, "minimum_calls", count_node(minimum_calls));
  return map;
}

Node transitions_node(const Transitions& transitions) {
  Node backoff = map_node();
  put(backoff, "multiplier", number_node(transitions.backoff.multiplier));
  put(backoff, "max", duration_node(transitions.backoff.max));
  put(backoff, "jitter", number_node(transitions.backoff.jitter));
  Node map = map_node();
  put(map, "open_timeout", duration_node(transitions.open_timeout));
  put(map, "backoff", std::move(backoff));
  return map;
}

Node recovery_node(const Recovery& recovery) {
  Node map = map_node();
  put(map, "half_open_max_calls", count_node(recovery.half_open_max_calls));
  put(map, "success_threshold", count_node(recovery.success_threshold));
  put(map, "strict_mode", flag_node(recovery.strict_mode));
  put(map, "max_half_open", duration_node(recovery.max_half_open));
  put(map, "settle_after", duration_node(recovery.settle_after));
  return map;
}

bool whole_class(const std::bitset<600>& statuses, std::size_t first) {
  for (std::size_t i = 0; i < 100; ++i)
    if (!statuses[first + i]) return false;
  return true;
}

Node conditions_node(const Conditions& conditions) {
  Node list = list_node();
  for (const auto& word : kOutcomes)
    if (conditions.*(word.value)) list.children.push_back(word_node(word.name));
  for (std::size_t first = 100; first < 600; first += 100) {
    if (whole_class(conditions.statuses, first)) {
      list.children.push_back(text_node(std::to_string(first / 100) + "xx"));
      continue;
    }
    for (std::size_t status = first; status < first + 100; ++status)
      if (conditions.statuses[status]) list.children.push_back(text_node(std::to_string(status)));
  }
  return list;
}

Node classify_node(const Classify& classify) {
  Node matches = list_node();
  for (const ResponseFieldMatch& match : classify.response_headers) {
    Node item = map_node();
    put(item, "name", text_node(match.name));
    put(item, "matches", text_node(match.matches));
    matches.children.push_back(std::move(item));
  }
  Node map = map_node();
  put(map, "failure", conditions_node(classify.failure));
  put(map, "ignore", conditions_node(classify.ignore));
  put(map, "response_headers", std::move(matches));
  put(map, "cascade", word_node(name_of(kCascades, classify.cascade)));
  return map;
}

Node static_node(const StaticStep& step) {
  Node map = map_node();
  put(map, "status", count_node(static_cast<std::uint64_t>(step.status)));
  put(map, "headers", fields_node(step.headers));
  if (step.body_file.empty())
    put(map, "body", text_node(step.body));
  else
    put(map, "body_file", text_node(step.body_file));
  return map;
}

Node step_node(const FallbackStep& step) {
  Node map = map_node();
  if (const auto* upstream = std::get_if<UpstreamStep>(&step)) put(map, "upstream", text_node(upstream->upstream));
  if (const auto* fixed = std::get_if<StaticStep>(&step)) put(map, "static", static_node(*fixed));
  if (const auto* cache = std::get_if<CacheStep>(&step)) {
    Node inner = map_node();
    put(inner, "max_stale", duration_node(cache->max_stale));
    put(map, "cache", std::move(inner));
  }
  return map;
}

}  // namespace

Node tree_of(const CircuitBreaker& breaker) {
  Node map = map_node();
  put(map, "mode", word_node(name_of(kModes, breaker.mode)));
  put(map, "preset", word_node(breaker.preset));
  put(map, "detection", detection_node(breaker.detection));
  put(map, "transitions", transitions_node(breaker.transitions));
  put(map, "recovery", recovery_node(breaker.recovery));
  put(map, "classify", classify_node(breaker.classify));
  return map;
}

Node tree_of(const Timeouts& timeouts) {
  Node map = map_node();
  put(map, "connect", duration_node(timeouts.connect));
  put(map, "response", duration_node(timeouts.response));
  put(map, "idle", duration_node(timeouts.idle));
  put(map, "keep_alive", duration_node(timeouts.keep_alive));
  put(map, "total", duration_node(timeouts.total));
  put(map, "tunnel_idle", duration_node(timeouts.tunnel_idle));
  const bool off = timeouts.deadline_header.empty();
  put(map, "deadline_header", off ? word_node("off") : text_node(timeouts.deadline_header));
  return map;
}

Node tree_of(const Fallback& fallback) {
  Node chain = list_node();
  for (const FallbackStep& step : fallback.chain) chain.children.push_back(step_node(step));
  Node map = map_node();
  put(map, "on", conditions_node(fallback.on));
  put(map, "chain", std::move(chain));
  return map;
}

}  // namespace fusewire::config
