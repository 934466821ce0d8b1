// SPDX-License-Identifier: Apache-2.0
// Traces: what goes upstream, and what a collector gets.
#include <boost/json.hpp>
#include <sstream>

#include "tests/support/eventually.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;
namespace json = boost::json;

namespace {

constexpr const char* kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = std::string("traceparent: 00-") + kTrace + "-00f067aa0ba902b7-01\r\n";

std::vector<std::string> settings(const ScriptedUpstream& collector, const std::string& ratio) {
  return {"tracing.otlp_endpoint=http://127.0.0.1:" + std::to_string(collector.port()),
          "tracing.sample_ratio=" + ratio};
}

// Of all that a collector has been sent.
json::array spans_at(const ScriptedUpstream& collector) {
  json::array spans;
  for (const Request& post : collector.requests()) {
    if (post.body.empty()) continue;
    const json::value all = json::parse(post.body);
    for (const json::value& span : all.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array())
      spans.push_back(span);
  }
  return spans;
}

std::string spans_counted(const TestProxy& proxy, const std::string& result) {
  return std::to_string(static_cast<int>(proxy.metric("fusewire_trace_spans_total{result=\"" + result + "\"}")));
}

Response scrape(const TestProxy& proxy, const std::string& fields) {
  Connection scraper = Connection::to(proxy.admin_port());
  scraper.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
  return read_response(scraper);
}

// Those of a histogram, each with what stands behind the "# ".
std::vector<std::string> exemplars_in(const std::string& text, const std::string& histogram) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(histogram + "_bucket{") && line.find(" # ") != std::string::npos)
      found.push_back(line.substr(line.find(" # ") + 3));
  return found;
}

}  // namespace

TEST_CASE("while tracing is off a client's trace passes unchanged") {
  const Rig rig;
  rig.proxy.get("/", kParent + "tracestate: a=1\r\nb3: 0\r\n");
  const Request sent = rig.upstream.requests().at(0);
  CHECK(sent.field("traceparent") == std::string("00-") + kTrace + "-00f067aa0ba902b7-01");
  CHECK(sent.field("tracestate") == "a=1");
  CHECK(sent.field("b3") == "0");
}

TEST_CASE("a collector gets the request's span below the client's, and the attempt's, which is the upstream's parent") {
  ScriptedUpstream collector(scripts::reply(response(200, "{}")));
  Rig rig(scripts::ok(), {}, {}, settings(collector, "0"));
  rig.proxy.get("/a?q=1", kParent + "tracestate: a=1\r\n");
  CHECK(eventually([&] { return spans_at(collector).size() == 2; }));
  const Request post = collector.requests().at(0);
  CHECK(post.start_line == "POST /v1/traces HTTP/1.1");
  CHECK(post.field("Content-Type") == "application/json");
  const json::array spans = spans_at(collector);
  const std::string attempt(spans[1].at("spanId").as_string());
  CHECK(spans[0].at("traceId").as_string() == kTrace);
  CHECK(spans[0].at("parentSpanId").as_string() == "00f067aa0ba902b7");
  CHECK(spans[0].at("traceState").as_string() == "a=1");
  CHECK(spans[1].at("parentSpanId").as_string() == spans[0].at("spanId").as_string());
  CHECK(post.body.find("q=1") == std::string::npos);
  const Request sent = rig.upstream.requests().at(0);
  CHECK(sent.field("traceparent") == std::string("00-") + kTrace + "-" + attempt + "-01");
  CHECK(sent.field("tracestate") == "a=1");
  CHECK(eventually([&] { return spans_counted(rig.proxy, "exported") == "2"; }));
  CHECK(spans_counted(rig.proxy, "dropped") == "0");
}

TEST_CASE("a trace that is not sampled is begun and passed on, and nothing is exported") {
  ScriptedUpstream collector(scripts::reply(response(200, "{}")));
  Rig rig(scripts::ok(), {}, {}, settings(collector, "0"));
  rig.proxy.get("/");
  rig.proxy.get("/", "traceparent: nonsense\r\ntracestate: a=1\r\n");
  for (const Request& sent : rig.upstream.requests()) {
    CHECK(sent.field("traceparent").size() == 55);
    CHECK(sent.field("traceparent").ends_with("-00"));
    CHECK_FALSE(sent.has("tracestate"));
  }
  CHECK(collector.request_count() == 0);
}

