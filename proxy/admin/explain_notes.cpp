// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_notes.hpp"

#include "filters/breaker/core/types.hpp"
#include "proxy/admin/explain_attempt.hpp"
#include "proxy/observe/decision_words.hpp"

namespace fusewire::proxy::admin {
namespace {

using std::string_view;

std::string ms_words(std::uint32_t ms) { return duration_words(ms < kNoValue / 1000 ? ms * 1000 : kNoValue - 1); }

std::string next_trial(std::uint32_t ms) {
  return ms == kNoValue || ms == 0 ? "" : "; the next trial was due in " + ms_words(ms);
}

// What the retry or the fallback follows.
std::string failure_words(const Note& note) { return trigger_sentence(static_cast<Trigger>(note.detail), note.number); }

ExplainStep step(string_view filter, string_view decision, std::string sentence) {
  return {.filter = filter, .decision = decision, .sentence = std::move(sentence)};
}

// With the words of its reason behind it.
ExplainStep step(string_view filter, string_view decision, string_view start, const Note& note) {
  return step(filter, decision, std::string(start).append(": ").append(words_of(note).sentence));
}

// Who can close it, where that is not the next call.
std::string_view probe_words(config::ProbeType probe) {
  switch (probe) {
    case config::ProbeType::active:
      return "; only the proxy's own probes can close it (recovery.probe: active)";
    case config::ProbeType::connect:
      return ", or as soon as the upstream can be connected to (recovery.probe: connect)";
    case config::ProbeType::traffic:
      break;
  }
  return "";
}

ExplainStep rejected(const JournalEntry::Call& call, const Note& note) {
  const RejectionNote why = RejectionNote::of(note.number);
  std::string text = "circuit breaker '" + (why.above ? call.upstream : call.breaker) + "' rejected it: ";
  switch (static_cast<breaker::RejectedBy>(note.detail)) {
    case breaker::RejectedBy::open:
      text += "it was open";
      if (why.trip > 0) text.append(" (").append(breaker::to_string(static_cast<breaker::Reason>(why.trip - 1))) += ")";
      text += next_trial(note.value);
      text += probe_words(why.probe);
      break;
    case breaker::RejectedBy::half_open:
      text += "it was half-open";
      text +=
          why.probe == config::ProbeType::active ? probe_words(why.probe) : ", and all its trial calls were under way";
      break;
    case breaker::RejectedBy::forced_open:
      text += why.above ? "an operator had forced it open, which holds for all routes to this upstream"
                        : "an operator had forced it open";
      break;
    case breaker::RejectedBy::ramp:
      text += "it had just closed, and let only a growing share of calls pass (recovery.ramp)";
      break;
  }
  return step("breaker", "rejected", std::move(text));
}

ExplainStep judged(const JournalEntry::Call& call, const Note& note) {
  const bool failed = static_cast<Verdict>(note.detail) == Verdict::failure;
  std::string text = "circuit breaker '" + call.breaker;
  text += failed ? "' counted it as a failure" : "' did not count it: the upstream is not to blame";
  return step("breaker", failed ? "failure" : "neutral", std::move(text));
}

ExplainStep of_cache(const Note& note) {
  switch (note.what) {
    case Decision::cache_answered: {
      ExplainStep answered = step("cache", "answered", "answered from the cache", note);
      answered.sentence += "; it was " + std::to_string(note.value) + " s old";
      return answered;
    }
    case Decision::cache_forwarded:
      return step("cache", "forwarded", "not answered from the cache", note);
    case Decision::cache_waits:
      return step("cache", "waits", "it waited for another request that was fetching the same thing");
    case Decision::cache_refreshes:
      return step("cache", "refreshes", "the upstream was asked for a newer response behind the client's back");
    case Decision::cache_has_none:
      return step("cache", "none", "the request is only-if-cached, and nothing is stored that may answer it");
    case Decision::cache_stored:
      return step("cache", "stored", "the response was stored");
    default:
      return step("cache", "not_stored", "the response was not stored", note);
  }
}

std::string whose(const JournalEntry::Call& call, const Note& note) {
  return LimitNote::of(note.number).of_route ? "of its route" : "of upstream '" + call.upstream + "'";
}

// "all 4 places of its route were taken (limits.max_concurrent_requests)"
std::string all_taken(const JournalEntry::Call& call, const Note& note) {
  std::string text = "all " + std::to_string(note.value) + " places " + whose(call, note) + " were taken (limits.";
  return text += LimitNote::of(note.number).adaptive ? "adaptive_concurrency)" : "max_concurrent_requests)";
}

ExplainStep of_limits(const JournalEntry::Call& call, const Note& note) {
  switch (note.what) {
    case Decision::rate_refused:
      return step("rate", "refused",
                  "limits.rate " + whose(call, note) + " refused it: no token was left, and the next came in " +
                      ms_words(note.value));
    case Decision::slot_waits:
      return step("concurrency", "waits", all_taken(call, note) + ": it waited in the queue");
    case Decision::slot_taken:
      return step("concurrency", "taken", "its wait for a place " + whose(call, note) + " was over");
    default:
      return step("concurrency", "refused", all_taken(call, note) + ", and " + std::string(words_of(note).sentence));
  }
}

ExplainStep of_retry(const Note& note) {
  switch (note.what) {
    case Decision::retry_made:
      return step("retry", "made",
                  failure_words(note) + ": another attempt was made after a back-off of " + ms_words(note.value));
    case Decision::retry_given_up:
      return step("retry", "given_up",
                  "no further attempt was made: while the back-off ran, the circuit breaker moved, or the client left");
    case Decision::hedge_sent:
      return step("hedge", "sent",
                  "there was no answer within " + ms_words(note.value) +
                      ": a second attempt was made beside the first (retries.hedge)");
    case Decision::hedge_not_sent:
      return step("hedge", "not_sent", "no second attempt was made beside the first", note);
    case Decision::hedge_ended:
      return step("hedge", words_of(note).reason, "the second attempt is over", note);
    default:
      return step("retry", "not_made", "no further attempt was made", note);
  }
}

ExplainStep fallback_step_note(const Note& note) {
  const string_view type = words_of(note).reason;
  const string_view result = kFallbackResultNames[note.number % kFallbackResultNames.size()];
  std::string text = "fallback step '" + std::string(type) + "'";
  if (result == "hit")
    text += " answered";
  else if (result == "miss")
    text += type == "cache" ? " had nothing stored that may answer" : " was not asked: its circuit breaker is open";
  else
    text += " failed, too";
  if (type == "cache" && result == "hit") text += ", with a response " + ms_words(note.value) + " old";
  return step("fallback", result, std::move(text));
}

ExplainStep of_fallback(const Note& note) {
  switch (note.what) {
    case Decision::fallback_begun:
      return step("fallback", "begun", failure_words(note) + ": the fallback took over");
    case Decision::fallback_not_for:
      return step("fallback", "not_for",
                  failure_words(note) + ": fallback.on does not list that, so the fallback was not used");
    case Decision::fallback_asks:
      return step("fallback", "asks", "another upstream was asked");
    case Decision::fallback_barred:
      return step("fallback", "barred", "another upstream was not asked", note);
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
      return of_limits(call, note);
    case Decision::breaker_rejected:
      return rejected(call, note);
    case Decision::breaker_judged:
      return judged(call, note);
    case Decision::endpoints_open:
      return step(
          "breaker", "rejected",
          "the circuit breakers of all endpoints of '" + call.upstream + "' were open" + next_trial(note.value));
    case Decision::endpoint_skipped:
      return step("balancer", "skipped", "nothing could be sent to this endpoint: another one was asked at once");
    case Decision::dial_held:
      return step(
          "dial", "held",
          "the endpoint's address answered nobody: this connection waited for a trial for " + ms_words(note.value));
    case Decision::delay_injected:
      return step("fault", "delayed", "a delay of " + ms_words(note.value) + " was injected (PUT /admin/faults)");
    case Decision::abort_injected:
      return step("fault", "aborted",
                  (note.number == 0 ? std::string("a reset") : "an answer " + std::to_string(note.number)) +
                      " was injected in the endpoint's place (PUT /admin/faults)");
    case Decision::deadline_asked:
      return step("timeout", "asked", "the client gave it " + ms_words(note.value));
    case Decision::deadline_passed:
      return step("timeout", "passed", "its deadline had passed before anything could be sent");
    case Decision::retry_made:
    case Decision::retry_not_made:
    case Decision::retry_given_up:
    case Decision::hedge_sent:
    case Decision::hedge_not_sent:
    case Decision::hedge_ended:
      return of_retry(note);
    default:
      return of_fallback(note);
  }
}

}  // namespace

ExplainStep explain_note(const JournalEntry::Call& call, const Note& note) {
  ExplainStep explained = in_words(call, note);
  explained.at_us = microseconds_of(note.at);
  explained.reason = words_of(note).reason;
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
    case Decision::dial_held:
    case Decision::delay_injected:
    case Decision::abort_injected:
      return kRankAttempt + 1;
    case Decision::retry_made:
    case Decision::retry_not_made:
    case Decision::retry_given_up:
    case Decision::hedge_not_sent:
    case Decision::hedge_ended:
      return 70;
    case Decision::hedge_sent:
      return kRankAttempt - 1;
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
