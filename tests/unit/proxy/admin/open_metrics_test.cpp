// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/metrics/open_metrics.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <sstream>

#include "proxy/admin/metrics/metrics.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;
using fusewire::testing::ControlRig;

namespace {

std::string number(double value) {
  std::string text;
  append_number(text, value);
  return text;
}
std::string bound(double value) {
  std::string text;
  append_bound(text, value);
  return text;
}

Exemplar exemplar(std::chrono::nanoseconds taken, WallTime at, char digit = 'a', std::uint64_t span = 0x1f) {
  Exemplar made{.trace_id = {}, .span = span, .taken = taken, .at = at};
  made.trace_id.fill(digit);
  return made;
}
WallTime at_ms(std::int64_t ms) { return WallTime{std::chrono::milliseconds(ms)}; }

std::string line_of(const std::string& text, const std::string& begin) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(begin)) return line;
  return "";
}

}  // namespace

TEST_CASE("a counter's samples end in _total and its family does not; the text ends in EOF") {
  Families families;
  Family::counter("shop_requests_total", "Requests.").add({{"code", "200"}}, 7.0).add({}, 1.0).into(families);
  Family::counter("shop_seconds", "Without the ending.").add({}, 0.25).into(families);
  Family::gauge("shop_total", "A gauge is left as it is.").add({}, -1.5).into(families);
  CHECK(open_metrics_text(families) ==
        "# TYPE shop_requests counter\n# HELP shop_requests Requests.\n"
        "shop_requests_total{code=\"200\"} 7\nshop_requests_total 1\n"
        "# TYPE shop_seconds counter\n# HELP shop_seconds Without the ending.\nshop_seconds_total 0.25\n"
        "# TYPE shop_total gauge\n# HELP shop_total A gauge is left as it is.\nshop_total -1.5\n# EOF\n");
  CHECK(open_metrics_text({}) == "# EOF\n");
}

TEST_CASE("backslash, quote and line feed are escaped in labels and in help") {
  Families families;
  Family::gauge("g", "a \"b\" \\ c\nd").add({{"l", "x\\y\"z\nw é"}}, 1.0).into(families);
  CHECK(open_metrics_text(families) ==
        "# TYPE g gauge\n# HELP g a \\\"b\\\" \\\\ c\\nd\ng{l=\"x\\\\y\\\"z\\nw é\"} 1\n# EOF\n");
}

TEST_CASE("numbers read back as they were, and whole ones are written whole") {
  CHECK(number(0) == "0");
  CHECK(number(-3) == "-3");
  CHECK(number(0.1) == "0.1");
  CHECK(number(20.003) == "20.003");
  CHECK(number(1700000000.125) == "1.700000000125e+09");
  CHECK(number(9007199254740991.0) == "9007199254740991");
  CHECK(number(1e300) == "1e+300");
  CHECK(number(std::numeric_limits<double>::infinity()) == "+Inf");
  CHECK(number(-std::numeric_limits<double>::infinity()) == "-Inf");
  CHECK(number(std::nan("")) == "NaN");
  for (const double value : {1.0 / 3, 123456.789, 1e-300, 0.30000000000000004})
    CHECK(std::stod(number(value)) == value);
}

TEST_CASE("an le is written in the format's canonical form") {
  CHECK(bound(0) == "0.0");
  CHECK(bound(0.0005) == "0.0005");
  CHECK(bound(0.0001) == "0.0001");
  CHECK(bound(1e-05) == "1e-05");
  CHECK(bound(0.1) == "0.1");
  CHECK(bound(1) == "1.0");
  CHECK(bound(10) == "10.0");
  CHECK(bound(100000) == "100000.0");
  CHECK(bound(1e6) == "1e+06");
  CHECK(bound(1e100) == "1e+100");
  CHECK(bound(std::numeric_limits<double>::infinity()) == "+Inf");
}

