// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_step.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "filters/outcome_name.hpp"
#include "proxy/admin/explain_attempt.hpp"
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
    ExplainStep end{.at_us = microseconds_of(entry_.facts.ended), .filter = "answer", .decision = end_word()};
    end.sentence = explain_summary(entry_);
    steps.push_back(std::move(end));
    return steps;
  }

 private:
  void add(std::size_t call, int rank, ExplainStep step) { steps_.push_back({call, rank, std::move(step)}); }

  ExplainStep route_step() const {
    ExplainStep step{.filter = "route", .decision = "refused"};
    const std::string at = "it came to listener '" + entry_.listener + "'";
    if (entry_.route.empty() && entry_.calls.empty()) {
      step.sentence = at + " and was refused before any route was taken";
      return step;
    }
    step.decision = "routed";
    step.sentence = at + " and took ";
    step.sentence += entry_.route.empty() ? "the route" : "route '" + entry_.route + "'";
    if (!entry_.calls.empty()) step.sentence += " to upstream '" + entry_.calls.front().upstream + "'";
    return step;
  }

  void add_call(std::size_t index, const JournalEntry::Call& call) {
    const auto step = [&](string_view filter, string_view decision, Time at, std::string sentence) {
      return ExplainStep{microseconds_of(at), call.upstream, filter, decision, {}, std::move(sentence)};
    };
    const CallFacts& facts = call.facts;
    for (const Note& note : call.notes) add(index, rank_of(note.what), explain_note(call, note));
    if (facts.permitted != kNever) {
      add(index, kRankPermit,
          step("breaker", "permitted", facts.permitted, "circuit breaker '" + call.breaker + "' let it pass"));
      if (facts.total != kNever)
        add(index, kRankDeadline,
            step("timeout", "set", facts.permitted,
                 "an answer had to begin within " + duration_words(microseconds_of(facts.total)) + " of the request"));
    }
    for (std::size_t i = 0; i < call.attempts.size(); ++i) {
      const AttemptFacts& attempt = call.attempts[i].facts;
      ExplainStep tried =
          step("attempt", attempt_word(attempt), attempt.begun, attempt_sentence(call.attempts[i], i + 1));
      tried.reason = to_string(attempt.outcome);
      add(index, kRankAttempt, std::move(tried));
    }
    if (facts.verdict == Verdict::success)
      add(index, kRankVerdict,
          step("breaker", "success", facts.ended != kNever ? facts.ended : entry_.facts.ended,
               "circuit breaker '" + call.breaker + "' counted it as a success"));
    if (facts.runs_on)
      add(index, kRankVerdict + 1,
          step("breaker", "runs_on", entry_.facts.ended,
               "it is a trial call: it goes on without its client until the upstream has answered"));
  }

  static string_view attempt_word(const AttemptFacts& attempt) {
    if (attempt.status != 0) return "answered";
    return attempt.outcome == Outcome::superseded ? "dropped" : "failed";
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
         duration_words(microseconds_of(entry.facts.ended)) + ", before an answer was begun";
}

// Counted from 1: the one whose answer is the call's, where it was sent somewhere.
std::size_t current_attempt(const JournalEntry::Call& call) {
  for (std::size_t i = 0; i < call.attempts.size(); ++i)
    if (call.attempts[i].facts.current) return i + 1;
  return 0;
}

const JournalEntry::Call* answering_call(const JournalEntry& entry) {
  for (const auto& call : entry.calls)
    if (call.facts.answered) return &call;
  return nullptr;
}

std::string by_whom(const JournalEntry& entry) {
  if (entry.facts.error != Problem::none)
    return " " + std::string(row(entry.facts.error).name) + " by the proxy itself";
  if (const string_view fallback = fallback_step(entry); !fallback.empty())
    return " by the fallback step '" + std::string(fallback) + "'";
  const auto* call = answering_call(entry);
  if (call == nullptr) return {};
  if ((call->facts.flags & bits(Flag::cache_hit, Flag::cache_stale)) != 0) return " from the cache";
  const std::size_t current = current_attempt(*call);
  return current == 0 ? std::string() : " by " + call->attempts[current - 1].endpoint;
}

std::string at_which_attempt(const JournalEntry& entry) {
  const auto* call = answering_call(entry);
  if (call == nullptr || entry.facts.error != Problem::none || call->attempts.size() < 2) return {};
  return ", at attempt " + std::to_string(current_attempt(*call)) + " of " + std::to_string(call->attempts.size());
}

// Why a fallback stands in: what it took over from.
std::string instead_of(const JournalEntry& entry) {
  const auto& notes = entry.calls.front().notes;
  const auto begun =
      std::find_if(notes.begin(), notes.end(), [](const Note& note) { return note.what == Decision::fallback_begun; });
  if (begun == notes.end()) return {};
  const std::size_t attempts = entry.calls.front().attempts.size();
  std::string text = ", because " + trigger_sentence(static_cast<Trigger>(begun->detail), begun->number);
  if (attempts > 1) text += " (at the last of " + std::to_string(attempts) + " attempts)";
  return text;
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
  std::string text = "answered " + std::to_string(facts.status) + by_whom(entry) + " after " +
                     duration_words(microseconds_of(facts.ended));
  text += fallback_step(entry).empty() ? at_which_attempt(entry) : instead_of(entry);
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
