// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/fault_body.hpp"

#include <doctest/doctest.h>

using namespace fusewire;
using namespace fusewire::proxy::admin;
using namespace std::chrono_literals;

TEST_CASE("a fault is read with all that it may have") {
  const FaultBody body = parse_fault(
      R"({"upstream":"orders","for":"10m","delay":"2s","delay_percent":0.5,"abort":503,"abort_percent":10})");
  CHECK(body.error.empty());
  CHECK(body.upstream == "orders");
  CHECK(body.lasts == 10min);
  CHECK(body.fault.delay == 2s);
  CHECK(body.fault.delay_percent == 0.5);
  CHECK(body.fault.abort == 503);
  CHECK(body.fault.abort_percent == 10);
}

TEST_CASE("a delay or an abort alone is for all attempts") {
  const FaultBody delay = parse_fault(R"({"upstream":"orders","for":"1s","delay":"1ms"})");
  CHECK(delay.error.empty());
  CHECK(delay.fault.delay_percent == 100);
  CHECK(delay.fault.abort == 0);
  const FaultBody abort = parse_fault(" {\"upstream\":\"orders\",\n\"for\":\"1h\",\"abort\":\"reset\"}\r\n");
  CHECK(abort.error.empty());
  CHECK(abort.fault.abort == fault::kReset);
  CHECK(abort.fault.delay == 0ms);
}

TEST_CASE("what is no object is refused with the place where it ends to be one") {
  const auto error = [](std::string_view text) { return parse_fault(text).error; };
  CHECK(error("") == "the body must be a JSON object, and is empty");
  CHECK(error("[]") == "the body must be a JSON object");
  CHECK(error("{\"upstream\":\"orders\",\n \"for\" \"1m\"}") ==
        "the body must be a JSON object: line 2, column 8: syntax error");
  CHECK(error("{\"upstream\"") == "the body must be a JSON object: line 1, column 12: incomplete JSON");
  CHECK(error("{} {}") == "the body must be a JSON object: line 1, column 4: something follows it");
}

TEST_CASE("each mistake is named with what was expected") {
  const auto error = [](std::string_view members) {
    return parse_fault(std::string("{\"upstream\":\"orders\",\"for\":\"10m\"").append(members) + "}").error;
  };
  CHECK(error("") == "`delay` or `abort` is missing: one is needed");
  CHECK(error(",\"dely\":\"1s\"") == "unknown key 'dely'; did you mean 'delay'?");
  CHECK(error(",\"abort\":500,\"x\":1").starts_with("unknown key 'x'; expected one of: upstream, for, delay"));
  CHECK(error(",\"for\":\"1m\",\"abort\":500") == "'for' is given more than once");
  for (const std::string_view delay : {"2", "true", "null", "\"2\"", "\"0s\"", "\"-1s\"", "\"61s\"", "{}"})
    CHECK(error(",\"delay\":" + std::string(delay)) ==
          "`delay` must be a duration above zero, up to 1m, such as \"2s\"");
  for (const std::string_view abort : {"399", "600", "\"503\"", "\"Reset\"", "503.0", "null", "[503]", "-503"})
    CHECK(error(",\"abort\":" + std::string(abort)) == "`abort` must be a status from 400 to 599, or \"reset\"");
  for (const std::string_view percent : {"0", "-1", "100.1", "\"50\"", "null", "1e99"}) {
    CHECK(error(",\"delay\":\"1s\",\"delay_percent\":" + std::string(percent)) ==
          "`delay_percent` must be a number above 0, up to 100");
    CHECK(error(",\"abort\":500,\"abort_percent\":" + std::string(percent)) ==
          "`abort_percent` must be a number above 0, up to 100");
  }
  CHECK(error(",\"abort\":500,\"delay_percent\":5") == "`delay_percent` says how much of `delay`, which is missing");
  CHECK(error(",\"delay\":\"1s\",\"abort_percent\":5") == "`abort_percent` says how much of `abort`, which is missing");
}

TEST_CASE("a fault has an upstream and an end") {
  const auto error = [](std::string_view text) { return parse_fault(text).error; };
  CHECK(error(R"({"for":"1m","abort":500})") == "`upstream` is missing: it is the name of one");
  CHECK(error(R"({"upstream":"","for":"1m","abort":500})") == "`upstream` must be the name of an upstream");
  CHECK(error(R"({"upstream":7,"for":"1m","abort":500})") == "`upstream` must be the name of an upstream");
  CHECK(error(R"({"upstream":"orders","abort":500})") ==
        "`for` is missing: it must be a duration from 1s to 1h, such as \"10m\"");
  for (const std::string_view lasts : {"600", "\"\"", "\"999ms\"", "\"61m\"", "\"forever\"", "null"})
    CHECK(error(R"({"upstream":"orders","abort":500,"for":)" + std::string(lasts) + "}") ==
          "`for` must be a duration from 1s to 1h, such as \"10m\"");
}
