// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/explain_step.hpp"
#include "proxy/admin/explain_view.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/observe/journal_find.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxFound = 20;  // requests with one id

std::string time_of(std::int64_t ns) {
  const auto since = std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(ns));
  return time_text(std::chrono::system_clock::time_point(since));
}
json::value time_or_null(std::int64_t ns) { return ns == 0 ? json::value(nullptr) : json::value(time_of(ns)); }

// How far back this process can look.
std::string kept_words(const Journal::Kept& kept) {
  if (kept.requests == 0) return "there has been none yet";
  std::string text = std::to_string(kept.requests) + " are kept, since " + time_of(kept.oldest_ns);
  if (kept.bad > 0)
    text += ", and of those that did not end well " + std::to_string(kept.bad) + " older ones, since " +
            time_of(kept.oldest_bad_ns);
  return text + "; another instance may have served it";
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
  const Journal::Found found = call.control.journal().find(call.name, kMaxFound);
  json::array views;
  for (const JournalEntry& entry : found.entries) views.push_back(explain_view(entry));
  if (!views.empty())
    return json_reply({{"request_id", printable(call.name)}, {"found", found.total}, {"requests", std::move(views)}});
  const Journal::Kept kept = call.control.journal().kept();
  return problem(404, "UnknownRequest", "no request '" + printable(call.name) + "' is known here: " + kept_words(kept),
                 {{"kept", kept_view(kept)}});
}

}  // namespace fusewire::proxy::admin
