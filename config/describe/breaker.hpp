// SPDX-License-Identifier: Apache-2.0
// The keys of `circuit_breaker`.
#pragma once

#include "config/describe/upstream_forms.hpp"
#include "config/describe/visitor.hpp"

namespace fusewire::config {

inline constexpr std::uint64_t kMaxSmall = 127;  // thresholds and slots
inline constexpr std::uint64_t kMaxCalls = 1'000'000;
inline constexpr std::size_t kMaxFieldMatches = 32;
inline constexpr Span kWindowSpan{.low = 30ms, .high = 168h};
// The breaker keeps deadlines modulo a power of two: a week is far below half of it.
inline constexpr Span kWaitSpan{.low = 1ms, .high = 168h};

template <class V>
void describe(V& v, Consecutive& row) {
  v.usual("threshold");
  v.key("threshold", row.threshold, Count(1, kMaxSmall), "So many in a row");
  v.key("chance", row.chance, NumberOrOff(kRatio, *Consecutive{}.chance),
        "In a busy stream such a row counts only where fewer than so many would come by chance alone; off counts "
        "plainly");
}

template <class V>
void describe(V& v, FailureCount& count) {
  v.usual("threshold");
  v.key("threshold", count.threshold, Count(1, kMaxSmall), "Failures within the window");
  v.key("window", count.window, Duration(kWindowSpan), "Its length");
}

template <class V>
void describe(V& v, SlowCallRate& rate) {
  v.usual("threshold");
  v.key("threshold", rate.threshold, Number(kRatio), "Slow calls of all judged in the window");
  v.key("slower_than", rate.slower_than, Duration(kWaitSpan), "A call that waits this long is slow");
  v.key("measure", rate.measure, OneOf(kMeasures), "Up to the response's head, or to its end");
}

template <class V>
void describe(V& v, Window& window) {
  v.usual("duration");
  v.key("type", window.type, OneOf(kWindowTypes), "What the window is measured in");
  // The other type's key may come from `defaults`; it means nothing here.
  v.when(window.type == WindowType::time_based);
  v.key("duration", window.duration, Duration(kWindowSpan), "time_based: its length");
  v.when(window.type == WindowType::count_based);
  v.key("size", window.size, Count(1, kMaxCalls), "count_based: the last so many calls");
}

template <class V>
void describe(V& v, Detection& detection) {
  v.switchable("consecutive_failures", detection.consecutive_failures, Consecutive{},
               "Trips after so many failures in a row");
  v.switchable("consecutive_slow_calls", detection.consecutive_slow_calls, Consecutive{},
               "Trips after so many calls in a row turned slow, by slow_call_rate's slower_than and measure");
  v.switchable("failure_count", detection.failure_count, FailureCount{},
               "Trips after so many failures within a window of its own");
  v.switchable("failure_rate", detection.failure_rate, 0.5,
               "Trips when the share of failed calls reaches the threshold", [](auto& inner, double& threshold) {
                 inner.usual("threshold");
                 inner.key("threshold", threshold, Number(kRatio), "Failed calls of all ended in the window");
               });
  v.switchable("slow_call_rate", detection.slow_call_rate, SlowCallRate{},
               "Trips when the share of slow calls reaches the threshold");
  v.section("window", detection.window, "What the two rates look at");
  v.key("minimum_calls", detection.minimum_calls, Count(1, kMaxCalls),
        "The rates are judged from so many calls on; not above a count window's size");
}

template <class V>
void describe(V& v, Backoff& backoff) {
  v.usual("multiplier");
  v.key("multiplier", backoff.multiplier, Number(kAnyAbove), "The open interval grows by this with each trip in a row");
  v.key("max", backoff.max, Duration(kWaitSpan), "The longest open interval; an open_timeout above it wins");
  v.key("jitter", backoff.jitter, Number(kShare), "Share of the interval that is left to chance");
}

template <class V>
void describe(V& v, Transitions& transitions) {
  v.usual("open_timeout");
  v.key("open_timeout", transitions.open_timeout, Duration(kWaitSpan), "How long the breaker stays open at first");
  v.section("backoff", transitions.backoff, "How the open interval grows");
}

template <class V>
void describe(V& v, Ramp& ramp) {
  v.usual("duration");
  v.key("duration", ramp.duration, Duration(kWaitSpan), "How long it grows");
}

template <class V>
void describe(V& v, Probe& probe) {
  v.usual("type");
  v.key("type", probe.type, OneOf(kProbeTypes),
        "traffic: calls of users are the trials; active: the proxy's own requests are, and calls of users are rejected "
        "until these have closed the breaker; connect: as traffic, and where the breaker has opened because of a "
        "connect_error its interval is over as soon as the proxy can connect");
  // Another type's keys may come from `defaults`; they mean nothing here.
  v.when(probe.type == ProbeType::active);
  v.key("path", probe.path, AskedPath(), "active: what it asks for, with GET", commented("/healthz"));
  v.when(probe.type != ProbeType::traffic);
  v.key("interval", probe.interval, Duration(kProbeSpan), "active, connect: from one probe to the next");
  v.when(probe.type == ProbeType::active);
  v.key("timeout", probe.timeout, Duration(kWaitSpan), "active: connection, TLS handshake and response");
  v.when(probe.type == ProbeType::active);
  v.key("expect", probe.expect, StatusList(), "active: the statuses that are a success");
}

template <class V>
void describe(V& v, Recovery& recovery) {
  v.key("half_open_max_calls", recovery.half_open_max_calls, Count(1, kMaxSmall), "Trial calls in flight at once");
  v.key("success_threshold", recovery.success_threshold, Count(1, kMaxSmall), "So many successes close the breaker");
  v.key("strict_mode", recovery.strict_mode, Flag(), "Any failure re-opens; false: the half_open_max_calls-th does");
  v.key("max_half_open", recovery.max_half_open, Duration(kWaitSpan),
        "With every trial call hanging for this long, it re-opens");
  v.key("settle_after", recovery.settle_after, Duration(kWaitSpan),
        "A body that flows this long after its head ends the call as a success");
  v.section("probe", recovery.probe, "Who finds out whether the upstream has healed");
  v.switchable(
      "ramp", recovery.ramp, Ramp{},
      "After closing, the admitted share of calls grows from a tenth to all; the rest takes the fallback chain");
}

template <class V>
void describe(V& v, ResponseFieldMatch& match) {
  v.required("name", "a header name");
  v.required("matches", "a regular expression");
  v.key("name", match.name, TextThat(is_token, "a header name"), "The field's name, compared case-blind",
        live("grpc-status"));
  v.key("matches", match.matches, Pattern(), "A regular expression (RE2's syntax), searched in the value: anchor it",
        live("\"^(13|14)$\""));
}

template <class V>
void describe(V& v, Classify& classify) {
  v.key("failure", classify.failure, ConditionList(ConditionList::Of::calls), "What counts as a failure");
  v.key("ignore", classify.ignore, ConditionList(ConditionList::Of::calls),
        "What counts as neither; wins over failure");
  v.items("response_headers", classify.response_headers, "A response with such a field is a failure", {},
          {.most = kMaxFieldMatches});
  v.key("cascade", classify.cascade, OneOf(kCascades),
        "What a response counts as that says that a later hop's breaker was open");
}

template <class V>
void describe(V& v, CircuitBreaker& breaker) {
  v.usual("mode");
  v.key("mode", breaker.mode, OneOf(kModes),
        "enforce rejects; shadow only counts what it would have rejected; disabled lets everything through");
  v.key(
      "scope", breaker.scope, OneOf(kScopes),
      "endpoint: each address of each endpoint has a breaker of its own, and the upstream's opens only where none can "
      "be asked; upstream: one for all; route: each route has one, and its name; auto: endpoint where there are "
      "several addresses, else upstream");
  v.key("preset", breaker, PresetName(), "Named settings, which the keys beside it change one by one");
  v.section("detection", breaker.detection, "When the breaker opens: any one detector trips, and each can be off");
  v.section("transitions", breaker.transitions, "How long it stays open");
  v.section("recovery", breaker.recovery, "How it closes again");
  v.section("classify", breaker.classify, "What counts");
}

}  // namespace fusewire::config
