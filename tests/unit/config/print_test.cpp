// SPDX-License-Identifier: Apache-2.0
#include "config/print.hpp"
#include "config/document.hpp"
#include "config/emit.hpp"
#include "config/node_makers.hpp"
#include "config/report.hpp"
#include "config/variables.hpp"
#include "full_file.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

// Printing leaves the token out.
Config without_token(Config config) {
  config.admin.token.clear();
  return config;
}

TEST_CASE("the printed configuration loads again and is the same") {
  const Config config = good(load_text(kFullFile));
  CHECK(good(load_text(to_yaml(config))) == without_token(config));
}

TEST_CASE("the smallest configuration survives printing") {
  const Config config = good(load_with(""));
  CHECK(good(load_text(to_yaml(config))) == config);
}

TEST_CASE("JSON is YAML: the JSON form loads as well") {
  const Config config = good(load_with(""));
  CHECK(good(load_text(to_json(config))) == config);
}

TEST_CASE("every preset and every mode survives printing") {
  for (const std::string preset :
       {"default", "aggressive", "lenient", "database", "redis", "rpc", "external_api", "treasury"})
    for (const std::string mode : {"enforce", "shadow", "disabled"}) {
      const Config config = good(load_upstream("    circuit_breaker: {preset: " + preset + ", mode: " + mode + "}\n"));
      CHECK(good(load_text(to_yaml(config))) == config);
    }
}

TEST_CASE("a window that changed its type keeps what the preset says of the other") {
  const Config config = good(
      load_upstream("    circuit_breaker: {preset: lenient, detection: {window: {type: count_based, size: 500}}}\n"));
  CHECK(good(load_text(to_yaml(config))) == config);
}

TEST_CASE("an empty pattern is a pattern, and survives printing") {
  const Config config =
      good(load_upstream("    circuit_breaker: {classify: {response_headers: [{name: x, matches: \"\"}]}}\n"));
  CHECK(good(load_text(to_yaml(config))) == config);
}

TEST_CASE("the token is never printed") {
  const Config config = good(load_text(kFullFile));
  CHECK(to_yaml(config).find("secret") == std::string::npos);
  CHECK(to_yaml(config).ends_with("# admin.token is set and not shown\n"));
  CHECK(to_json(config).find("secret") == std::string::npos);
  CHECK(to_json(config).find(R"("token":"<redacted>")") != std::string::npos);
  CHECK(to_json(without_token(config)).find("token\":\"") == std::string::npos);
}

TEST_CASE("JSON has numbers and booleans bare and everything else as strings") {
  const std::string json = to_json(good(load_text(kFullFile)));
  CHECK(json.find(R"("version":1,)") != std::string::npos);
  CHECK(json.find(R"("heuristic_fraction":0.2)") != std::string::npos);
  CHECK(json.find(R"("strict_mode":false)") != std::string::npos);
  CHECK(json.find(R"("open_timeout":"32s")") != std::string::npos);
  CHECK(json.find(R"("consecutive_failures":"off")") != std::string::npos);
  CHECK(json.find(R"("x-canary":"1")") != std::string::npos);
  CHECK(json.find("\n") == std::string::npos);
}

TEST_CASE("every statuses' class and single status is printed as it was given") {
  const std::string yaml = to_yaml(good(load_text(kFullFile)));
  CHECK(yaml.find(R"(failure: [timeout, "1xx", "429", "5xx"])") != std::string::npos);
}

std::string read_back(std::string_view text) {
  Node map = map_node();
  put(map, "a", text_node(text));
  Report report("f");
  std::optional<Node> root = parse_document(emit_yaml(map), Origin::file, report);
  CAPTURE(lines_of(report.errors()));
  REQUIRE(root);
  substitute_variables(*root, {}, report);
  REQUIRE_FALSE(report.failed());
  const Node* a = root->find("a");
  REQUIRE(a->kind == Node::Kind::scalar);
  return a->text;
}

TEST_CASE("any text is read back as it was printed") {
  for (const std::string_view text : {"",         " ",
                                      "x",        "null",
                                      "~",        "true",
                                      "off",      "No",
                                      "1",        "-",
                                      "- a",      "a: b",
                                      "a #b",     "a:",
                                      ":a",       "{a",
                                      "[a",       "\"",
                                      "'",        "\\",
                                      "\n",       "\t",
                                      "a\r\nb",   "%",
                                      "@",        "`",
                                      "!x",       "&x",
                                      "*x",       "|",
                                      ">",        "?",
                                      "${HOME}",  "$${HOME}",
                                      "\x01\x7f", "ü€𐍈",
                                      "\u2028",   "\u0085",
                                      "/path",    "http://h:1",
                                      "1:30",     "0x1",
                                      "=",        "<<",
                                      "a,b",      "text with, a comma"}) {
    CAPTURE(std::string(text));
    CHECK(read_back(text) == text);
  }
  CHECK(read_back(std::string_view("\0x", 2)) == std::string_view("\0x", 2));
}

TEST_CASE("keys are quoted where YAML would take them for something else") {
  Node map = map_node();
  for (const char* key : {"null", "on", "a b", "1", "<<", "x"}) put(map, key, text_node("v"));
  Report report("f");
  const std::optional<Node> root = parse_document(emit_yaml(map), Origin::file, report);
  REQUIRE(root);
  CHECK_FALSE(report.failed());
  Lines keys;
  for (const Node& child : root->children) keys.push_back(child.key);
  CHECK(keys == Lines{"null", "on", "a b", "1", "<<", "x"});
}

}  // namespace
}  // namespace fusewire::config
