// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_attempt.hpp"

#include <array>

#include "proxy/admin/explain_step.hpp"

namespace fusewire::proxy::admin {
namespace {

using std::string_view;

// In the order of Outcome.
constexpr auto kOutcomeSentences = std::to_array<string_view>({
    "it had not ended",
    "nothing was sent",
    "it answered",
    "its answer was not read to the end",
    "it was dropped, for the other attempt had answered",
    "it refused the connection",
    "it could not be reached",
    "no connection was made in time",
    "its name could not be resolved",
    "its name was not resolved in time",
    "the TLS handshake failed",
    "no answer came in time",
    "the request's deadline passed",
    "its answer's body stood still for too long",
    "it closed the connection before a whole answer",
    "its answer was not valid HTTP",
    "its answer's body broke off",
    "the client left",
    "this process cut it off, for it was ending",
    "the request's body came late, malformed or too large",
    "all connections that max_connections allows were in use",
    "this host had no descriptor or port to spare",
});
static_assert(kOutcomeSentences.size() == kOutcomes.size());

// In the order of Trigger.
constexpr auto kTriggerSentences = std::to_array<string_view>({
    "nothing had failed",
    "the circuit was open",
    "no connection to the upstream could be made",
    "the upstream took too long",
    "the upstream closed the connection before a whole answer",
    "the upstream's answer was not valid HTTP",
    "the upstream's answer broke off",
    "a limit refused it",
    "the upstream answered ",
});
static_assert(kTriggerSentences.size() == static_cast<std::size_t>(Trigger::status) + 1);

std::string since_begun(const AttemptFacts& facts, Time at) {
  return duration_words(microseconds_of(Time(at - facts.begun)));
}

std::string took(const AttemptFacts& facts) {
  return facts.ended == kNever || facts.ended < facts.begun ? std::string()
                                                            : ", after " + since_begun(facts, facts.ended);
}

// What it was allowed, where that has ended it.
std::string of_limit(const AttemptFacts& facts) {
  if (facts.outcome == Outcome::response_timeout)
    return " (timeouts.response: " + duration_words(facts.response_ms * 1000) + ")";
  if (facts.outcome == Outcome::connect_timeout)
    return " (timeouts.connect: " + duration_words(facts.connect_ms * 1000) + ")";
  if (facts.outcome == Outcome::idle_timeout) return " (timeouts.idle: " + duration_words(facts.idle_ms * 1000) + ")";
  return {};
}

std::string attempt_end(const JournalEntry::Attempt& attempt) {
  const AttemptFacts& facts = attempt.facts;
  std::string text;
  if (facts.status != 0)
    text = "it answered " + std::to_string(facts.status) + " after " + since_begun(facts, facts.head);
  const bool whole =
      facts.outcome == Outcome::complete || facts.outcome == Outcome::abandoned || facts.outcome == Outcome::pending;
  if (whole && facts.status != 0) return text;
  if (!text.empty()) text += ", and then ";
  text.append(outcome_sentence(facts.outcome)) += took(facts) + of_limit(facts);
  if (!attempt.detail.empty()) text += " (" + attempt.detail + ")";
  if (facts.nothing_sent) text += "; nothing was sent";
  return text;
}

}  // namespace

std::string attempt_sentence(const JournalEntry::Attempt& attempt, std::size_t number) {
  const AttemptFacts& facts = attempt.facts;
  std::string text =
      "attempt " + std::to_string(number) + (facts.hedge ? " (the hedge)" : "") + " went to " + attempt.endpoint;
  if (!attempt.address.empty() && !attempt.endpoint.ends_with("//" + attempt.address))
    text += " (" + attempt.address + ")";
  if (facts.kept_connection) text += " on a kept connection";
  if (facts.connected != kNever) text += " on a new connection, made in " + since_begun(facts, facts.connected);
  if (facts.injected_delay_ms != 0)
    text += ", held back for an injected " + duration_words(facts.injected_delay_ms * 1000);
  if (facts.injected_abort != 0)
    text += facts.injected_abort == fault::kReset ? ", with an injected reset" : ", with an injected answer";
  if (facts.tries > 1) text += ", the second one: the upstream had closed the kept one";
  return text + ": " + attempt_end(attempt);
}

string_view outcome_sentence(Outcome outcome) { return kOutcomeSentences[static_cast<std::size_t>(outcome)]; }

std::string trigger_sentence(Trigger trigger, int status) {
  std::string text(kTriggerSentences[static_cast<std::size_t>(trigger) % kTriggerSentences.size()]);
  return trigger == Trigger::status ? text + std::to_string(status) : text;
}

}  // namespace fusewire::proxy::admin
