// SPDX-License-Identifier: Apache-2.0
// docs/reference.md, "What the proxy itself answers".
#include "proxy/request/own_answer.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

struct Rendered {
  std::string fields;
  std::string body;
};

Rendered rendered(const Reply& reply, Outcome outcome, std::string_view upstream, std::string_view request_id) {
  std::string room = "what was there";
  const OwnAnswer answer = render(reply, outcome, upstream, request_id, room);
  return {std::string(answer.fields), std::string(answer.body)};
}

boost::json::object body_of(const Rendered& answer) { return boost::json::parse(answer.body).as_object(); }

std::string field(const Rendered& answer, const std::string& name) {
  const auto at = ("\r\n" + answer.fields).find("\r\n" + name + ": ");
  if (at == std::string::npos) return "(absent)";
  const auto from = at + name.size() + 2;
  return answer.fields.substr(from, answer.fields.find("\r\n", from) - from);
}

}  // namespace

TEST_CASE("each problem has its name, status and Proxy-Status") {
  struct Row {
    Problem problem;
    const char* name;
    int status;
    const char* error;  // nullptr: no Proxy-Status
  };
  for (const Row& row : std::vector<Row>{
           {Problem::circuit_breaker_open, "CircuitBreakerOpen", 503, "destination_unavailable"},
           {Problem::concurrency_limit, "ConcurrencyLimit", 503, "connection_limit_reached"},
           {Problem::queue_timeout, "QueueTimeout", 503, "connection_limit_reached"},
           {Problem::rate_limited, "RateLimited", 429, nullptr},
           {Problem::connect_failed, "ConnectFailed", 502, "connection_refused"},
           {Problem::connect_timeout, "ConnectTimeout", 504, "connection_timeout"},
           {Problem::response_timeout, "ResponseTimeout", 504, "http_response_timeout"},
           {Problem::total_timeout, "TotalTimeout", 504, "http_response_timeout"},
           {Problem::upstream_reset, "UpstreamReset", 502, "connection_terminated"},
           {Problem::upstream_protocol_error, "UpstreamProtocolError", 502, "http_protocol_error"},
           {Problem::loop_detected, "LoopDetected", 502, "proxy_loop_detected"},
           {Problem::not_cached, "NotCached", 504, nullptr},
           {Problem::no_route, "NoRoute", 404, "destination_not_found"},
           {Problem::bad_request, "BadRequest", 400, "http_request_error"},
           {Problem::method_not_allowed, "MethodNotAllowed", 405, "http_request_error"},
           {Problem::uri_too_long, "UriTooLong", 414, "http_request_error"},
           {Problem::headers_too_large, "HeadersTooLarge", 431, "http_request_error"},
           {Problem::body_too_large, "BodyTooLarge", 413, "http_request_error"},
           {Problem::request_timeout, "RequestTimeout", 408, "http_request_error"},
           {Problem::not_implemented, "NotImplemented", 501, "http_request_error"},
           {Problem::version_not_supported, "VersionNotSupported", 505, "http_request_error"},
       }) {
    CAPTURE(row.name);
    const Reply reply = problem_reply(row.problem, "why");
    CHECK(reply.origin == Reply::Origin::problem);
    CHECK(reply.status == row.status);
    const Rendered answer = rendered(reply, Outcome::local, "", "id-1");
    CHECK(field(answer, "Content-Type") == "application/problem+json");
    CHECK(field(answer, "Proxy-Status") ==
          (row.error == nullptr ? "(absent)" : std::string("fusewire; error=") + row.error));
    CHECK(field(answer, "Retry-After") == "(absent)");
    CHECK((field(answer, "Allow") != "(absent)") == (row.status == 405));
    CHECK(body_of(answer) == boost::json::object{{"type", std::string("urn:fusewire:error:") + row.name},
                                                 {"title", row.name},
                                                 {"status", row.status},
                                                 {"detail", "why"},
                                                 {"error", row.name},
                                                 {"request_id", "id-1"}});
  }
}

TEST_CASE("an open breaker's answer says when to come again, rounded up") {
  Reply reply = problem_reply(Problem::circuit_breaker_open, "open");
  reply.state = "open";
  reply.retry_after = 12400ms;
  const Rendered answer = rendered(reply, Outcome::local, "orders", "id-1");
  CHECK(field(answer, "Retry-After") == "13");
  const auto body = body_of(answer);
  CHECK(body.at("upstream") == "orders");
  CHECK(body.at("state") == "open");
  CHECK(body.at("retry_after_ms") == 12400);
  reply.retry_after = 0ms;
  CHECK(field(rendered(reply, Outcome::local, "orders", "id-1"), "Retry-After") == "1");
}

