// SPDX-License-Identifier: Apache-2.0
#include "proxy/tracing/decision_event.hpp"

#include <array>
#include <charconv>

#include "config/words.hpp"
#include "filters/breaker/core/types.hpp"
#include "proxy/observe/decision_words.hpp"
#include "proxy/text/json_text.hpp"

namespace fusewire::proxy::tracing {
namespace {

using std::string_view;
using namespace std::string_view_literals;

// In the order of Decision: the event's name, and what its value is called; empty: it says nothing.
struct EventRow {
  Decision what;
  string_view name;
  string_view value = {};
};

constexpr auto kEvents = std::to_array<EventRow>({
    {Decision::cache_answered, "fusewire.cache.answered", "fusewire.age_s"},
    {Decision::cache_forwarded, "fusewire.cache.forwarded"},
    {Decision::cache_waits, "fusewire.cache.waits"},
    {Decision::cache_refreshes, "fusewire.cache.refreshes"},
    {Decision::cache_has_none, "fusewire.cache.none"},
    {Decision::cache_stored, "fusewire.cache.stored"},
    {Decision::cache_not_stored, "fusewire.cache.not_stored"},
    {Decision::rate_refused, "fusewire.rate.refused", "fusewire.retry_after_ms"},
    {Decision::slot_waits, "fusewire.concurrency.waits", "fusewire.limit"},
    {Decision::slot_taken, "fusewire.concurrency.taken"},
    {Decision::slot_refused, "fusewire.concurrency.refused", "fusewire.limit"},
    {Decision::breaker_rejected, "fusewire.breaker.rejected", "fusewire.retry_after_ms"},
    {Decision::breaker_judged, "fusewire.breaker.judged"},
    {Decision::endpoints_open, "fusewire.endpoints.rejected", "fusewire.retry_after_ms"},
    {Decision::endpoint_skipped, "fusewire.endpoint.skipped"},
    {Decision::dial_held, "fusewire.dial.held", "fusewire.held_ms"},
    {Decision::delay_injected, "fusewire.fault.delay", "fusewire.delay_ms"},
    {Decision::abort_injected, "fusewire.fault.abort"},
    {Decision::deadline_asked, "fusewire.deadline.asked", "fusewire.deadline_ms"},
    {Decision::deadline_passed, "fusewire.deadline.passed"},
    {Decision::retry_made, "fusewire.retry.made", "fusewire.backoff_ms"},
    {Decision::retry_not_made, "fusewire.retry.not_made"},
    {Decision::retry_given_up, "fusewire.retry.given_up"},
    {Decision::hedge_sent, "fusewire.hedge.sent", "fusewire.after_ms"},
    {Decision::hedge_not_sent, "fusewire.hedge.not_sent"},
    {Decision::hedge_ended, "fusewire.hedge.ended"},
    {Decision::fallback_begun, "fusewire.fallback.begun"},
    {Decision::fallback_not_for, "fusewire.fallback.not_for"},
    {Decision::fallback_step, "fusewire.fallback.step"},
    {Decision::fallback_asks, "fusewire.fallback.asks"},
    {Decision::fallback_barred, "fusewire.fallback.barred"},
});
static_assert([] {
  for (std::size_t i = 0; i < kEvents.size(); ++i)
    if (static_cast<std::size_t>(kEvents[i].what) != i) return false;
  return kEvents.size() == kDecisions;
}());

void add_reason(Attributes& attributes, const JournalEntry::Call& call, const Note& note) {
  attributes.text("fusewire.reason", words_of(note).reason);
  switch (note.what) {
    case Decision::breaker_rejected: {
      const RejectionNote why = RejectionNote::of(note.number);
      attributes.text("fusewire.breaker", why.above ? call.upstream : call.breaker);
      if (why.trip > 0)
        attributes.text("fusewire.trip", breaker::to_string(static_cast<breaker::Reason>(why.trip - 1)));
      attributes.text("fusewire.probe", config::name_of(config::kProbeTypes, why.probe));
      break;
    }
    case Decision::rate_refused:
    case Decision::slot_waits:
    case Decision::slot_taken:
    case Decision::slot_refused: {
      const LimitNote whose = LimitNote::of(note.number);
      attributes.text("fusewire.limit_of", whose.of_route ? "route" : "upstream");
      attributes.flag("fusewire.adaptive", whose.adaptive);
      break;
    }
    case Decision::abort_injected:
      if (note.number != 0) attributes.number("fusewire.status", note.number);
      break;
    case Decision::fallback_step:
      attributes.text("fusewire.fallback.type", kFallbackTypeNames[note.detail % kFallbackTypeNames.size()]);
      attributes.text("fusewire.fallback.result", kFallbackResultNames[note.number % kFallbackResultNames.size()]);
      break;
    default:
      break;
  }
}

}  // namespace

void Attributes::begin(string_view key, string_view type) {
  out_.append(first_ ? R"({"key":")"sv : R"(,{"key":")"sv)
      .append(key)
      .append(R"(","value":{")"sv)
      .append(type)
      .append(R"(":)"sv);
  first_ = false;
}

Attributes& Attributes::close() {
  out_.append("}}"sv);
  return *this;
}

Attributes& Attributes::text(string_view key, string_view value) {
  if (value.empty()) return *this;
  begin(key, "stringValue");
  append_json(out_, value);
  return close();
}

Attributes& Attributes::number(string_view key, std::int64_t value) {
  begin(key, "intValue");
  append_number_text(out_, value);
  return close();
}

Attributes& Attributes::flag(string_view key, bool value) {
  begin(key, "boolValue");
  out_.append(value ? "true"sv : "false"sv);
  return close();
}

void append_number_text(std::string& out, std::int64_t number) {
  std::array<char, 24> text;
  text[0] = '"';
  char* const end = std::to_chars(text.data() + 1, text.data() + text.size() - 1, number).ptr;
  *end = '"';
  out.append(text.data(), end + 1);
}

void append_decision_event(std::string& out, const JournalEntry::Call& call, const Note& note, std::int64_t wall_ns) {
  const EventRow& row = kEvents[static_cast<std::size_t>(note.what)];
  out.append(R"({"timeUnixNano":)"sv);
  append_number_text(out, wall_ns + nanoseconds_of(note.at));
  out.append(R"(,"name":")"sv).append(row.name).append(R"(","attributes":)"sv);
  {
    Attributes attributes(out);
    attributes.text("fusewire.upstream", call.upstream);
    add_reason(attributes, call, note);
    if (!row.value.empty() && note.value != kNoValue) attributes.number(row.value, note.value);
  }
  out += '}';
}

}  // namespace fusewire::proxy::tracing
