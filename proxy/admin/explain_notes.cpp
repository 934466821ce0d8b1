// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_notes.hpp"

#include <array>

#include "filters/breaker/core/types.hpp"
#include "filters/cache/cache_status.hpp"
#include "filters/cache/storable.hpp"
#include "filters/fallback/trigger.hpp"

namespace fusewire::proxy::admin {
namespace {

using std::string_view;

struct Words {
  string_view reason;
  string_view sentence;
};

template <std::size_t N>
const Words& pick(const std::array<Words, N>& words, unsigned index) {
  return words[index < N ? index : N - 1];
}

constexpr auto kCacheAnswers = std::to_array<Words>({
    {"fresh", "the stored response was fresh"},
    {"stale", "the stored response was stale, and may be served so"},
    {"validated", "the upstream said that the stored response still holds"},
    {"collapsed", "another request had fetched the same thing meanwhile"},
});

// By cache::Forward.
constexpr auto kForwards = std::to_array<Words>({
    {"uri_miss", "nothing was stored for this URI"},
    {"vary_miss", "what was stored for this URI answers other request fields (Vary)"},
    {"stale", "what was stored had to be validated first"},
    {"request", "the request's own Cache-Control asked for it"},
    {"method", "the method is neither GET nor HEAD"},
    {"bypass", "such a request is not answered from the cache (a body, If-Match or Upgrade)"},
});

// By cache::Refusal.
constexpr auto kNotStored = std::to_array<Words>({
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
    {"close_delimited", "its end cannot be told from a crash"},
});

constexpr auto kSlotRefusals = std::to_array<Words>({
    {"no_queue", "limits.max_concurrent_requests were in flight, and there is no queue"},
    {"queue_full", "limits.max_concurrent_requests were in flight, and the queue was full"},
    {"queue_timeout", "no other request ended in time to make room"},
});

constexpr auto kRetryRefusals = std::to_array<Words>({
    {"attempts_used", "all of retries.attempts had been made"},
    {"not_listed", "retries.on does not list this failure"},
    {"not_repeatable", "the method may not be sent twice"},
    {"body_not_kept", "the request's body had been sent on and was not kept"},
    {"body_too_large", "the request's body is larger than retries.max_body"},
    {"breaker_moved", "the circuit breaker had left the state in which it let the request pass"},
    {"no_endpoint", "there was no endpoint that may be asked"},
    {"no_time", "the back-off would have outlasted the deadline"},
    {"over_budget", "retries.budget was spent"},
    {"connection_bound", "an authentication of the connection was going on"},
    {"already_answering", "the client had had a part of the answer, or was gone"},
});

constexpr std::array<string_view, 3> kFallbackTypes = {"cache", "upstream", "static"};
constexpr std::array<string_view, 3> kFallbackResults = {"hit", "miss", "error"};

std::string ms_words(std::uint32_t ms) { return duration_words(ms < kNoValue / 1000 ? ms * 1000 : kNoValue - 1); }

std::string next_trial(std::uint32_t ms) {
  return ms == kNoValue || ms == 0 ? "" : "; the next trial was due in " + ms_words(ms);
}

// "on 503", "on timeout".
std::string failure_words(const Note& note) {
  const auto trigger = static_cast<Trigger>(note.detail);
  return trigger == Trigger::status ? "on status " + std::to_string(note.number)
                                    : "on " + std::string(detail_of(trigger));
}

ExplainStep step(string_view filter, string_view decision, std::string sentence, string_view reason = {}) {
  return {.filter = filter, .decision = decision, .reason = reason, .sentence = std::move(sentence)};
}

ExplainStep step(string_view filter, string_view decision, string_view start, const Words& words) {
  return step(filter, decision, std::string(start).append(": ").append(words.sentence), words.reason);
}

ExplainStep rejected(const JournalEntry::Call& call, const Note& note) {
  const auto by = static_cast<breaker::RejectedBy>(note.detail);
  std::string text = "circuit breaker '" + call.upstream + "' rejected it: ";
  switch (by) {
    case breaker::RejectedBy::open:
      text += "it was open";
      if (note.number > 0)
        text.append(" by ").append(breaker::to_string(static_cast<breaker::Reason>(note.number - 1)));
      text += next_trial(note.value);
      break;
    case breaker::RejectedBy::half_open:
      text += "it was half-open, and all its trial calls were under way";
      break;
    case breaker::RejectedBy::forced_open:
      text += "an operator had forced it open";
      break;
    case breaker::RejectedBy::ramp:
      text += "it had just closed, and admitted only a growing share of calls";
      break;
  }
  return step("breaker", "rejected", std::move(text), breaker::to_string(by));
}

ExplainStep fallback_step_note(const Note& note) {
  const auto type = kFallbackTypes[note.detail % kFallbackTypes.size()];
  const auto result = kFallbackResults[note.number % kFallbackResults.size()];
  std::string text = "fallback step '" + std::string(type) + "'";
  if (result == "hit")
    text += " answered";
  else if (result == "miss")
    text += type == "cache" ? " had nothing stored that may answer" : " was not asked: its circuit breaker is open";
  else
    text += " failed, too";
  if (type == "cache" && result == "hit") text += ", with a response " + ms_words(note.value) + " old";
  return step("fallback", result, std::move(text), type);
}

ExplainStep judged(const JournalEntry::Call& call, const Note& note) {
  const bool failed = static_cast<Verdict>(note.detail) == Verdict::failure;
  std::string text = "circuit breaker '" + call.upstream;
  text += failed ? "' counted it as a failure" : "' did not count it: the upstream is not to blame";
  return step("breaker", failed ? "failure" : "neutral", std::move(text));
}

ExplainStep of_cache(const Note& note) {
  switch (note.what) {
    case Decision::cache_answered: {
      const Words& words = pick(kCacheAnswers, note.detail);
      ExplainStep answered = step("cache", "answered", "answered from the cache", words);
      answered.sentence += "; it was " + std::to_string(note.value) + " s old";
      return answered;
    }
    case Decision::cache_forwarded:
      return step("cache", "forwarded", "the cache let it pass", pick(kForwards, note.detail));
    case Decision::cache_waits:
      return step("cache", "waits", "it waited for another request that was fetching the same thing");
    case Decision::cache_refreshes:
      return step("cache", "refreshes", "the upstream was asked for a newer response behind the client's back");
    case Decision::cache_has_none:
      return step("cache", "none", "the request is only-if-cached, and nothing is stored that may answer it");
    case Decision::cache_stored:
      return step("cache", "stored", "the response was stored");
    default:
      return step("cache", "not_stored", "the response was not stored", pick(kNotStored, note.detail));
  }
}

ExplainStep of_limits(const Note& note) {
  switch (note.what) {
    case Decision::rate_refused:
      return step("rate", "refused",
                  "limits.rate refused it: there was no token left, and the next was due in " + ms_words(note.value));
    case Decision::slot_waits:
      return step("concurrency", "waits", "limits.max_concurrent_requests were in flight: it waited in the queue");
    case Decision::slot_taken:
      return step("concurrency", "taken", "the wait in the queue was over");
    default:
      return step("concurrency", "refused", "refused", pick(kSlotRefusals, note.detail));
  }
}

ExplainStep of_retry(const Note& note) {
  if (note.what == Decision::retry_given_up)
    return step("retry", "given_up",
                "no further attempt was made: while the back-off ran, the circuit breaker moved, or the client left");
  if (note.what == Decision::retry_not_made)
    return step("retry", "not_made", "no further attempt was made", pick(kRetryRefusals, note.detail));
  return step("retry", "made", "another attempt was made " + failure_words(note) + ", after " + ms_words(note.value),
              detail_of(static_cast<Trigger>(note.detail)));
}

ExplainStep of_fallback(const Note& note) {
  switch (note.what) {
    case Decision::fallback_begun:
      return step("fallback", "begun", "the fallback took over " + failure_words(note),
                  detail_of(static_cast<Trigger>(note.detail)));
    case Decision::fallback_not_for:
      return step("fallback", "not_for",
                  "the fallback was not used: fallback.on does not list it " + failure_words(note),
                  detail_of(static_cast<Trigger>(note.detail)));
    case Decision::fallback_asks:
      return step("fallback", "asks", "another upstream was asked");
    case Decision::fallback_barred:
      return note.detail == 0
                 ? step("fallback", "barred", "another upstream was not asked: the request may not be sent twice",
                        "not_repeatable")
                 : step("fallback", "barred", "another upstream was not asked: no time was left", "no_time");
    default:
      return fallback_step_note(note);
  }
}

ExplainStep in_words(const JournalEntry::Call& call, const Note& note) {
  switch (note.what) {
    case Decision::cache_answered:
    case Decision::cache_forwarded:
    case Decision::cache_waits:
    case Decision::cache_refreshes:
    case Decision::cache_has_none:
    case Decision::cache_stored:
    case Decision::cache_not_stored:
      return of_cache(note);
    case Decision::rate_refused:
    case Decision::slot_waits:
    case Decision::slot_taken:
    case Decision::slot_refused:
      return of_limits(note);
    case Decision::breaker_rejected:
      return rejected(call, note);
    case Decision::breaker_judged:
      return judged(call, note);
    case Decision::endpoints_open:
      return step("breaker", "rejected",
                  "the circuit breakers of all endpoints of '" + call.upstream + "' were open" + next_trial(note.value),
                  "endpoints_open");
    case Decision::endpoint_skipped:
      return step("balancer", "skipped", "nothing could be sent to this endpoint: another one was asked at once");
    case Decision::deadline_asked:
      return step("timeout", "asked", "the client gave it " + ms_words(note.value));
    case Decision::deadline_passed:
      return step("timeout", "passed", "its deadline had passed before anything could be sent");
    case Decision::retry_made:
    case Decision::retry_not_made:
    case Decision::retry_given_up:
      return of_retry(note);
    default:
      return of_fallback(note);
  }
}

}  // namespace

ExplainStep explain_note(const JournalEntry::Call& call, const Note& note) {
  ExplainStep explained = in_words(call, note);
  explained.at_us = note.at_us;
  explained.upstream = call.upstream;
  return explained;
}

int rank_of(Decision what) {
  switch (what) {
    case Decision::cache_answered:
    case Decision::cache_forwarded:
    case Decision::cache_waits:
    case Decision::cache_refreshes:
    case Decision::cache_has_none:
      return 10;
    case Decision::rate_refused:
      return 20;
    case Decision::slot_waits:
    case Decision::slot_taken:
    case Decision::slot_refused:
      return 30;
    case Decision::breaker_rejected:
      return kRankPermit;
    case Decision::deadline_asked:
    case Decision::deadline_passed:
      return kRankDeadline - 1;
    case Decision::endpoints_open:
    case Decision::endpoint_skipped:
      return kRankAttempt + 1;
    case Decision::retry_made:
    case Decision::retry_not_made:
    case Decision::retry_given_up:
      return 70;
    case Decision::breaker_judged:
      return kRankVerdict;
    case Decision::cache_stored:
    case Decision::cache_not_stored:
      return 90;
    default:
      return 100;
  }
}

}  // namespace fusewire::proxy::admin
