// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/classify.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "filters/cache/cache_control.hpp"
#include "filters/list_field.hpp"
#include "filters/timeout/deadline.hpp"

namespace fusewire {
namespace {

using breaker::FailureKind;

constexpr Judgement kByClient{.by_client = true};

// One member of Proxy-Status: a proxy's name and its parameters.
bool has_error(std::string_view member, std::string_view error) noexcept {
  constexpr std::string_view kName = "error=";
  bool found = false;
  bool first = true;  // the name may itself look like a parameter
  for_each_member(member, ';', [&](std::string_view part) {
    if (std::exchange(first, false) || !part.starts_with(kName)) return;
    found = found || part.substr(kName.size()) == error;
  });
  return found;
}

bool has_proxy_error(const Fields& fields, std::string_view error) noexcept {
  bool found = false;
  for_each_member(fields, "proxy-status", [&](std::string_view member) { found = found || has_error(member, error); });
  return found;
}

// Whether the upstream ended the call, or let it stand still, while it was owed something that the client withheld; or
// closed an idle connection at the moment in which a request came, and clients choose their moments.
bool gave_up_on_client(const Exchange& x, std::optional<FailureKind> kind) noexcept {
  if (x.stale_connection && kind == FailureKind::reset) return true;
  if (x.answered_stall && x.upstream_status == 408) return true;
  return x.client_withheld &&
         (kind == FailureKind::timeout || kind == FailureKind::reset || kind == FailureKind::incomplete);
}

// Whether the upstream has answered for itself that the client's own, short deadline is over, which was passed on to
// it. It may say so at once, where it needs more than is left: that is believed where it was given less than half of
// what it may take.
bool kept_deadline(const Call& call, const Exchange& x) noexcept {
  const Time until = call.gone_by != kNever ? call.gone_by : call.total_at;
  if (!call.deadline_asked || !call.short_deadline || x.upstream_status != 504 || until == kNever) return false;
  const auto given = until - call.permitted;
  if (given < std::min(call.timeouts->total, call.timeouts->response) / 2) return true;
  return until - x.response_head <= given / 4;
}

// Whether an error says something of the request that the client has chosen, and nothing of the upstream: it passes
// through a proxy a second time, or a later proxy does not understand it; it asks for an answer of a cache alone; it
// has a method that the upstream does not know (RFC 9110 §15.6.2).
bool chosen_by_client(const Call& call, const Exchange& x) noexcept {
  if (x.upstream_status < 500 || x.response == nullptr) return false;
  const Request& request = *call.context->request;
  if (x.upstream_status == 501 && !request.is_get_or_head()) return true;
  if (x.upstream_status == 504 && cache::request_directives(request.fields).only_if_cached) return true;
  const Fields& fields = x.response->fields;
  return has_proxy_error(fields, "proxy_loop_detected") || has_proxy_error(fields, "http_request_error");
}

bool lists(const config::Conditions& conditions, std::optional<FailureKind> kind) noexcept {
  if (!kind) return false;
  switch (*kind) {
    case FailureKind::connect_error:
      return conditions.connect_error;
    case FailureKind::timeout:
      return conditions.timeout;
    case FailureKind::reset:
      return conditions.reset;
    case FailureKind::protocol_error:
      return conditions.protocol_error;
    case FailureKind::incomplete:
      return conditions.incomplete;
    default:
      return false;
  }
}

// The verdict on what the response's head says, the body's fate aside.
std::optional<Judgement> by_head(const CompiledClassify& classify, const Call& call, const Exchange& x) noexcept {
  const config::Classify& rules = classify.rules();
  if (chosen_by_client(call, x)) return kByClient;
  if (x.response != nullptr && says_destination_unavailable(x.response->fields)) {
    if (rules.cascade == config::Cascade::neutral) return Judgement{};
    return Judgement{Verdict::failure, FailureKind::status};
  }
  if (rules.failure.has_status(x.upstream_status)) return Judgement{Verdict::failure, FailureKind::status};
  if (x.response != nullptr && classify.matches(x.response->fields))
    return Judgement{Verdict::failure, FailureKind::other};
  return std::nullopt;
}

// Whether one of them is in the text; those for which no more steps are left are passed over.
bool is_one_in(std::string_view text, const std::vector<config::CompiledPattern>& patterns,
               std::size_t& left) noexcept {
  for (const config::CompiledPattern& pattern : patterns) {
    const std::size_t steps = pattern.steps(text);
    if (steps > left) continue;
    left -= steps;
    if (pattern.is_in(text)) return true;
  }
  return false;
}

}  // namespace

CompiledClassify::CompiledClassify(const config::Classify& rules) : rules_(rules) {
  for (const config::ResponseFieldMatch& match : rules.response_headers)
    patterns_of(match.name).emplace_back(match.matches);
}

std::vector<config::CompiledPattern>& CompiledClassify::patterns_of(const std::string& name) {
  for (Search& search : searches_)
    if (iequals(search.name, name)) return search.patterns;
  return searches_.emplace_back(Search{name, {}}).patterns;
}

bool CompiledClassify::matches(const Fields& fields) const noexcept {
  std::size_t left = config::CompiledPattern::kMaxSteps;
  for (const Field& field : fields)
    for (const Search& search : searches_)
      if (iequals(field.name, search.name) && is_one_in(field.value, search.patterns, left)) return true;
  return false;
}

bool says_destination_unavailable(const Fields& fields) noexcept {
  return has_proxy_error(fields, "destination_unavailable");
}

Judgement classify(const CompiledClassify& classify, const Call& call, const Exchange& x, Outcome outcome) noexcept {
  const config::Classify& rules = classify.rules();
  const std::optional<FailureKind> kind = row(outcome).failure;
  if (outcome == Outcome::local || outcome == Outcome::overload) return {Verdict::none, FailureKind::other};
  const bool answered = outcome == Outcome::complete || outcome == Outcome::abandoned;
  if (!kind && !answered) return Judgement{.by_client = row(outcome).fault == FaultOf::client};
  // A client whose own deadline was shorter than ours has not found the upstream at fault: else any client could open
  // it. Nor has it failed in what little time another upstream has left it.
  // Nor has an endpoint, in what an earlier attempt has left it.
  const bool late = outcome == Outcome::total_timeout;
  if (late && (call.short_deadline || (x.begun != kNever && has_little_time(call, x.begun)))) return kByClient;
  // Nor has a client that keeps its upstream waiting.
  if (gave_up_on_client(x, kind) || kept_deadline(call, x)) return kByClient;
  const bool has_head = answered || x.upstream_status != 0;
  if (lists(rules.ignore, kind)) return {};
  if (has_head && rules.ignore.has_status(x.upstream_status)) return kByClient;  // which has chosen what it asks for
  if (lists(rules.failure, kind)) return {Verdict::failure, *kind};
  if (has_head)
    if (const auto judged = by_head(classify, call, x)) return x.answered_stall ? kByClient : *judged;
  // A call that broke is no success, even where it is not listed as a failure.
  return {kind ? Verdict::neutral : Verdict::success, FailureKind::other};
}

}  // namespace fusewire
