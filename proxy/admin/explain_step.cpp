// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_step.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "filters/outcome_name.hpp"
#include "proxy/admin/explain_notes.hpp"

namespace fusewire::proxy::admin {
namespace {

using std::string_view;

constexpr Flags kFallback = bits(Flag::fallback);

struct Ranked {
  std::size_t call;
  int rank;
  ExplainStep step;
};

// Collects the steps of one request.
class Way {
 public:
  explicit Way(const JournalEntry& entry) : entry_(entry) {}

  std::vector<ExplainStep> run() {
    add(0, 0, route_step());
    for (std::size_t i = 0; i < entry_.calls.size(); ++i) add_call(i, entry_.calls[i]);
    std::stable_sort(steps_.begin(), steps_.end(), [](const Ranked& a, const Ranked& b) {
      return std::tuple(a.step.at_us, a.call, a.rank) < std::tuple(b.step.at_us, b.call, b.rank);
    });
    std::vector<ExplainStep> steps;
    for (Ranked& ranked : steps_) steps.push_back(std::move(ranked.step));
    ExplainStep end{.at_us = entry_.facts.duration_us, .filter = "answer", .decision = end_word()};
    end.sentence = explain_summary(entry_);
    steps.push_back(std::move(end));
    return steps;
  }

 private:
  void add(std::size_t call, int rank, ExplainStep step) { steps_.push_back({call, rank, std::move(step)}); }

  ExplainStep route_step() const {
    ExplainStep step{.filter = "route", .decision = "refused"};
    const std::string at = "it came to listener '" + entry_.text(RequestFacts::listener) + "'";
    if (entry_.text(RequestFacts::route).empty() && entry_.calls.empty()) {
      step.sentence = at + " and was refused before any route was taken";
      return step;
    }
    step.decision = "routed";
    step.sentence = at + " and took ";
    step.sentence +=
        entry_.text(RequestFacts::route).empty() ? "the route" : "route '" + entry_.text(RequestFacts::route) + "'";
    if (!entry_.calls.empty()) step.sentence += " to upstream '" + entry_.calls.front().upstream + "'";
    return step;
  }

  void add_call(std::size_t index, const JournalEntry::Call& call) {
    const auto step = [&](string_view filter, string_view decision, std::uint32_t at, std::string sentence) {
      return ExplainStep{at, call.upstream, filter, decision, {}, std::move(sentence)};
    };
    const CallFacts& facts = call.facts;
    for (const Note& note : call.notes) add(index, rank_of(note.what), explain_note(call, note));
    if (facts.permitted_us != kNoValue) {
      add(index, kRankPermit,
          step("breaker", "permitted", facts.permitted_us, "circuit breaker '" + call.upstream + "' let it pass"));
      if (facts.total_us != kNoValue)
        add(index, kRankDeadline,
            step("timeout", "set", facts.permitted_us,
                 "an answer had to begin within " + duration_words(facts.total_us) + " of the request"));
    }
    for (std::size_t i = 0; i < call.attempts.size(); ++i) {
      const AttemptFacts& attempt = call.attempts[i].facts;
      ExplainStep tried = step("attempt", attempt.status != 0 ? "answered" : "failed", attempt.begun_us,
                               attempt_sentence(call.attempts[i], i + 1));
      tried.reason = to_string(attempt.outcome);
      add(index, kRankAttempt, std::move(tried));
    }
    if (facts.verdict == Verdict::success)
      add(index, kRankVerdict,
          step("breaker", "success", facts.ended_us != kNoValue ? facts.ended_us : entry_.facts.duration_us,
               "circuit breaker '" + call.upstream + "' counted it as a success"));
    if (facts.runs_on)
      add(index, kRankVerdict + 1,
          step("breaker", "runs_on", entry_.facts.duration_us,
               "it is a trial call: it goes on without its client until the upstream has answered"));
  }

  static std::string attempt_sentence(const JournalEntry::Attempt& attempt, std::size_t number) {
    const AttemptFacts& facts = attempt.facts;
    std::string text = "attempt " + std::to_string(number) + " went to " + attempt.texts[AttemptFacts::endpoint];
    if (!attempt.texts[AttemptFacts::address].empty()) text += " (" + attempt.texts[AttemptFacts::address] + ")";
    if (facts.kept_connection) text += " on a kept connection";
    if (facts.connected_us != kNoValue)
      text += " on a new connection, made in " + duration_words(facts.connected_us - facts.begun_us);
    if (facts.tries > 1) text += ", the second one: the upstream had closed the kept one";
    return text + ": " + attempt_end(attempt);
  }

