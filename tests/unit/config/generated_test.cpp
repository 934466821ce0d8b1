// SPDX-License-Identifier: Apache-2.0
// The schema and the reference are what the descriptions say. `FUSEWIRE_UPDATE=1 build/dev/unit_config` writes them.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "reference_visitor.hpp"
#include "schema_visitor.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

constexpr std::string_view kBegin =
    "<!-- generated from config/describe/: FUSEWIRE_UPDATE=1 build/dev/unit_config -->\n";
constexpr std::string_view kEnd = "<!-- end of what is generated -->\n";

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void compare_or_update(const std::string& name, const std::string& expected) {
  const std::string path = FUSEWIRE_SOURCE_DIR "/" + name;
  if (std::getenv("FUSEWIRE_UPDATE") != nullptr) std::ofstream(path) << expected;
  const std::string found = contents(path);
  const auto differ = std::mismatch(found.begin(), found.end(), expected.begin(), expected.end()).first;
  const bool same = found == expected;
  CHECK_MESSAGE(same, name, ":", 1 + std::count(found.begin(), differ, '\n'),
                " is not what config/describe/ says: FUSEWIRE_UPDATE=1 rewrites it");
}

TEST_CASE("the schema is what the descriptions say") {
  compare_or_update("config/fusewire.schema.json", schema_text());
}

TEST_CASE("the reference in docs/configuration.md is what the descriptions say") {
  const std::string name = "docs/configuration.md";
  const std::string page = contents(FUSEWIRE_SOURCE_DIR "/" + name);
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  compare_or_update(
      name, page.substr(0, begin) + std::string(kBegin) + "```yaml\n" + reference_text() + "```\n" + page.substr(end));
}

}  // namespace
}  // namespace fusewire::config
