// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/decision_words.hpp"

#include "filters/breaker/core/types.hpp"
#include "filters/call.hpp"
#include "filters/fallback/trigger.hpp"

namespace fusewire::proxy {
namespace {

// By CacheAnswer.
constexpr auto kCacheAnswers = std::to_array<DecisionWords>({
    {"fresh", "the stored response was fresh"},
    {"stale", "the stored response was stale, and may be served so"},
    {"validated", "the upstream said that the stored response still holds"},
    {"collapsed", "another request had fetched the same thing meanwhile"},
});

// By cache::Forward.
constexpr auto kForwards = std::to_array<DecisionWords>({
    {"uri_miss", "nothing was stored for this URI"},
    {"vary_miss", "what was stored for this URI answers other request fields (Vary)"},
    {"stale", "what was stored had to be validated first"},
    {"request", "the request's own Cache-Control asked for it"},
    {"method", "the method is neither GET nor HEAD"},
    {"bypass", "such a request is not answered from the cache (a body, If-Match or Upgrade)"},
});

// By cache::Refusal.
constexpr auto kNotStored = std::to_array<DecisionWords>({
    {"none", ""},
    {"method", "it does not answer a plain GET"},
    {"request_no_store", "the request said Cache-Control: no-store"},
    {"authorization", "the request had Authorization, and the response does not say that it is for all"},
    {"cookie", "the request had a Cookie, and the response says nothing about its freshness"},
    {"vary_long", "too much of the request selects it"},
    {"status", "its status is not stored"},
    {"malformed", "its Cache-Control cannot be read"},
    {"no_store", "it said Cache-Control: no-store"},
    {"private", "it said Cache-Control: private"},
    {"no_cache", "it could never be served without being validated"},
    {"set_cookie", "it sets a cookie, and cache.store_set_cookie is off"},
    {"vary_any", "it varies by anything (Vary: *)"},
    {"no_freshness", "it says nothing about its freshness"},
    {"close_delimited", "its end cannot be distinguished from a crash"},
});

// By SlotRefusal.
constexpr auto kSlotRefusals = std::to_array<DecisionWords>({
    {"no_queue", "there is no queue"},
    {"queue_full", "the queue was full"},
    {"queue_timeout", "no other request ended in time to make room"},
});

// By RetryRefusal.
constexpr auto kRetryRefusals = std::to_array<DecisionWords>({
    {"attempts_used", "all of retries.attempts had been made"},
    {"not_listed", "retries.on does not list this failure"},
    {"not_repeatable", "the method may not be sent twice"},
    {"body_not_kept", "the request's body had been sent on and was not kept"},
    {"body_too_large", "the request's body is larger than retries.max_body"},
    {"breaker_moved", "the circuit breaker had left the state in which it let the request pass"},
    {"no_endpoint", "there was no endpoint that may be asked"},
    {"no_time", "the back-off would have outlasted the deadline"},
    {"no_room_to_wait", "too many requests would have waited as long as the upstream's Retry-After says"},
    {"over_budget", "retries.budget was spent"},
    {"connection_bound", "an authentication of the connection was going on"},
    {"already_answering", "the client had had a part of the answer, or was gone"},
});
static_assert(kRetryRefusals.size() == static_cast<std::size_t>(RetryRefusal::already_answering) + 1);

// By HedgeResult.
constexpr auto kHedgeResults = std::to_array<DecisionWords>({
    {"none", ""},
    {"pending", ""},
    {"won", "it answered first, and the other attempt was dropped"},
    {"lost", "the other attempt answered first, and it was dropped"},
    {"failed", "it brought no good answer"},
    {"over_budget", "retries.budget was spent"},
});

constexpr auto kBarred = std::to_array<DecisionWords>({
    {"not_repeatable", "the request may not be sent twice"},
    {"no_time", "no time was left"},
});

template <std::size_t N>
constexpr DecisionWords pick(const std::array<DecisionWords, N>& words, unsigned index) {
  return index < N ? words[index] : DecisionWords{};
}

}  // namespace

DecisionWords words_of(const Note& note) {
  switch (note.what) {
    case Decision::cache_answered:
      return pick(kCacheAnswers, note.detail);
    case Decision::cache_forwarded:
      return pick(kForwards, note.detail);
    case Decision::cache_not_stored:
      return pick(kNotStored, note.detail);
    case Decision::slot_refused:
      return pick(kSlotRefusals, note.detail);
    case Decision::retry_not_made:
      return pick(kRetryRefusals, note.detail);
    case Decision::hedge_not_sent:
      return kHedgeResults[static_cast<std::size_t>(HedgeResult::over_budget)];
    case Decision::hedge_ended:
      return pick(kHedgeResults, note.detail);
    case Decision::fallback_barred:
      return pick(kBarred, note.detail);
    case Decision::breaker_rejected:
      return {breaker::to_string(static_cast<breaker::RejectedBy>(note.detail))};
    case Decision::endpoints_open:
      return {"endpoints_open"};
    case Decision::abort_injected:
      return {note.number == 0 ? "reset" : "status"};
    case Decision::breaker_judged:
      return {static_cast<Verdict>(note.detail) == Verdict::failure ? "failure" : "neutral"};
    case Decision::retry_made:
    case Decision::fallback_begun:
    case Decision::fallback_not_for:
      return {detail_of(static_cast<Trigger>(note.detail))};
    case Decision::fallback_step:
      return {kFallbackTypeNames[note.detail % kFallbackTypeNames.size()]};
    default:
      return {};
  }
}

}  // namespace fusewire::proxy
