// SPDX-License-Identifier: Apache-2.0
// No include inside config/ or filters/ leads back to where it began. A header and the source of the same name count as
// one unit, so that a source may not include what is built upon its own header either.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

// What each unit includes. Units are named by their path without ending.
using IncludeGraph = std::map<std::string, std::set<std::string>>;

// A permit and its breaker are friends that call each other, and are one unit here.
const std::map<std::string, std::string> kSameUnit = {{"filters/breaker/core/permit", "filters/breaker/core/breaker"}};

std::string unit_of(const std::string& file) {
  const std::string stem = file.substr(0, file.rfind('.'));
  const auto same = kSameUnit.find(stem);
  return same == kSameUnit.end() ? stem : same->second;
}

void add_includes(IncludeGraph& graph, const std::string& file, std::istream& source) {
  static const std::regex kQuoted(R"re(^\s*#\s*include\s*"([^"]+)")re");
  const std::string unit = unit_of(file);
  const std::string room = file.substr(0, file.find('/') + 1);
  std::set<std::string>& includes = graph[unit];
  std::smatch match;
  for (std::string line; std::getline(source, line);)
    if (std::regex_search(line, match, kQuoted) && match[1].str().starts_with(room))
      if (const std::string included = unit_of(match[1]); included != unit) includes.insert(included);
}

class CycleSearch {
 public:
  explicit CycleSearch(const IncludeGraph& graph) : graph_(graph) {}

  // "a -> b -> a"; empty where there is none.
  std::string find() {
    for (const auto& [unit, includes] : graph_)
      if (visit(unit)) return cycle_;
    return {};
  }

 private:
  bool visit(const std::string& unit) {
    const auto before = std::ranges::find(way_, unit);
    if (before != way_.end()) {
      for (auto step = before; step != way_.end(); ++step) cycle_ += *step + " -> ";
      cycle_ += unit;
      return true;
    }
    const auto known = graph_.find(unit);
    if (known == graph_.end() || !seen_.insert(unit).second) return false;
    way_.push_back(unit);
    const bool found =
        std::ranges::any_of(known->second, [this](const std::string& included) { return visit(included); });
    way_.pop_back();
    return found;
  }

  const IncludeGraph& graph_;
  std::set<std::string> seen_;
  std::vector<std::string> way_;  // from where the search began
  std::string cycle_;
};

IncludeGraph graph_of(std::string_view folder) {
  const fs::path root = FUSEWIRE_SOURCE_DIR;
  IncludeGraph graph;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const auto ending = entry.path().extension();
    if (ending != ".hpp" && ending != ".cpp") continue;
    std::ifstream source(entry.path());
    add_includes(graph, fs::relative(entry.path(), root).generic_string(), source);
  }
  return graph;
}

struct SourceText {
  std::string file;
  std::string text;
};

std::string cycle_in(const std::vector<SourceText>& sources) {
  IncludeGraph graph;
  for (const SourceText& source : sources) {
    std::istringstream text(source.text);
    add_includes(graph, source.file, text);
  }
  return CycleSearch(graph).find();
}

}  // namespace

TEST_CASE("no include inside config/ or filters/ runs in a circle") {
  for (const char* folder : {"config", "filters"}) {
    const IncludeGraph graph = graph_of(folder);
    CHECK(graph.size() > 10);
    CHECK(CycleSearch(graph).find() == "");
  }
}

TEST_CASE("a circle of includes is named, the whole way") {
  CHECK(cycle_in({{"config/a.hpp", "#include \"config/b.hpp\"\n"},
                  {"config/b.hpp", "#include <vector>\n#include \"config/c.hpp\"\n"},
                  {"config/c.hpp", "#include \"config/b.hpp\"\n"}}) == "config/b -> config/c -> config/b");
}

TEST_CASE("a source that includes what is built upon its own header closes a circle") {
  CHECK(cycle_in({{"config/scalars.hpp", "#include \"config/load.hpp\"\n"},
                  {"config/load.hpp", ""},
                  {"config/load.cpp", "#include \"config/load.hpp\"\n#include \"config/scalars.hpp\"\n"}}) ==
        "config/load -> config/scalars -> config/load");
}

TEST_CASE("includes that meet again are no circle, and what a comment names is not included") {
  CHECK(cycle_in({{"config/a.cpp", "#include \"config/a.hpp\"\n#include \"config/b.hpp\"\n#include \"config/c.hpp\"\n"},
                  {"config/b.hpp", "#include \"config/c.hpp\"\n"},
                  {"config/c.hpp", "// #include \"config/b.hpp\"\n"}}) == "");
}