  static std::string attempt_end(const JournalEntry::Attempt& attempt) {
    const AttemptFacts& facts = attempt.facts;
    std::string text;
    if (facts.status != 0)
      text = "it answered " + std::to_string(facts.status) + " after " + duration_words(facts.head_us - facts.begun_us);
    const bool whole =
        facts.outcome == Outcome::complete || facts.outcome == Outcome::abandoned || facts.outcome == Outcome::pending;
    if (whole && facts.status != 0) return text;
    const std::string_view outcome = to_string(facts.outcome);
    text += (text.empty() ? "" : ", and then ") + std::string(outcome);
    if (facts.ended_us != kNoValue && facts.ended_us >= facts.begun_us)
      text += " after " + duration_words(facts.ended_us - facts.begun_us);
    if (facts.outcome == Outcome::response_timeout)
      text += ", of " + duration_words(facts.response_ms * 1000) + " that it may take";
    if (facts.outcome == Outcome::connect_timeout)
      text += ", of " + duration_words(facts.connect_ms * 1000) + " that it may take";
    if (!attempt.texts[AttemptFacts::detail].empty()) text += " (" + attempt.texts[AttemptFacts::detail] + ")";
    if (facts.nothing_sent) text += "; nothing was sent";
    return text;
  }

  string_view end_word() const {
    if (entry_.facts.status == 0) return "none";
    if (entry_.facts.error != Problem::none) return "own";
    return fallback_step(entry_).empty() ? "relayed" : "fallback";
  }

  const JournalEntry& entry_;
  std::vector<Ranked> steps_;
};

std::string unanswered(const JournalEntry& entry) {
  const bool gone = (entry.facts.flags & bits(Flag::client_gone)) != 0;
  return std::string(gone ? "the client was gone" : "the request was cut off") + " after " +
         duration_words(entry.facts.duration_us) + ", before an answer was begun";
}

}  // namespace

std::vector<ExplainStep> explain_steps(const JournalEntry& entry) { return Way(entry).run(); }

string_view fallback_step(const JournalEntry& entry) {
  if (entry.calls.empty() || (entry.calls.front().facts.flags & kFallback) == 0) return {};
  const CallFacts& first = entry.calls.front().facts;
  if (!first.answered) return "upstream";
  return (first.flags & bits(Flag::cache_hit, Flag::cache_stale)) != 0 ? "cache" : "static";
}

std::string explain_summary(const JournalEntry& entry) {
  const RequestFacts& facts = entry.facts;
  if (facts.status == 0) return unanswered(entry);
  std::string text = "answered " + std::to_string(facts.status);
  const auto answered =
      std::find_if(entry.calls.begin(), entry.calls.end(), [](const auto& c) { return c.facts.answered; });
  const string_view fallback = fallback_step(entry);
  if (facts.error != Problem::none)
    text.append(" ").append(row(facts.error).name).append(" by the proxy itself");
  else if (!fallback.empty())
    text.append(" by the fallback step '").append(fallback).append("'");
  else if (answered != entry.calls.end() && (answered->facts.flags & bits(Flag::cache_hit, Flag::cache_stale)) != 0)
    text += " from the cache";
  else if (answered != entry.calls.end() && !answered->attempts.empty())
    text += " by " + answered->attempts.back().texts[AttemptFacts::endpoint];
  text += " after " + duration_words(facts.duration_us);
  if (answered != entry.calls.end() && facts.error == Problem::none && answered->attempts.size() > 1)
    text += ", at attempt " + std::to_string(answered->attempts.size());
  if (!entry.text(RequestFacts::detail).empty()) text += ": " + entry.text(RequestFacts::detail);
  if ((facts.flags & bits(Flag::client_gone)) != 0) text += "; the client left before its end";
  return text;
}

std::string duration_words(std::uint32_t us) {
  const bool seconds = us >= 1'000'000;
  const double value = us / (seconds ? 1e6 : 1e3);
  std::array<char, 32> digits{};
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, decimals).ptr;
  std::string text(digits.data(), end);
  if (decimals > 0) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text + (seconds ? " s" : " ms");
}

std::string printable(string_view text) {
  constexpr string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte < 127)
      out += c;
    else
      out.append("\\x") += std::string{kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

}  // namespace fusewire::proxy::admin
