// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/own_answer.hpp"

#include <array>

#include "filters/breaker/core/types.hpp"
#include "proxy/text/json_text.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;

struct Row {
  string_view name;
  int status;
  string_view proxy_status_error;  // RFC 9209 §2.3; empty: no Proxy-Status
};

constexpr Row row(Problem problem) {
  switch (problem) {
    case Problem::circuit_breaker_open:
      return {"CircuitBreakerOpen", 503, "destination_unavailable"};
    case Problem::concurrency_limit:
      return {"ConcurrencyLimit", 503, "connection_limit_reached"};
    case Problem::connect_failed:
      return {"ConnectFailed", 502, "connection_refused"};
    case Problem::connect_timeout:
      return {"ConnectTimeout", 504, "connection_timeout"};
    case Problem::response_timeout:
      return {"ResponseTimeout", 504, "http_response_timeout"};
    case Problem::total_timeout:
      return {"TotalTimeout", 504, "http_response_timeout"};
    case Problem::upstream_reset:
      return {"UpstreamReset", 502, "connection_terminated"};
    case Problem::upstream_protocol_error:
      return {"UpstreamProtocolError", 502, "http_protocol_error"};
    case Problem::loop_detected:
      return {"LoopDetected", 502, "proxy_loop_detected"};
    case Problem::not_cached:
      return {"NotCached", 504, ""};
    case Problem::no_route:
      return {"NoRoute", 404, "destination_not_found"};
    case Problem::bad_request:
      return {"BadRequest", 400, "http_request_error"};
    case Problem::method_not_allowed:
      return {"MethodNotAllowed", 405, "http_request_error"};
    case Problem::uri_too_long:
      return {"UriTooLong", 414, "http_request_error"};
    case Problem::headers_too_large:
      return {"HeadersTooLarge", 431, "http_request_error"};
    case Problem::body_too_large:
      return {"BodyTooLarge", 413, "http_request_error"};
    case Problem::request_timeout:
      return {"RequestTimeout", 408, "http_request_error"};
    case Problem::not_implemented:
      return {"NotImplemented", 501, "http_request_error"};
    case Problem::version_not_supported:
      return {"VersionNotSupported", 505, "http_request_error"};
    case Problem::none:
      break;
  }
  return {"BadRequest", 400, "http_request_error"};
}

// Where the table's "…" leaves room, the outcome says more exactly what failed.
string_view proxy_status_error(Problem problem, Outcome outcome) {
  switch (outcome) {
    case Outcome::connect_unreachable:
      return "destination_ip_unroutable";
    case Outcome::dns_error:
      return "dns_error";
    case Outcome::dns_timeout:
      return "dns_timeout";
    case Outcome::tls_error:
      return "tls_protocol_error";
    case Outcome::local_lack:
      return "proxy_internal_error";
    default:
      return row(problem).proxy_status_error;
  }
}

// What is the same in all answers about one problem. Rejections are many: their text is put together from few pieces.
struct Fixed {
  std::string opening;  // of the body, as far as the detail
  std::string error;    // what follows the detail
};

const Fixed& fixed(Problem problem) {
  static const auto kFixed = [] {
    std::array<Fixed, kProblems> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Row r = row(static_cast<Problem>(i));
      all[i].opening.append(R"({"type":"urn:fusewire:error:)").append(r.name).append(R"(","title":")").append(r.name);
      all[i].opening.append(R"(","status":)").append(std::to_string(r.status)).append(R"(,"detail":)");
      all[i].error.append(R"(,"error":")").append(r.name).append("\"");
    }
    return all;
  }();
  return kFixed.at(static_cast<std::size_t>(problem));
}

void append_fields(std::string& out, const Reply& reply, Outcome outcome) {
  out.append("Content-Type: application/problem+json\r\n");
  const string_view error =
      reply.proxy_status.empty() ? proxy_status_error(reply.problem, outcome) : reply.proxy_status;
  if (!error.empty()) out.append("Proxy-Status: fusewire; error=").append(error).append("\r\n");
  if (reply.retry_after)
    out.append("Retry-After: ").append(std::to_string(breaker::retry_after_seconds(*reply.retry_after))).append("\r\n");
  if (reply.problem == Problem::method_not_allowed)
    out.append("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
}

void append_body(std::string& out, const Reply& reply, string_view upstream, string_view request_id) {
  out.append(fixed(reply.problem).opening);
  append_json(out, reply.detail);
  out.append(fixed(reply.problem).error);
  if (!upstream.empty()) {
    out.append(R"(,"upstream":)");
    append_json(out, upstream);
  }
  if (!reply.state.empty()) out.append(R"(,"state":")").append(reply.state).append("\"");
  if (reply.retry_after) out.append(R"(,"retry_after_ms":)").append(std::to_string(reply.retry_after->count()));
  out.append(R"(,"request_id":)");
  append_json(out, request_id);
  out.append("}\n");
}

}  // namespace

string_view problem_name(Problem problem) { return row(problem).name; }
int problem_status(Problem problem) { return row(problem).status; }

Reply problem_reply(Problem problem, std::string detail) {
  Reply reply;
  reply.origin = Reply::Origin::problem;
  reply.problem = problem;
  reply.status = problem_status(problem);
  reply.detail = std::move(detail);
  return reply;
}

namespace {

Reply tls_reply(string_view upstream, const TlsFault& fault) {
  std::string detail = std::string("upstream '").append(upstream).append("' failed the TLS handshake");
  if (!fault.reason.empty()) detail.append(": ").append(fault.reason);
  Reply reply = problem_reply(Problem::connect_failed, std::move(detail));
  reply.proxy_status = fault.error;
  return reply;
}

}  // namespace

Reply failure_reply(Outcome outcome, string_view upstream, const TlsFault& tls) {
  const std::string quoted = std::string("upstream '").append(upstream).append("'");
  const auto say = [&](Problem problem, string_view what) {
    return problem_reply(problem, std::string(quoted).append(" ").append(what));
  };
  switch (outcome) {
    case Outcome::connect_refused:
      return say(Problem::connect_failed, "refused the connection");
    case Outcome::connect_unreachable:
      return say(Problem::connect_failed, "is unreachable");
    case Outcome::dns_error:
      return problem_reply(Problem::connect_failed, "cannot resolve the name of " + quoted);
    case Outcome::tls_error:
      return tls_reply(upstream, tls);
    case Outcome::local_lack:
      return say(Problem::connect_failed, "was not tried: this proxy is out of sockets");
    case Outcome::connect_timeout:
      return say(Problem::connect_timeout, "did not accept the connection in time");
    case Outcome::dns_timeout:
      return problem_reply(Problem::connect_timeout, "cannot resolve the name of " + quoted + " in time");
    case Outcome::idle_timeout:
    case Outcome::response_timeout:
      return say(Problem::response_timeout, "did not answer in time");
    case Outcome::total_timeout:
      return say(Problem::total_timeout, "did not answer before the request's deadline");
    case Outcome::overload:
      return say(Problem::concurrency_limit, "has all its connections in use");
    case Outcome::protocol_error:
      return say(Problem::upstream_protocol_error, "sent a malformed response");
    default:
      return say(Problem::upstream_reset, "closed the connection before a whole response");
  }
}

Reply too_many_requests_reply(string_view upstream) {
  std::string detail =
      std::string("upstream '").append(upstream).append("' has as many requests as it may have at once");
  return problem_reply(Problem::concurrency_limit, std::move(detail));
}

Reply failure_reply(const Exchange& x) {
  Reply reply = failure_reply(x.outcome, x.upstream->name, x.tls_fault);
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
