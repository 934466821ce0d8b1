// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md promises a default beside each key; the loader is asked whether that is so.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace {

using fusewire::config::load;
using fusewire::config::LoadResult;

std::vector<std::string> yaml_blocks(const std::string& page) {
  std::vector<std::string> blocks;
  std::istringstream lines(page);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "```yaml") {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

std::string read(const std::string& path) {
  std::ifstream file(FUSEWIRE_SOURCE_DIR "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

LoadResult load_text(const std::string& text) {
  LoadResult result = load({.name = "file.yaml", .text = text, .environment = {}, .set = {}});
  for (const auto& error : result.errors) MESSAGE(error.to_string());
  return result;
}

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t at = 0; (at = text.find(separator, from)) != std::string::npos; from = at + separator.size())
    parts.push_back(text.substr(from, at - from));
  parts.push_back(text.substr(from));
  return parts;
}

}  // namespace

TEST_CASE("the configuration that the documents show in full is the one that few lines give") {
  const auto blocks = yaml_blocks(read("docs/configuration.md"));
  REQUIRE(blocks.size() == 2);
  const auto documented = load_text(blocks[1]);
  const auto short_form = load_text(R"(
listeners:
  - address: 127.0.0.1:8080
    routes:
      - name: orders
        match: {host: orders.local, path_prefix: /v1, methods: [GET, POST], headers: {x-canary: "1"}}
        upstream: orders
upstreams:
  orders: http://127.0.0.1:9000
)");
  REQUIRE(documented.config);
  REQUIRE(short_form.config);
  CHECK(*documented.config == *short_form.config);
}

TEST_CASE("the README, the documents and the examples show the same smallest file") {
  const std::string smallest = read("examples/fusewire.yaml");
  REQUIRE(load_text(smallest).config);
  CHECK(yaml_blocks(read("README.md")).at(0) == smallest);
  CHECK(yaml_blocks(read("docs/configuration.md")).at(0) == smallest);
}

TEST_CASE("the fuller example is accepted without errors") {
  CHECK(load_text(read("examples/fusewire-full.yaml")).config);
}

TEST_CASE("the tests that the table of statements names are there") {
  std::istringstream lines(read("tests/integration/README.md"));
  std::size_t found = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto cells = split(line, " | ");
    if (cells.size() != 3 || cells[1] == "file") continue;
    const std::string source = read("tests/integration/" + cells[1] + "_test.cpp");
    for (const std::string& name : split(cells[2].substr(0, cells[2].rfind(" |")), " · ")) {
      CHECK_MESSAGE(source.find("TEST_CASE(\"" + name + "\")") != std::string::npos, cells[1], ": ", name);
      ++found;
    }
  }
  CHECK(found > 90);
}
