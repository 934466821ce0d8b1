// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/own_answer.hpp"

#include <array>

#include "filters/breaker/core/types.hpp"
#include "proxy/text/json_text.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;
using namespace std::string_view_literals;  // their lengths are known, whatever the compiler inlines

// Where the table's "…" leaves room, the outcome says more exactly what failed.
string_view proxy_status_error(Problem problem, Outcome outcome) {
  const string_view exact = row(outcome).proxy_status;
  return exact.empty() ? row(problem).proxy_status : exact;
}

// What is the same in all answers about one problem. Rejections are many: their text is put together from few pieces.
struct Fixed {
  std::string opening;  // of the body, as far as the detail
  std::string error;    // what follows the detail
};

const Fixed& fixed(Problem problem) {
  static const auto kFixed = [] {
    std::array<Fixed, kProblems.size()> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const ProblemRow& r = kProblems[i];
      all[i].opening.append(R"({"type":"urn:fusewire:error:)").append(r.name).append(R"(","title":")").append(r.name);
      all[i].opening.append(R"(","status":)").append(std::to_string(r.status)).append(R"(,"detail":)");
      all[i].error.append(R"(,"error":")").append(r.name).append("\"");
    }
    return all;
  }();
  return kFixed.at(static_cast<std::size_t>(problem));
}

void append_fields(std::string& out, const Reply& reply, Outcome outcome) {
  out.append("Content-Type: application/problem+json\r\n"sv);
  const string_view error =
      reply.proxy_status.empty() ? proxy_status_error(reply.problem, outcome) : reply.proxy_status;
  if (!error.empty()) out.append("Proxy-Status: fusewire; error="sv).append(error).append("\r\n"sv);
  if (reply.retry_after)
    out.append("Retry-After: "sv)
        .append(std::to_string(breaker::retry_after_seconds(*reply.retry_after)))
        .append("\r\n"sv);
  if (reply.problem == Problem::method_not_allowed)
    out.append("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"sv);
}

void append_body(std::string& out, const Reply& reply, string_view upstream, string_view request_id) {
  out.append(fixed(reply.problem).opening);
  append_json(out, reply.detail);
  out.append(fixed(reply.problem).error);
  if (!upstream.empty()) {
    out.append(R"(,"upstream":)"sv);
    append_json(out, upstream);
  }
  if (!reply.state.empty()) out.append(R"(,"state":")"sv).append(reply.state).append("\""sv);
  if (reply.retry_after) out.append(R"(,"retry_after_ms":)"sv).append(std::to_string(reply.retry_after->count()));
  out.append(R"(,"request_id":)"sv);
  append_json(out, request_id);
  out.append("}\n"sv);
}

}  // namespace

Reply problem_reply(Problem problem, std::string detail) {
  Reply reply;
  reply.origin = Reply::Origin::problem;
  reply.problem = problem;
  reply.status = row(problem).status;
  reply.detail = std::move(detail);
  return reply;
}

Reply failure_reply(Outcome outcome, string_view upstream, const TlsFault& tls) {
  const OutcomeRow& what = row(outcome);
  std::string detail(what.detail);
  detail.replace(detail.find("{}"), 2, std::string("upstream '").append(upstream).append("'"));
  const bool by_tls = outcome == Outcome::tls_error || (outcome == Outcome::reset && !tls.error.empty());
  if (by_tls && !tls.reason.empty()) detail.append(": ").append(tls.reason);
  Reply reply = problem_reply(what.problem, std::move(detail));
  if (by_tls) reply.proxy_status = tls.error;
  return reply;
}

Reply failure_reply(const Call& call) {
  const Exchange& x = *call.exchange;
  Reply reply = failure_reply(x.outcome, call.upstream->name, x.tls_fault);
  if (x.injected.any()) reply.detail.append(" (a fault was injected)");
  if (x.outcome == Outcome::protocol_error && !x.malformed.empty()) reply.detail.append(": ").append(x.malformed);
  return reply;
}

OwnAnswer render(const Reply& reply, Outcome outcome, string_view upstream, string_view request_id, std::string& room) {
  room.clear();
  append_fields(room, reply, outcome);
  const std::size_t fields = room.size();
  append_body(room, reply, upstream, request_id);
  const string_view all = room;
  return {.fields = all.substr(0, fields), .body = all.substr(fields)};
}

}  // namespace fusewire::proxy