TEST_CASE("no text breaks out of the body") {
  const std::string nasty = "a\"b\\c\r\nd\x01\xff</script>";
  const auto body = body_of(rendered(problem_reply(Problem::bad_request, nasty), Outcome::local, nasty, nasty));
  const std::string detail(body.at("detail").as_string());
  CHECK(detail.substr(0, 9) == "a\"b\\c\r\nd\x01");
  CHECK(body.size() == 7);
}

TEST_CASE("the answer to a failed TLS handshake says why it failed") {
  const Reply reply = failure_reply(Outcome::tls_error, "orders",
                                    {.error = "tls_certificate_error", .reason = "certificate has expired"});
  CHECK(reply.detail == "upstream 'orders' failed the TLS handshake: certificate has expired");
  CHECK(rendered(reply, Outcome::tls_error, "orders", "id").fields.find("error=tls_certificate_error\r\n") !=
        std::string::npos);
}

TEST_CASE("the answer to a connection that TLS has ended after its handshake says how") {
  const Reply reply =
      failure_reply(Outcome::reset, "orders", {.error = "tls_alert_received", .reason = "certificate required"});
  CHECK(reply.problem == Problem::upstream_reset);
  CHECK(reply.detail.ends_with(": certificate required"));
  CHECK(rendered(reply, Outcome::reset, "orders", "id").fields.find("error=tls_alert_received\r\n") !=
        std::string::npos);
  CHECK(rendered(failure_reply(Outcome::reset, "orders"), Outcome::reset, "orders", "id")
            .fields.find("error=connection_terminated\r\n") != std::string::npos);
}

TEST_CASE("the answer to a malformed response says what was malformed") {
  config::Upstream orders;
  orders.name = "orders";
  Exchange x;
  Call call;
  call.exchange = &x;
  call.upstream = &orders;
  x.outcome = Outcome::protocol_error;
  x.malformed = "Content-Length is not one number";
  CHECK(failure_reply(call).detail == "upstream 'orders' sent a malformed response: Content-Length is not one number");
  CHECK(failure_reply(call).problem == Problem::upstream_protocol_error);
}

TEST_CASE("an exchange that failed is answered by what failed") {
  struct Row {
    Outcome outcome;
    const char* name;
    int status;
    const char* error;
  };
  for (const Row& row : std::vector<Row>{
           {Outcome::connect_refused, "ConnectFailed", 502, "connection_refused"},
           {Outcome::connect_unreachable, "ConnectFailed", 502, "destination_ip_unroutable"},
           {Outcome::connect_timeout, "ConnectTimeout", 504, "connection_timeout"},
           {Outcome::dns_timeout, "ConnectTimeout", 504, "dns_timeout"},
           {Outcome::dns_error, "ConnectFailed", 502, "dns_error"},
           {Outcome::tls_error, "ConnectFailed", 502, "tls_protocol_error"},
           {Outcome::resource_exhausted, "ConnectFailed", 502, "proxy_internal_error"},
           {Outcome::response_timeout, "ResponseTimeout", 504, "http_response_timeout"},
           {Outcome::idle_timeout, "ResponseTimeout", 504, "http_response_timeout"},
           {Outcome::total_timeout, "TotalTimeout", 504, "http_response_timeout"},
           {Outcome::overload, "ConcurrencyLimit", 503, "connection_limit_reached"},
           {Outcome::protocol_error, "UpstreamProtocolError", 502, "http_protocol_error"},
           {Outcome::reset, "UpstreamReset", 502, "connection_terminated"},
           {Outcome::incomplete, "UpstreamReset", 502, "connection_terminated"},
       }) {
    CAPTURE(row.name);
    const Reply reply = failure_reply(row.outcome, "orders");
    CHECK(reply.status == row.status);
    CHECK(reply.detail.find("upstream 'orders'") != std::string::npos);
    const Rendered answer = rendered(reply, row.outcome, "orders", "id-1");
    CHECK(body_of(answer).at("error") == row.name);
    CHECK(field(answer, "Proxy-Status") == std::string("fusewire; error=") + row.error);
  }
}