TEST_CASE("each attempt has a span, and decisions are events") {
  ScriptedUpstream collector(scripts::reply(response(200, "{}")));
  Rig rig(scripts::in_turn({scripts::reset(), scripts::ok()}), {}, {}, settings(collector, "1"));
  rig.proxy.get("/");
  CHECK(eventually([&] { return spans_at(collector).size() == 3; }));
  const json::array spans = spans_at(collector);
  CHECK(spans[0].at("events").at(0).at("name").as_string() == "fusewire.retry.made");
  CHECK(spans[1].at("status").at("code") == 2);
  CHECK(spans[1].at("spanId") != spans[2].at("spanId"));
}

TEST_CASE("what a collector refuses for good is dropped and counted, and costs no request anything") {
  ScriptedUpstream collector(scripts::status(400));
  Rig rig(scripts::ok(), {}, {}, settings(collector, "1"));
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(eventually([&] { return spans_counted(rig.proxy, "dropped") == "2"; }));
  CHECK(collector.request_count() == 1);
}

TEST_CASE("a collector that is not ready is asked again") {
  ScriptedUpstream collector(scripts::in_turn({scripts::status(503), scripts::reply(response(200, "{}"))}));
  Rig rig(scripts::ok(), {}, {}, settings(collector, "1"));
  rig.proxy.get("/");
  CHECK(eventually([&] { return spans_counted(rig.proxy, "exported") == "2"; }));
  CHECK(collector.request_count() == 2);
}

TEST_CASE("what is left at the end of the process is sent") {
  ScriptedUpstream collector(scripts::reply(response(200, "{}")));
  {
    Rig rig(scripts::ok(), {}, {}, settings(collector, "1"));
    rig.proxy.get("/");
  }
  CHECK(spans_at(collector).size() == 2);
}

TEST_CASE("b3 is accepted") {
  ScriptedUpstream collector(scripts::reply(response(200, "{}")));
  Rig rig(scripts::ok(), {}, {}, settings(collector, "0"));
  rig.proxy.get("/", std::string("b3: ") + kTrace + "-00f067aa0ba902b7-1\r\n");
  CHECK(eventually([&] { return spans_at(collector).size() == 2; }));
  const Request sent = rig.upstream.requests().at(0);
  CHECK(sent.field("b3").starts_with(kTrace));
  CHECK(sent.field("traceparent").starts_with(std::string("00-") + kTrace));
}

TEST_CASE("a scraper of OpenMetrics finds the traces of sampled requests at their latencies") {
  const std::string open_metrics = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
  ScriptedUpstream collector(scripts::reply(response(200, "{}")));
  Rig rig(scripts::ok(), {}, {}, settings(collector, "0"));
  rig.proxy.get("/");  // not sampled
  CHECK(exemplars_in(scrape(rig.proxy, open_metrics).body, "fusewire_request_duration_seconds").empty());
  rig.proxy.get("/", kParent);
  std::string text;
  CHECK(eventually([&] {  // a text is shared for a second
    text = scrape(rig.proxy, open_metrics).body;
    return !exemplars_in(text, "fusewire_request_duration_seconds").empty();
  }));
  CHECK(eventually([&] { return spans_at(collector).size() == 2; }));
  const std::string span(spans_at(collector)[0].at("spanId").as_string());
  const std::string labels = std::string("{trace_id=\"") + kTrace + "\",span_id=\"" + span + "\"} ";
  for (const char* histogram : {"fusewire_request_duration_seconds", "circuit_breaker_latency_seconds"}) {
    const auto exemplars = exemplars_in(text, histogram);
    REQUIRE(exemplars.size() == 1);
    CHECK_MESSAGE(exemplars[0].starts_with(labels), exemplars[0]);
    std::istringstream figures(exemplars[0].substr(labels.size()));
    double taken = 0, at = 0;
    figures >> taken >> at;
    CHECK(taken > 0);
    CHECK(taken < 10);
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    CHECK(at <= now.count() + 1);
    CHECK(at > now.count() - 60);
  }
}

TEST_CASE("within a second two scrapers get the two forms of the metrics, each with its Content-Type") {
  const Rig rig;
  for (int i = 0; i < 2; ++i) {
    const Response text = scrape(rig.proxy, "");
    CHECK(text.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(text.body.find("# EOF") == std::string::npos);
    const Response open = scrape(rig.proxy, "Accept: application/openmetrics-text; version=0.0.1\r\n");
    CHECK(open.field("Content-Type") == "application/openmetrics-text; version=0.0.1; charset=utf-8");
    CHECK(open.body.ends_with("# EOF\n"));
  }
}