TEST_CASE("the latest exemplar of a bucket, over all workers, stands behind the bucket that it was counted in") {
  PerWorker<DurationCells> cells(2);
  const auto observe = [&cells](std::size_t worker, const Exemplar& each) {
    cells.of(worker).observe(each.taken);
    cells.of(worker).keep_exemplar(each);
  };
  observe(0, exemplar(400us, at_ms(1700000000007), '1'));
  observe(0, exemplar(2ms, at_ms(1700000000000), '2'));
  observe(1, exemplar(1500us, at_ms(1700000000050), '3', 0xabcdef0123456789));
  observe(0, exemplar(2300us, at_ms(1700000000049), '4'));
  observe(1, exemplar(11s, at_ms(1700000001000), '5'));
  cells.of(0).observe(6ms);
  const auto self = [](const DurationCells& one) -> const DurationCells& { return one; };
  Families families;
  Family::gauge("before", "B.").add({}, 0.0).into(families);
  Family::histogram("t_seconds", "T.")
      .add_durations({{"of", "nobody"}}, PerWorker<DurationCells>(2), self)
      .add_durations({{"of", "us"}}, cells, self)
      .into(families);
  const std::string text = open_metrics_text(families);
  const auto bucket = [&text](const std::string& le) {
    return line_of(text, "t_seconds_bucket{of=\"us\",le=\"" + le + "\"}");
  };
  const std::string begin = "t_seconds_bucket{of=\"us\",le=\"";
  CHECK(bucket("0.0005") == begin +
                                "0.0005\"} 1 # {trace_id=\"11111111111111111111111111111111\",span_id="
                                "\"000000000000001f\"} 0.0004 1700000000.007");
  CHECK(bucket("0.001") == begin + "0.001\"} 1");
  CHECK(bucket("0.0025") == begin +
                                "0.0025\"} 4 # {trace_id=\"33333333333333333333333333333333\",span_id="
                                "\"abcdef0123456789\"} 0.0015 1700000000.050");
  CHECK(bucket("0.01") == begin + "0.01\"} 5");
  CHECK(bucket("1.0") == begin + "1.0\"} 5");
  CHECK(bucket("+Inf").ends_with("} 11 1700000001.000"));
  CHECK(line_of(text, "t_seconds_count{of=\"us\"}") == "t_seconds_count{of=\"us\"} 6");
  CHECK(line_of(text, "t_seconds_sum{of=\"us\"}") == "t_seconds_sum{of=\"us\"} 11.0122");
  CHECK(line_of(text, "t_seconds_bucket{of=\"nobody\",le=\"+Inf\"}") ==
        "t_seconds_bucket{of=\"nobody\",le=\"+Inf\"} 0");
  CHECK(std::count(text.begin(), text.end(), '#') == 4 + 1 + 3);  // HELP and TYPE, EOF, exemplars
}

TEST_CASE("both forms show the same series with the same values") {
  ControlRig rig;
  rig.trip("orders", std::chrono::steady_clock::now());
  const auto snapshot = rig.control.snapshot();
  auto& latency = snapshot->upstream("orders")->state->cells.of(1).latency[UpstreamCells::success];
  latency.observe(3ms);
  latency.keep_exemplar(exemplar(3ms, at_ms(1700000000000)));
  const auto now = std::chrono::steady_clock::now();
  const auto samples = [](const std::string& text) {
    std::set<std::string> all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      line = line.substr(0, line.find(" #"));
      for (const char* whole : {"1", "5", "10"})
        if (const auto at = line.find("le=\"" + std::string(whole) + ".0\""); at != std::string::npos)
          line.erase(at + 4 + std::string_view(whole).size(), 2);
      // What the process itself changes between two collections.
      if (!line.empty() && line[0] != '#' && !line.starts_with("process_")) all.insert(line);
    }
    return all;
  };
  const std::string text = metrics_text(rig.control, now);
  const std::string open = metrics_text(rig.control, now, MetricsForm::open_metrics);
  CHECK(samples(text).size() > 200);
  CHECK(samples(text).size() == samples(open).size());
  CHECK(text.find(" # ") == std::string::npos);
  CHECK(open.find("outcome=\"success\",le=\"0.005\"} 1 # {trace_id=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"") !=
        std::string::npos);
  std::set<std::string> families;
  std::istringstream lines(open);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("# TYPE ")) CHECK(families.insert(line.substr(7, line.find(' ', 7) - 7)).second);
}
