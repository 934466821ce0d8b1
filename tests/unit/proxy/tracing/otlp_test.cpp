// SPDX-License-Identifier: Apache-2.0
#include "proxy/tracing/otlp.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/proxy/observe/records.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;
namespace json = boost::json;

namespace {

Recorded traced(int status) {
  Recorded request = recorded("id-1", status);
  request.facts.traced = true;
  const std::string_view id = "4bf92f3577b34da6a3ce929d0e0e4736";
  std::copy(id.begin(), id.end(), request.trace.trace_id.begin());
  request.trace.span = 0x11;
  request.trace.parent = 0x22;
  request.trace.sampled = true;
  return request;
}

RecordedAttempt attempt(int status, Outcome outcome, std::uint64_t span) {
  RecordedAttempt made;
  made.facts.status = static_cast<std::uint16_t>(status);
  made.facts.outcome = outcome;
  made.facts.span = span;
  made.facts.begun = at_us(1000);
  made.facts.ended = at_us(3000);
  made.endpoint = "http://orders.test:81";
  made.address = "10.0.0.1:81";
  return made;
}

json::array spans_of(const std::vector<Recorded>& requests, const std::string& tracestate = {}) {
  std::vector<SpanQueue::Item> items;
  for (const Recorded& each : requests)
    items.push_back({.record = packed_alone(each), .tracestate = tracestate, .spans = 1});
  const json::value all = json::parse(tracing::otlp_json(items, "shop"));
  const json::value& resource = all.at("resourceSpans").at(0);
  CHECK(json::serialize(resource.at("resource")) ==
        R"({"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]})");
  CHECK(resource.at("scopeSpans").at(0).at("scope").at("name").as_string() == "fusewire");
  return resource.at("scopeSpans").at(0).at("spans").as_array();
}

json::array spans_of(const Recorded& request, const std::string& tracestate = {}) {
  return spans_of(std::vector{request}, tracestate);
}

std::string attribute(const json::value& span, std::string_view key) {
  for (const json::value& each : span.at("attributes").as_array())
    if (each.at("key").as_string() == key) return json::serialize(each.at("value").as_object().begin()->value());
  return "(absent)";
}

}  // namespace

