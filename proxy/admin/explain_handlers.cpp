// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_step.hpp"
#include "proxy/admin/explain_view.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFound = 20;  // requests with one id

json::value time_or_null(std::int64_t ns) {
  if (ns == 0) return nullptr;
  const auto since = std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(ns));
  return json::value(time_text(std::chrono::system_clock::time_point(since)));
}

json::object kept_view(const Journal::Kept& kept) {
  return {{"requests", kept.requests},
          {"max_requests", Journal::kRequests},
          {"oldest", time_or_null(kept.oldest_ns)},
          {"bad_requests", kept.bad},
          {"max_bad_requests", Journal::kBad},
          {"oldest_bad", time_or_null(kept.oldest_bad_ns)}};
}

}  // namespace

Reply get_explain(const Call& call) {
  json::array found;
  for (const JournalEntry& entry : call.control.journal().find(call.name, kMaxFound))
    found.push_back(explain_view(entry));
  if (!found.empty()) return json_reply({{"request_id", printable(call.name)}, {"requests", std::move(found)}});
  return problem(
      404, "UnknownRequest",
      "no request '" + printable(call.name) +
          "' is known; kept are the last 10,000 and, from before these, the last 1,000 that did not end well",
      {{"kept", kept_view(call.control.journal().kept())}});
}

}  // namespace fusewire::proxy::admin
