// SPDX-License-Identifier: Apache-2.0
// One description, and what each visitor makes of it.
#include "config/describe/read.hpp"
#include "reference_visitor.hpp"
#include "schema_visitor.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

struct Pump {
  std::uint32_t valves = 3;
  bool timed = true;
  milliseconds period = 2s;  // where it is timed
  std::string label = {};
  std::optional<CacheStep> tank = CacheStep{};
};

template <class V>
void describe(V& v, Pump& pump) {
  v.required("valves", "how many there are");
  v.key("valves", pump.valves, Count(1, 9), "So many");
  v.key("timed", pump.timed, Flag(), "By the clock");
  v.when(pump.timed);
  v.key("period", pump.period, Duration(), "How often");
  v.key("label", pump.label, FreeText(), "On its plate", commented("north"));
  v.switchable("tank", pump.tank, CacheStep{}, "What it holds");
  v.later("remote", "off");
}

struct Loaded {
  Pump pump;
  Lines errors;
};

Loaded read_pump(const std::string& text) {
  Report report("f");
  const Node root = parse_document(text, Origin::file, report).value();
  Loaded loaded;
  read_section(Reader(&root, report), loaded.pump);
  loaded.errors = lines_of(report.errors());
  return loaded;
}

TEST_CASE("a described key is read with its bounds, and one that is absent keeps its default") {
  const Loaded loaded = read_pump("{valves: 4, tank: off}");
  CHECK(loaded.errors.empty());
  CHECK(loaded.pump.valves == 4);
  CHECK(loaded.pump.period == 2s);
  CHECK_FALSE(loaded.pump.tank);
  CHECK(read_pump("{valves: 10}").errors == Lines{"f:1:10: expected a whole number from 1 to 9, found '10'"});
  CHECK(read_pump("{timed: on}").errors == Lines{"f:1:1: valves: missing; expected how many there are"});
}

TEST_CASE("a key that is not in use is checked, but neither kept nor printed") {
  CHECK(read_pump("{valves: 1, timed: off, period: 5s}").pump.period == 2s);
  CHECK(read_pump("{valves: 1, timed: off, period: x}").errors.size() == 1);
  CHECK(emit_yaml(print_section(read_pump("{valves: 1, timed: off, period: 5s}").pump)).find("period") ==
        std::string::npos);
}

TEST_CASE("a described section is printed in its order, without empty texts and without what is not built") {
  CHECK(emit_yaml(print_section(Pump{})) == "valves: 3\ntimed: true\nperiod: 2s\ntank:\n  max_stale: 0s\n");
  CHECK(emit_yaml(print_section(Pump{.label = "a", .tank = {}})) ==
        "valves: 3\ntimed: true\nperiod: 2s\nlabel: a\ntank: off\n");
}

TEST_CASE("the schema has the bounds, the sentence and the default of a described key") {
  Node defs = map_node();
  Schema visitor(defs);
  Pump pump;
  describe(visitor, pump);
  const std::string text = flat_json(visitor.object(false));
  CHECK(text.find(R"("required": ["valves"])") != std::string::npos);
  CHECK(text.find(R"("valves": {"description": "So many", "anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, )"
                  R"({"$ref": "#/$defs/placeholder"}], "default": 3})") != std::string::npos);
  CHECK(text.find(R"("label": {"description": "On its plate", "type": "string"})") != std::string::npos);
  CHECK(text.find("remote") == std::string::npos);
}

TEST_CASE("the reference shows each key with its default or a sample in a comment") {
  Reference visitor("  ");
  Pump pump{.tank = {}};
  describe(visitor, pump);
  const std::string& text = visitor.text();
  CHECK(text.starts_with("  valves: 3                                   # So many (1 to 9)\n"));
  CHECK(text.find("  # label: north  ") != std::string::npos);
  CHECK(text.find("  tank: off  ") != std::string::npos);
  CHECK(text.find("    # max_stale: 0s  ") != std::string::npos);
}

}  // namespace
}  // namespace fusewire::config
