// SPDX-License-Identifier: Apache-2.0
// Slips of the pen, and what the error says to write instead.
#include "support.hpp"

namespace fusewire::config {
namespace {

std::string error_of(const std::string& text, std::vector<std::pair<std::string, std::string>> environment = {}) {
  const LoadResult result = load({.name = "f", .text = text, .environment = std::move(environment)});
  REQUIRE_FALSE(result.errors.empty());
  return result.errors[0].to_string();
}

TEST_CASE("a variable in braces or brackets wants quotes") {
  const std::string why = ": not valid YAML: inside [ ] and { } a variable is written in quotes: \"${NAME}\"";
  CHECK(error_of("admin: {token: ${TOKEN}}\n") == "f:1:17" + why);
  CHECK(error_of("admin: {token: ${TOKEN}, address: x}\n") == "f:1:17" + why);
  CHECK(error_of("admin:\n  allowed_hosts: [${A}, b]\n") == "f:2:20" + why);
  CHECK(error_of("upstreams: {a: http://${HOST}:80}\n") == "f:1:24" + why);
}

TEST_CASE("a tab is named") {
  CHECK(error_of("admin:\n\ttoken: x\n") == "f:2:7: not valid YAML: a tab in the indentation; write spaces");
  CHECK(error_of("admin:\n  address: x\n\ttoken: b\n") ==
        "f:3:1: not valid YAML: a tab in the indentation; write spaces");
}

TEST_CASE("a missing colon is looked for in the line above") {
  CHECK(error_of("listen 127.0.0.1\nupstreams:\n  a: x\n") == "f:2:10: not valid YAML: is a ':' missing in line 1?");
  CHECK(error_of("log:\n  level info\n\n  # a comment\n  format: text\n") ==
        "f:5:3: not valid YAML: is a ':' missing in line 2?");
  CHECK(error_of("listen:127.0.0.1:8080\nupstreams: {a: http://x}\n") ==
        "f:2:10: not valid YAML: a ':' needs a space behind it, in line 1");
  CHECK(error_of("listen: 127.0.0.1:1\nupstreams:\n  a http://x\n") ==
        "f:3:3: upstreams: expected a map, found a single value; is a ': ' missing?");
  CHECK(error_of("listen: 127.0.0.1:1\nupstreams: {a: http://a}\nlog: {level:info}\n") ==
        "f:3:7: log.level: a ':' needs a space behind it");
}

TEST_CASE("a token behind a colon without a space is not repeated") {
  CHECK(error_of("listen: 127.0.0.1:1\nupstreams: {a: http://a}\nadmin: {token:s3cret}\n").find("s3cret") ==
        std::string::npos);
}

TEST_CASE("other slips say what is wrong") {
  CHECK(error_of("a: b: c\n").ends_with("a second ': ' in one line; write the value in quotes"));
  CHECK(error_of("a: 1\n  b: 2\n").ends_with("this line is indented below line 1, which has a value already"));
  CHECK(error_of("a: {b: c\nd: e\n").ends_with("a '{' without its '}', or a ',' that is missing"));
  CHECK(error_of("a: [1, 2\nb: 3\n").ends_with("a '[' without its ']', or a ',' that is missing"));
  CHECK(error_of("a:\n  - b\n c: d\n").ends_with("the indentation of this line fits none above it"));
  CHECK(error_of("a: @x\n").ends_with("a value that begins with '@', '%' or '`' is written in quotes"));
  CHECK(error_of("a: *x\n").ends_with("a value that begins with '*' is written in quotes"));
}

TEST_CASE("a single value in a map's place says what to write") {
  const auto error_of_detection = [](const std::string& detector) {
    const std::string line =
        lines_of(load_upstream("    circuit_breaker: {detection: {" + detector + "}}\n").errors).at(0);
    return line.substr(line.find(": expected") + 2);
  };
  const std::string found = "expected a map or 'off', found a single value; write ";
  CHECK(error_of_detection("consecutive_failures: 5") == found + "{threshold: 5}");
  CHECK(error_of_detection("consecutive_slow_calls: 5") == found + "{threshold: 5}");
  CHECK(error_of_detection("failure_rate: 0.5") == found + "{threshold: 0.5}");
  CHECK(error_of_detection("failure_count: some") == found + "{threshold: …}");
  CHECK(error_of_detection("window: 60s") == "expected a map, found a single value; write {duration: 60s}");
}

TEST_CASE("a single value in a list's place says what to write") {
  CHECK(lines_of(load_upstream("    fallback: {chain: cache}\n").errors)
            .at(0)
            .ends_with("chain: expected a list, found a single value; write […]"));
}

}  // namespace
}  // namespace fusewire::config
