// SPDX-License-Identifier: Apache-2.0
// What is not built is named nowhere: not in lists of keys, not in suggestions, not in the schema, not in what is
// printed.
#include <fstream>
#include <functional>
#include <iterator>

#include "config/document.hpp"
#include "config/key.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "config/print.hpp"
#include "config/report.hpp"
#include "config/shape.hpp"
#include "full_file.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

void for_each_map(const Shape& shape, const std::string& path,
                  const std::function<void(const Shape&, const std::string&)>& use) {
  if (shape.kind == Shape::Kind::map) use(shape, path);
  for (const Key& key : shape.keys)
    if (key.built()) for_each_map(*key.shape, join(path, key.name), use);
  if (shape.item != nullptr) for_each_map(*shape.item, join(path, "*"), use);
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// One map with the key, held against its shape as a part of a file is.
Lines errors_of(const Shape& shape, std::string_view key, const std::string& value) {
  Report report("f");
  Report syntax("f");
  std::optional<Node> root = parse_document(std::string(key) + ": " + value + "\n", Origin::file, syntax);
  REQUIRE(root);
  root->children[0].path = key;
  check_key(root->children[0], shape, report);
  return lines_of(report.errors());
}

TEST_CASE("a key that is not built takes the value that says so, and nothing else") {
  std::size_t keys = 0;
  for_each_map(file_shape(), "", [&](const Shape& shape, const std::string& path) {
    for (const Key& key : shape.keys) {
      if (key.built()) continue;
      ++keys;
      CAPTURE(join(path, key.name));
      if (!key.accepts.empty()) CHECK(errors_of(shape, key.name, std::string(key.accepts)).empty());
      for (const char* value : {"{a: b}", "[x]", "17", "words", "on"}) {
        const Lines errors = errors_of(shape, key.name, value);
        REQUIRE(errors.size() == 1);
        CHECK(errors[0].find(std::string(key.name) + ": not supported yet") != std::string::npos);
      }
    }
  });
  CHECK(keys > 15);
}

TEST_CASE("a key that is not built is in no list of keys and in no suggestion") {
  for_each_map(file_shape(), "", [&](const Shape& shape, const std::string& path) {
    const std::vector<std::string_view> names = key_names(shape);
    for (const Key& key : shape.keys) {
      CAPTURE(join(path, key.name));
      CHECK(contains(names, key.name) == key.shown());
      if (key.shown()) continue;
      // One letter more is as near as can be.
      const Lines errors = errors_of(shape, std::string(key.name) + "z", "1");
      REQUIRE(errors.size() == 1);
      CHECK(errors[0].find("'" + std::string(key.name) + "'") == std::string::npos);
      CHECK(errors[0].find(" " + std::string(key.name) + ",") == std::string::npos);
    }
  });
}

TEST_CASE("an override that is wrong does not name what is not built either") {
  for (const char* setting : {"stat=off", "tracin=off", "zzz=1", "upstreams.orders.read_only_when_opn=off",
                              "upstreams.orders.zzz=1", "upstreams.orders.retries.hedg=off"}) {
    CAPTURE(setting);
    const LoadResult result = load({.name = "f", .text = kListenAndOrders, .set = {setting}});
    for (const std::string& line : lines_of(result.errors))
      for (const char* name : {"'state'", " state,", "read_only_when_open", "fleet", "flags"})
        CHECK(line.find(name) == std::string::npos);
  }
}

TEST_CASE("the values that pass are documented") {
  std::ifstream file(std::string(FUSEWIRE_SOURCE_DIR) + "/docs/configuration.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string section = page.substr(page.find("### What is not built yet"));
  for_each_map(file_shape(), "", [&](const Shape& shape, const std::string& path) {
    for (const Key& key : shape.keys) {
      if (key.built() || key.accepts.empty()) continue;
      CAPTURE(join(path, key.name));
      CHECK(section.find(std::string(key.name) + ": " + std::string(key.accepts)) != std::string::npos);
    }
  });
}

TEST_CASE("the effective configuration does not name it") {
  const std::string yaml = to_yaml(good(load_text(kFullFile)));
  for (const char* name : {"state:", "fleet:"}) CHECK(yaml.find(name) == std::string::npos);
}

TEST_CASE("what is done today anyway may be said") {
  good(load_with("state: off\nfleet: off\nflags: {}\ninsights: off\ntracing: off\nevents: {webhooks: []}\n"));
}

}  // namespace
}  // namespace fusewire::config
