// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_view.hpp"

#include <optional>

#include "filters/outcome_name.hpp"
#include "proxy/admin/explain_step.hpp"
#include "proxy/admin/fault_view.hpp"
#include "proxy/admin/json_views.hpp"
#include "proxy/http/trace_context.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

json::value in_ms(std::uint32_t us) { return us == kNoValue ? json::value(nullptr) : json::value(rounded(us / 1e3)); }
json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(printable(text));
}
json::value limit(std::uint32_t ms) { return ms == 0 ? json::value(nullptr) : json::value(ms); }

json::array flag_names(Flags flags) {
  json::array names;
  for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit)
    if ((flags >> bit & 1) != 0) names.emplace_back(kFlagNames[bit]);
  return names;
}

// Null: nothing was.
json::value injected_view(const AttemptFacts& facts) {
  if (facts.injected_delay_ms == 0 && facts.injected_abort == 0) return nullptr;
  return json::object{{"delay_ms", limit(facts.injected_delay_ms)}, {"abort", abort_view(facts.injected_abort)}};
}

json::object attempt_view(const JournalEntry::Attempt& attempt) {
  const AttemptFacts& facts = attempt.facts;
  json::object view = {{"endpoint", printable(attempt.endpoint)},
                       {"address", text_or_null(attempt.address)},
                       {"outcome", to_string(facts.outcome)},
                       {"status", facts.status != 0 ? json::value(facts.status) : json::value(nullptr)},
                       {"begun_ms", in_ms(microseconds_of(facts.begun))},
                       {"connected_ms", in_ms(microseconds_of(facts.connected))},
                       {"sent_ms", in_ms(microseconds_of(facts.sent))},
                       {"head_ms", in_ms(microseconds_of(facts.head))},
                       {"ended_ms", in_ms(microseconds_of(facts.ended))},
                       {"kept_connection", facts.kept_connection},
                       {"connections", facts.tries},
                       {"nothing_sent", facts.nothing_sent},
                       {"own_breaker", facts.has_breaker},
                       {"hedge", facts.hedge},
                       {"connect_timeout_ms", limit(facts.connect_ms)},
                       {"response_timeout_ms", limit(facts.response_ms)},
                       {"idle_timeout_ms", limit(facts.idle_ms)},
                       {"injected", injected_view(facts)}};
  if (!attempt.detail.empty()) view["detail"] = printable(attempt.detail);
  if (facts.span != 0) {
    const auto span = span_text(facts.span);
    view["span_id"] = std::string(span.data(), span.size());
  }
  return view;
}

std::string_view verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::success:
      return "success";
    case Verdict::failure:
      return "failure";
    case Verdict::neutral:
      return "neutral";
    case Verdict::none:
      break;
  }
  return "none";
}

json::object call_view(const JournalEntry::Call& call) {
  json::array attempts;
  for (const auto& attempt : call.attempts) attempts.push_back(attempt_view(attempt));
  return {{"upstream", printable(call.upstream)},
          {"breaker", printable(call.breaker)},
          {"is_fallback", call.facts.of == CallFacts::fallback},
          {"answered", call.facts.answered},
          {"permitted_ms", in_ms(microseconds_of(call.facts.permitted))},
          {"deadline_ms", in_ms(microseconds_of(call.facts.total))},
          {"outcome", to_string(call.facts.outcome)},
          {"verdict", verdict_word(call.facts.verdict)},
          {"breaker_state", breaker::to_string(call.facts.breaker)},
          {"retries", call.facts.retries_made},
          {"max_retries", call.facts.retries_max},
          {"flags", flag_names(call.facts.flags)},
          {"attempts", std::move(attempts)}};
}

json::object step_view(const ExplainStep& step) {
  return {
      {"at_ms", in_ms(step.at_us)}, {"upstream", text_or_null(step.upstream)}, {"filter", step.filter},
      {"decision", step.decision},  {"reason", text_or_null(step.reason)},     {"sentence", printable(step.sentence)}};
}

}  // namespace

json::object explain_view(const JournalEntry& entry) {
  const RequestFacts& facts = entry.facts;
  const auto at = std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(facts.wall_ns)));
  const auto text = [&entry](RequestFacts::Text which) { return text_or_null(entry.text(which)); };
  json::array steps;
  for (const ExplainStep& step : explain_steps(entry)) steps.push_back(step_view(step));
  json::array calls;
  for (const auto& call : entry.calls) calls.push_back(call_view(call));
  json::object view = {
      {"request_id", text(RequestFacts::id)},
      {"id_is_own", facts.own_id},
      {"at", time_text(at)},
      {"summary", printable(explain_summary(entry))},
      {"ended_well", !Journal::is_bad(facts)},
      {"method", text(RequestFacts::method)},
      {"path", text(RequestFacts::path)},
      {"host", text(RequestFacts::host)},
      {"peer", text(RequestFacts::peer)},
      {"listener", text_or_null(entry.listener)},
      {"route", text_or_null(entry.route)},
      {"upstream", entry.calls.empty() ? json::value(nullptr) : text_or_null(entry.calls.front().upstream)},
      {"status", facts.status},
      {"error", facts.error != Problem::none ? json::value(row(facts.error).name) : json::value(nullptr)},
      {"detail", text(RequestFacts::detail)},
      {"fallback", text_or_null(fallback_step(entry))},
      {"flags", flag_names(facts.flags)},
      {"duration_ms", in_ms(microseconds_of(facts.ended))},
      {"bytes_in", facts.bytes_in},
      {"bytes_out", facts.bytes_out},
      {"trace_id", facts.traced ? json::value(std::string(entry.trace.trace_id.data(), entry.trace.trace_id.size()))
                                : json::value(nullptr)},
      {"steps", std::move(steps)},
      {"calls", std::move(calls)}};
  if (facts.incomplete) view["incomplete"] = true;
  return view;
}

}  // namespace fusewire::proxy::admin
