// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/explanation.hpp"

#include <doctest/doctest.h>

#include <boost/json.hpp>

using namespace fusewire::cli;

TEST_CASE("an explanation is a head line, what came of it, and a line for each step") {
  const auto answer = boost::json::parse(R"({"request_id":"a","requests":[{
    "request_id":"a","at":"2026-01-31T08:15:30.042Z","summary":"answered 200","method":"GET","path":"/x","host":null,
    "peer":"10.0.0.9","listener":"main","route":"all","flags":["CB","FB"],"trace_id":"4bf9",
    "steps":[{"at_ms":0,"filter":"route","sentence":"first"},{"at_ms":12.5,"filter":"fallback","sentence":"then\u001b"}]}]})");
  CHECK(explanation(answer) ==
        "GET /x  2026-01-31T08:15:30.042Z  a\n"
        "  answered 200\n"
        "  listener main, route all, host -, client 10.0.0.9\n"
        "  flags CB,FB, trace 4bf9\n"
        "\n"
        "     0.000 ms  route     first\n"
        "    12.500 ms  fallback  then?\n");
}
