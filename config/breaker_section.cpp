// SPDX-License-Identifier: Apache-2.0
#include <regex>

#include "config/presets.hpp"
#include "config/scalars.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

constexpr std::uint64_t kMaxSmall = 127;  // thresholds and slots
constexpr std::uint64_t kMaxCalls = 1'000'000;
constexpr std::size_t kLongestPattern = 256;
constexpr std::uint64_t kLargestPattern = 20'000;
constexpr std::size_t kMaxFieldMatches = 32;
constexpr Range kRatio{.low = 0, .high = 1, .low_included = false};
constexpr Range kShare{.low = 0, .high = 1};
constexpr Span kWindowSpan{.low = 30ms, .high = 168h};
// The breaker keeps deadlines modulo a power of two: a week is far below half of it.
constexpr Span kWaitSpan{.low = 1ms, .high = 168h};

void read_window(const Reader& reader, Window& window) {
  reader.word("type", window.type, kWindowTypes);
  Window given = window;
  reader.duration("duration", given.duration, kWindowSpan);
  reader.count("size", given.size, 1, kMaxCalls);
  // The other type's key may come from `defaults`; it means nothing here.
  if (window.type == WindowType::time_based)
    window.duration = given.duration;
  else
    window.size = given.size;
}

void check_minimum_calls(const Reader& reader, const Detection& detection) {
  if (detection.window.type != WindowType::count_based || detection.minimum_calls <= detection.window.size) return;
  const Node* at = reader.find("minimum_calls");
  if (at == nullptr) at = reader.below("window").find("size");
  if (at == nullptr) at = reader.find("window");
  const std::string size = shown(reader.below("window").find("size"), std::to_string(detection.window.size));
  const std::string calls = shown(reader.find("minimum_calls"), std::to_string(detection.minimum_calls));
  reader.error(*at,
               "minimum_calls " + calls + " is above the count window's size " + size + "; expected at most " + size);
}

void read_consecutive(const Reader& reader, Consecutive& out) {
  reader.count("threshold", out.threshold, 1, kMaxSmall);
  const Node* chance = reader.find("chance");
  if (chance == nullptr) return;
  if (chance->is_off()) return out.chance.reset();
  double given = out.chance.value_or(*Consecutive{}.chance);
  reader.number("chance", given, kRatio);
  out.chance = given;
}

void read_detection(const Reader& reader, Detection& detection) {
  reader.switchable("consecutive_failures", detection.consecutive_failures, Consecutive{}, read_consecutive);
  reader.switchable("consecutive_slow_calls", detection.consecutive_slow_calls, Consecutive{}, read_consecutive);
  reader.switchable("failure_count", detection.failure_count, FailureCount{}, [](const Reader& r, FailureCount& out) {
    r.count("threshold", out.threshold, 1, kMaxSmall);
    r.duration("window", out.window, kWindowSpan);
  });
  reader.switchable("failure_rate", detection.failure_rate, 0.5,
                    [](const Reader& r, double& out) { r.number("threshold", out, kRatio); });
  reader.switchable("slow_call_rate", detection.slow_call_rate, SlowCallRate{}, [](const Reader& r, SlowCallRate& out) {
    r.number("threshold", out.threshold, kRatio);
    r.duration("slower_than", out.slower_than, kWaitSpan);
    r.word("measure", out.measure, kMeasures);
  });
  read_window(reader.below("window"), detection.window);
  reader.count("minimum_calls", detection.minimum_calls, 1, kMaxCalls);
  check_minimum_calls(reader, detection);
}

void read_transitions(const Reader& reader, Transitions& transitions) {
  reader.duration("open_timeout", transitions.open_timeout, kWaitSpan);
  const Reader backoff = reader.below("backoff");
  backoff.number("multiplier", transitions.backoff.multiplier, {.low = 1, .high = std::numeric_limits<double>::max()});
  backoff.duration("max", transitions.backoff.max, kWaitSpan);
  backoff.number("jitter", transitions.backoff.jitter, kShare);
}

