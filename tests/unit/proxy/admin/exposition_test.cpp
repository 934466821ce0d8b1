// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/exposition.hpp"

#include <doctest/doctest.h>

#include "tests/unit/proxy/admin/calls.hpp"

using namespace fusewire::proxy;

namespace {

std::string given(const std::vector<std::string>& accept) {
  const Exposition chosen = preferred_exposition(accept);
  const bool open_metrics = chosen.content_type.starts_with("application/openmetrics-text; version=");
  CHECK((chosen.form == MetricsForm::open_metrics) == open_metrics);
  CHECK(chosen.content_type.ends_with("; charset=utf-8"));
  if (!open_metrics) return chosen.content_type.starts_with("text/plain; version=0.0.4;") ? "text" : "";
  return std::string(chosen.content_type.substr(38, 5));
}

}  // namespace

TEST_CASE("a scraper gets OpenMetrics where its Accept prefers it, in the version that it prefers") {
  const std::string prometheus =
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  CHECK(given({prometheus}) == "1.0.0");
  CHECK(given({"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"}) == "0.0.1");
  CHECK(given({"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
               "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"}) == "1.0.0");
  CHECK(given({"Application/OpenMetrics-Text ; Version=\"1.0.0\" ; charset=utf-8 , text/plain ; Q=0.999"}) == "1.0.0");
  CHECK(given({"application/openmetrics-text"}) == "1.0.0");
  CHECK(given({"text/plain;q=0.1", "application/openmetrics-text;version=0.0.1;q=0.2"}) == "0.0.1");
  CHECK(given({"application/*, text/plain;q=0.5"}) == "1.0.0");
  CHECK(given({"application/openmetrics-text, */*"}) == "1.0.0");  // named, and the text is not
  CHECK(given({"*/*, text/plain;q=0.3"}) == "1.0.0");              // the closest range decides
}

TEST_CASE("a scraper that does not prefer OpenMetrics gets Prometheus' text") {
  CHECK(given({}) == "text");
  CHECK(given({""}) == "text");
  CHECK(given({"*/*"}) == "text");
  CHECK(given({"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}) == "text");
  CHECK(given({"text/plain, application/openmetrics-text"}) == "text");
  CHECK(given({"text/plain;version=0.0.4, application/openmetrics-text;q=0.9"}) == "text");
  CHECK(given({"application/openmetrics-text;version=1.0.0;q=0.2, text/plain;q=0.3"}) == "text");
  CHECK(given({"application/json"}) == "text");
  CHECK(given({"*/*;q=0"}) == "text");
}

TEST_CASE("a version that there is not, or that is refused, is not given") {
  CHECK(given({"application/openmetrics-text;version=2.0.0, text/plain;q=0.1"}) == "text");
  CHECK(given({"application/openmetrics-text;version=2.0.0, application/openmetrics-text;version=1.0.0;q=0.5"}) ==
        "1.0.0");
  CHECK(given({"application/openmetrics-text;q=0, */*"}) == "text");
  CHECK(given({"application/openmetrics-text;version=1.0.0;q=0, application/openmetrics-text"}) == "0.0.1");
  CHECK(given({"text/plain;version=1.0.0;q=0.9, application/openmetrics-text;q=0.1"}) == "1.0.0");
}

TEST_CASE("a range of Accept that is malformed counts for nothing, and those beside it do") {
  for (const char* weight : {"2", "1.001", "0.5000", ".5", "-1", "0,5", "1.", "x", ""}) {
    const std::string range = std::string("application/openmetrics-text;q=") + weight + ", text/plain;q=0.1";
    if (std::string_view(weight) == "1.")  // §12.4.2 has a point without a digit
      CHECK(given({range}) == "1.0.0");
    else
      CHECK_MESSAGE(given({range}) == "text", range);
  }
  CHECK(given({"/, application/, ;, application/openmetrics-text;version"}) == "text");
  CHECK(given({"nonsense, application/openmetrics-text;q=0.9, \"text/plain"}) == "1.0.0");
  CHECK(given({"a/b;c=\"text/plain, \\\" ;q=1\", application/openmetrics-text;version=\"1.0.0"}) == "text");
  CHECK(given({"text/plain;q=0.5;x=\"\\"}) == "text");
}

TEST_CASE("the Content-Type of /metrics says which form it is, and that it depends on Accept") {
  admin::Admin admin;
  admin::Request request;
  request.method = "GET";
  request.target = "/metrics";
  const admin::Reply text = admin.ask(request);
  CHECK(text.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(text.content().find("# TYPE fusewire_requests_total counter\n") != std::string_view::npos);
  CHECK(text.content().find("# EOF") == std::string_view::npos);
  request.accepts = {"application/openmetrics-text;version=1.0.0"};
  const admin::Reply open = admin.ask(request, admin::Interface::probes);
  CHECK(open.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(open.content().find("# TYPE fusewire_requests counter\n") != std::string_view::npos);
  CHECK(open.content().ends_with("\n# EOF\n"));
  for (const admin::Reply& reply : {text, open}) {
    REQUIRE(reply.fields.size() == 1);
    CHECK(reply.fields.front() == std::pair<std::string, std::string>("Vary", "Accept"));
  }
}
