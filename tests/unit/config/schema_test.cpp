// SPDX-License-Identifier: Apache-2.0
// Holds config/fusewire.schema.json against the parser's table of keys and against the defaults that the loader gives.
#include <fstream>
#include <set>
#include <sstream>

#include "config/document.hpp"
#include "config/key.hpp"
#include "config/keys.hpp"
#include "config/report.hpp"
#include "config/scalars.hpp"
#include "config/tree.hpp"
#include "full_file.hpp"
#include "support.hpp"

namespace fusewire::config {
namespace {

const Node& schema() {
  static const Node root = [] {
    std::ifstream in(std::string(FUSEWIRE_SOURCE_DIR) + "/config/fusewire.schema.json");
    std::stringstream text;
    text << in.rdbuf();
    Report report("fusewire.schema.json");
    std::optional<Node> node = parse_document(text.str(), Origin::file, report);
    CAPTURE(lines_of(report.errors()));
    REQUIRE(node);
    return *std::move(node);
  }();
  return root;
}

// The schema itself, what it refers to, and all its alternatives.
std::vector<const Node*> variants(const Node& node) {
  std::vector<const Node*> all = {&node};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (const Node* ref = all[i]->find("$ref")) {
      const std::string name = ref->text.substr(std::string("#/$defs/").size());
      const Node* target = schema().find("$defs")->find(name);
      REQUIRE_MESSAGE(target != nullptr, name);
      all.push_back(target);
    }
    if (const Node* any = all[i]->find("anyOf"))
      for (const Node& option : any->children) all.push_back(&option);
  }
  return all;
}

const Node* in_variants(const Node& node, std::string_view key) {
  for (const Node* variant : variants(node))
    if (const Node* found = variant->find(key)) return found;
  return nullptr;
}

std::set<std::string> keys_of(const Node& node) {
  std::set<std::string> keys;
  for (const Node* variant : variants(node))
    if (const Node* properties = variant->find("properties"))
      for (const Node& property : properties->children) keys.insert(property.key);
  return keys;
}

// What is not built is not in the schema, whether it may be said to be off or not.
std::set<std::string> keys_of(const Shape& shape) {
  std::set<std::string> keys;
  for (const Key& key : shape.keys)
    if (key.shown()) keys.emplace(key.name);
  return keys;
}

void compare(const Node& node, const Shape& shape, const std::string& path) {
  CAPTURE(path);
  if (shape.kind == Shape::Kind::map) {
    CHECK(keys_of(node) == keys_of(shape));
    for (const Node* variant : variants(node)) {
      const Node* properties = variant->find("properties");
      if (properties == nullptr) continue;
      REQUIRE(variant->find("additionalProperties") != nullptr);
      CHECK(variant->find("additionalProperties")->text == "false");
      for (const Node& property : properties->children) {
        const Key* key = find_key(shape, property.key);
        CHECK_MESSAGE(in_variants(property, "description") != nullptr, path, ".", property.key);
        if (key != nullptr && key->built()) compare(property, *key->shape, join(path, property.key));
      }
    }
  }
  if (shape.kind == Shape::Kind::list) {
    const Node* items = in_variants(node, "items");
    REQUIRE(items != nullptr);
    compare(*items, *shape.item, join(path, "0"));
  }
  if (shape.kind == Shape::Kind::names) {
    const Node* values = in_variants(node, "additionalProperties");
    REQUIRE(values != nullptr);
    compare(*values, *shape.item, join(path, "*"));
  }
}

TEST_CASE("the schema knows every key that the parser takes, and no other") { compare(schema(), file_shape(), ""); }

bool same_value(const Node& a, const Node& b);

bool same_list(const Node& a, const Node& b) {
  return a.children.size() == b.children.size() &&
         std::all_of(a.children.begin(), a.children.end(), [&](const Node& item) {
           return std::any_of(b.children.begin(), b.children.end(),
                              [&](const Node& other) { return same_value(item, other); });
         });
}

bool same_map(const Node& a, const Node& b) {
  return a.children.size() == b.children.size() &&
         std::all_of(a.children.begin(), a.children.end(), [&](const Node& child) {
           const Node* other = b.find(child.key);
           return other != nullptr && same_value(child, *other);
         });
}

// 60s is 1m, 1.0 is 1, and the short `cache` is a cache step with its defaults.
bool same_value(const Node& a, const Node& b) {
  if (a.kind == Node::Kind::map) return same_map(a, b);
  if (a.kind == Node::Kind::list) return same_list(a, b);
  if (b.kind == Node::Kind::map) return b.children.size() == 1 && b.children[0].key == a.text;
  if (a.text == b.text) return true;
  if (const auto duration = parse_duration(a.text)) return duration == parse_duration(b.text);
  const auto number = parse_number(a.text);
  return number && number == parse_number(b.text);
}

// Each `default` below `node` that the effective configuration, where every default is written out, has a value for.
std::size_t compare_defaults(const Node& node, const Node& effective, const std::string& path) {
  std::size_t compared = 0;
  for (const Node* variant : variants(node)) {
    const Node* properties = variant->find("properties");
    if (properties == nullptr || effective.kind != Node::Kind::map) continue;
    for (const Node& property : properties->children) {
      const Node* value = effective.find(property.key);
      if (value == nullptr) continue;
      CAPTURE(join(path, property.key));
      if (const Node* expected = in_variants(property, "default")) {
        CHECK(same_value(*expected, *value));
        ++compared;
      }
      compared += compare_defaults(property, *value, join(path, property.key));
    }
  }
  return compared;
}

TEST_CASE("the schema's defaults are those of the loader") {
  const Config config = good(load_with(""));
  const Node effective = tree_of(config, false);
  CHECK(compare_defaults(schema(), effective, "") > 12);
  const Node& upstream = effective.find("upstreams")->children[0];
  CHECK(compare_defaults(*schema().find("$defs")->find("upstream"), upstream, "upstreams.*") > 35);
  const Node& listener = effective.find("listeners")->children[0];
  CHECK(compare_defaults(*schema().find("$defs")->find("listener"), listener, "listeners.0") > 8);
}

void check_keys_used(const Node& value, const Node& node, const std::string& path) {
  CAPTURE(path);
  if (value.kind == Node::Kind::list) {
    const Node* items = in_variants(node, "items");
    REQUIRE((items != nullptr || value.children.empty()));
    for (const Node& item : value.children) check_keys_used(item, *items, join(path, "0"));
  }
  if (value.kind != Node::Kind::map) return;
  for (const Node& child : value.children) {
    const Node* found = nullptr;
    for (const Node* variant : variants(node)) {
      const Node* properties = variant->find("properties");
      const Node* own = properties != nullptr ? properties->find(child.key) : nullptr;
      if (own == nullptr) own = variant->find("additionalProperties");
      if (own != nullptr && own->kind == Node::Kind::map) found = own;
    }
    REQUIRE_MESSAGE(found != nullptr, join(path, child.key));
    check_keys_used(child, *found, join(path, child.key));
  }
}

void drop_unbuilt(Node& node, const Shape& shape) {
  if (shape.kind == Shape::Kind::map)
    std::erase_if(node.children, [&](const Node& child) { return !find_key(shape, child.key)->shown(); });
  for (Node& child : node.children)
    drop_unbuilt(child, shape.kind == Shape::Kind::map ? *find_key(shape, child.key)->shape : *shape.item);
}

TEST_CASE("the schema knows every key of the file that uses all of them") {
  Report report("f");
  std::optional<Node> root = parse_document(kFullFile, Origin::file, report);
  REQUIRE(root);
  drop_unbuilt(*root, file_shape());
  check_keys_used(*root, schema(), "");
}

}  // namespace
}  // namespace fusewire::config
