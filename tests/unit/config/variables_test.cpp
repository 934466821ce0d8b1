// SPDX-License-Identifier: Apache-2.0
#include "config/variables.hpp"

#include "config/document.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

const Environment kEnvironment = {
    {"HOST", "db.local"}, {"EMPTY", ""}, {"EVIL", "x\nadmin: {token: y}"}, {"PORT", "9000"}, {"BAD", "\xff"}};

struct Substituted {
  Node root;
  Lines errors;
};

Substituted substituted(const std::string& text) {
  Report report("f");
  std::optional<Node> root = parse_document(text, Origin::file, report);
  REQUIRE(root);
  substitute_variables(*root, kEnvironment, report);
  return {*std::move(root), lines_of(report.errors())};
}

std::string value_of(const std::string& scalar) {
  const Substituted result = substituted("a: " + scalar + "\n");
  CAPTURE(result.errors);
  REQUIRE(result.errors.empty());
  return result.root.find("a")->text;
}

Lines errors_of(const std::string& scalar) { return substituted("a: " + scalar + "\n").errors; }

TEST_CASE("a variable is replaced wherever it stands in a scalar") {
  CHECK(value_of("${HOST}") == "db.local");
  CHECK(value_of("http://${HOST}:${PORT}") == "http://db.local:9000");
  CHECK(substituted("a: [x, {b: '${HOST}'}]").root.find("a")->children[1].find("b")->text == "db.local");
}

TEST_CASE("a default stands in for an unset or an empty variable") {
  CHECK(value_of("${NONE:-1s}") == "1s");
  CHECK(value_of("${NONE:-}") == "");
  CHECK(value_of("${EMPTY:-x}") == "x");
  CHECK(value_of("${EMPTY}") == "");
  CHECK(value_of("${HOST:-x}") == "db.local");
  CHECK(value_of("'${NONE:-a:-b}'") == "a:-b");
}

TEST_CASE("two dollars before a brace are a literal one, and a dollar elsewhere is itself") {
  CHECK(value_of("'$${HOST}'") == "${HOST}");
  CHECK(value_of("'$$${HOST}'") == "$${HOST}");
  CHECK(value_of("'US$ 5, $HOST, ${HOST}$'") == "US$ 5, $HOST, db.local$");
}

TEST_CASE("a value that looks like YAML stays one value") {
  const Substituted result = substituted("via: ${EVIL}\n");
  CHECK(result.root.children.size() == 1);
  CHECK(result.root.find("via")->text == "x\nadmin: {token: y}");
}

TEST_CASE("what a variable gave may be a number though it stood in quotes") {
  CHECK_FALSE(substituted("a: '${PORT}'").root.find("a")->quoted);
  CHECK(substituted("a: '$${PORT}'").root.find("a")->quoted);
}

TEST_CASE("keys are not replaced") { CHECK(substituted("${HOST}: 1").root.find("${HOST}") != nullptr); }

TEST_CASE("an unset variable without a default is an error") {
  CHECK(errors_of("${NONE}") == Lines{"f:1:4: a: the variable NONE is not set; ${NONE:-default} gives it a default"});
}

TEST_CASE("a malformed reference is an error") {
  const std::string expected = "f:1:4: a: expected ${NAME} or ${NAME:-default}, found ";
  CHECK(errors_of("${}") == Lines{expected + "'${}'"});
  CHECK(errors_of("${1X}") == Lines{expected + "'${1X}'"});
  CHECK(errors_of("${A-b}") == Lines{expected + "'${A-b}'"});
  CHECK(errors_of("'${A:-${HOST}}'") == Lines{expected + "'${A:-${HOST}'"});
  CHECK(errors_of("${HOST") == Lines{"f:1:4: a: '${' without '}'; write '$${' for a literal '${'"});
}

TEST_CASE("a variable that is not text is an error and never shown") {
  CHECK(errors_of("${BAD}") == Lines{"f:1:4: a: the variable BAD is not valid UTF-8"});
}

TEST_CASE("escaping is undone by substitution") {
  for (const std::string text : {"${HOST}", "$${x}", "$", "a$${b}${", "no dollar", ""}) {
    CAPTURE(text);
    CHECK(value_of("'" + escape_variables(text) + "'") == text);
  }
}

}  // namespace
}  // namespace fusewire::config