void read_recovery(const Reader& reader, Recovery& recovery) {
  reader.count("half_open_max_calls", recovery.half_open_max_calls, 1, kMaxSmall);
  reader.count("success_threshold", recovery.success_threshold, 1, kMaxSmall);
  reader.flag("strict_mode", recovery.strict_mode);
  reader.duration("max_half_open", recovery.max_half_open, kWaitSpan);
  reader.duration("settle_after", recovery.settle_after, kWaitSpan);
  reader.below("probe").only("type", "traffic", {"active"});
}

// How long the pattern is, roughly, when its counted repetitions are written out: the machine that the library builds
// grows with it.
std::uint64_t written_out(std::string_view pattern) {
  std::uint64_t length = pattern.size();
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    const std::string_view inside = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    const std::string_view most = inside.substr(inside.find(',') + 1);
    const std::uint64_t least_count = parse_count(inside.substr(0, inside.find(','))).value_or(1);
    const std::uint64_t count = std::max({std::uint64_t{1}, least_count, parse_count(most).value_or(1)});
    length = std::min(length, kLargestPattern + 1) * std::min(count, kLargestPattern + 1);
  }
  return length;
}

void check_pattern(const Node& node, Report& report) {
  if (node.text.size() > kLongestPattern)
    return report.error(node, "expected a regular expression of at most 256 bytes");
  if (written_out(node.text) > kLargestPattern)
    return report.error(node, "regular expression too complex: its repetitions expand to more than " +
                                  std::to_string(kLargestPattern) + " characters");
  try {
    const std::regex compiled(node.text, std::regex::ECMAScript);
  } catch (const std::regex_error& e) {
    report.error(node, "not a regular expression: " + std::string(e.what()));
  }
}

ResponseFieldMatch read_field_match(const Reader& reader) {
  ResponseFieldMatch match;
  reader.missing("name", "a header name");
  reader.missing("matches", "a regular expression");
  reader.text("name", match.name);
  reader.text("matches", match.matches);
  if (const Node* name = reader.find("name"); name != nullptr && !is_token(name->text))
    reader.error(*name, expected("a header name", *name));
  if (const Node* pattern = reader.find("matches")) check_pattern(*pattern, reader.report());
  return match;
}

void read_classify(const Reader& reader, Classify& classify) {
  read_conditions(reader, "failure", classify.failure, kCallOutcomes);
  read_conditions(reader, "ignore", classify.ignore, kCallOutcomes);
  reader.word("cascade", classify.cascade, kCascades);
  if (reader.find("response_headers") == nullptr) return;
  classify.response_headers.clear();
  if (reader.items("response_headers").size() > kMaxFieldMatches)
    return reader.error(*reader.find("response_headers"), "expected at most 32 fields to look for");
  for (const Node& item : reader.items("response_headers"))
    classify.response_headers.push_back(read_field_match(Reader(&item, reader.report())));
}

CircuitBreaker read_preset(const Reader& reader) {
  const Node* node = reader.find("preset");
  if (node == nullptr) return {};
  if (std::optional<CircuitBreaker> preset = preset_named(node->text)) return *std::move(preset);
  reader.error(*node, "unknown preset " + describe(*node) + suggestion(node->text, preset_names()));
  return {};
}

}  // namespace

CircuitBreaker read_circuit_breaker(const Reader& reader) {
  CircuitBreaker breaker = read_preset(reader);
  reader.word("mode", breaker.mode, kModes);
  const Node* scope = reader.find("scope");  // auto: as it is today
  if (scope != nullptr && scope->text != "auto") reader.only("scope", "upstream", {"endpoint", "route"});
  read_detection(reader.below("detection"), breaker.detection);
  read_transitions(reader.below("transitions"), breaker.transitions);
  read_recovery(reader.below("recovery"), breaker.recovery);
  read_classify(reader.below("classify"), breaker.classify);
  return breaker;
}

}  // namespace fusewire::config