TEST_CASE("a request is a SERVER span below its client's, and each attempt a CLIENT span below that") {
  Recorded request = traced(200);
  RecordedCall call;
  call.attempts = {attempt(0, Outcome::reset, 0x33), attempt(200, Outcome::complete, 0x44)};
  request.calls = {call};
  const json::array spans = spans_of(request, "a=1");
  REQUIRE(spans.size() == 3);
  CHECK(spans[0].at("kind") == 2);
  CHECK(spans[0].at("traceId").as_string() == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(spans[0].at("spanId").as_string() == "0000000000000011");
  CHECK(spans[0].at("parentSpanId").as_string() == "0000000000000022");
  CHECK(spans[0].at("traceState").as_string() == "a=1");
  CHECK(spans[0].at("name").as_string() == "GET");
  CHECK(spans[0].at("startTimeUnixNano").as_string() == std::to_string(kWallNs));
  CHECK(spans[0].at("endTimeUnixNano").as_string() == std::to_string(kWallNs + 31'000'000));
  CHECK_FALSE(spans[0].as_object().contains("status"));
  CHECK(attribute(spans[0], "http.request.method") == "\"GET\"");
  CHECK(attribute(spans[0], "http.response.status_code") == "\"200\"");
  CHECK(attribute(spans[0], "url.path") == "\"/a\"");
  CHECK(attribute(spans[0], "server.address") == "\"shop.test\"");
  CHECK(attribute(spans[0], "server.port") == "\"8080\"");
  CHECK(attribute(spans[0], "error.type") == "(absent)");
  CHECK(spans[1].at("kind") == 3);
  CHECK(spans[1].at("spanId").as_string() == "0000000000000033");
  CHECK(spans[1].at("parentSpanId").as_string() == "0000000000000011");
  CHECK(spans[1].at("status").at("code") == 2);
  CHECK(attribute(spans[1], "error.type") == "\"reset\"");
  CHECK(attribute(spans[1], "server.address") == "\"orders.test\"");
  CHECK(attribute(spans[1], "server.port") == "\"81\"");
  CHECK(attribute(spans[1], "network.peer.address") == "\"10.0.0.1\"");
  CHECK(attribute(spans[1], "url.full") == "\"http://orders.test:81/a\"");
  CHECK(attribute(spans[2], "http.request.resend_count") == "\"1\"");
  CHECK(attribute(spans[2], "error.type") == "(absent)");
}

TEST_CASE("a filter's decision is an event") {
  Recorded request = traced(503);
  request.facts.error = Problem::circuit_breaker_open;
  request.calls = {
      {.facts = {},
       .upstream = "orders",
       .notes = {{.what = Decision::breaker_rejected, .detail = 0, .number = 1, .value = 250, .at = at_us(5)}}}};
  const json::array spans = spans_of(request);
  REQUIRE(spans.size() == 1);
  CHECK(attribute(spans[0], "error.type") == "\"CircuitBreakerOpen\"");
  CHECK(spans[0].at("status").at("code") == 2);
  const json::value& event = spans[0].at("events").at(0);
  CHECK(event.at("name").as_string() == "fusewire.breaker.rejected");
  CHECK(event.at("timeUnixNano").as_string() == std::to_string(kWallNs + 5000));
  CHECK(attribute(event, "fusewire.reason") == "\"open\"");
  CHECK(attribute(event, "fusewire.trip") == "\"consecutive_failures\"");
  CHECK(attribute(event, "fusewire.retry_after_ms") == "\"250\"");
}

TEST_CASE("a batch has the spans of each request, one after the other") {
  Recorded first = traced(503);
  RecordedCall call;
  call.notes = {{.what = Decision::breaker_rejected, .detail = 0, .number = 1, .value = 250, .at = at_us(5)},
                {.what = Decision::cache_has_none, .detail = 0, .number = 0, .value = kNoValue, .at = at_us(6)}};
  first.calls = {call};
  Recorded second = traced(200);
  second.trace.span = 0x55;
  RecordedCall answered;
  answered.attempts = {attempt(200, Outcome::complete, 0x66)};
  second.calls = {answered};
  const json::array spans = spans_of({first, second, traced(404)});
  REQUIRE(spans.size() == 4);
  CHECK(spans[0].at("events").as_array().size() == 2);
  CHECK(spans[1].at("spanId").as_string() == "0000000000000055");
  CHECK(spans[1].at("events").as_array().empty());
  CHECK(spans[2].at("spanId").as_string() == "0000000000000066");
  CHECK(attribute(spans[3], "http.response.status_code") == "\"404\"");
}

TEST_CASE("a method of somebody's own does not become the name of a span") {
  Recorded request = traced(200);
  request.texts[RequestFacts::method] = "BREW";
  const json::array spans = spans_of(request);
  CHECK(spans[0].at("name").as_string() == "HTTP");
  CHECK(attribute(spans[0], "http.request.method") == "\"_OTHER\"");
  CHECK(attribute(spans[0], "http.request.method_original") == "\"BREW\"");
}

TEST_CASE("bytes that are no UTF-8 do not spoil a batch") {
  Recorded request = traced(200);
  request.texts[RequestFacts::path] = "/\xff";
  CHECK(attribute(spans_of(request)[0], "url.path") == "\"/\xEF\xBF\xBD\"");
}

TEST_CASE("the queue is bounded, and counts what it drops") {
  SpanQueue queue;
  int wakes = 0;
  queue.on_many([&wakes] { ++wakes; });
  for (std::size_t i = 0; i < SpanQueue::kMaxRequests + 3; ++i)
    queue.push({.record = {}, .tracestate = {}, .spans = 2});
  CHECK(queue.size() == SpanQueue::kMaxRequests);
  CHECK(queue.dropped() == 6);
  CHECK(wakes == 1);
  CHECK(queue.take(SpanQueue::kWakeAt).size() == SpanQueue::kWakeAt);
  CHECK(queue.size() == SpanQueue::kMaxRequests - SpanQueue::kWakeAt);
}
