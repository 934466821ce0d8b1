// SPDX-License-Identifier: Apache-2.0
// The descriptions of config/describe/ as a JSON schema.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "config/describe/print.hpp"
#include "config/describe/process.hpp"
#include "config/document.hpp"
#include "config/emit.hpp"
#include "config/report.hpp"

namespace fusewire::config {

inline Node json(std::string_view text) {
  Report report("JSON");
  return parse_document(text, Origin::file, report).value();
}

// What `$defs` holds beside the sections that have a place of their own there.
inline constexpr std::string_view kSchemaForms = R"({
  "placeholder": {"type": "string", "pattern": "\\$\\{"},
  "duration": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(ms|s|m|h)$|\\$\\{"},
  "size": {"anyOf": [{"type": "integer", "minimum": 0},
    {"type": "string", "pattern": "^[0-9]+$|^[0-9]+(\\.[0-9]+)?(B|KB|MB|GB|KiB|MiB|GiB)$|\\$\\{"}]},
  "flag": {"anyOf": [{"enum": [true, false, "on", "off"]}, {"$ref": "#/$defs/placeholder"}]},
  "address": {"type": "string", "pattern": "^unix:/|:[0-9]{1,5}$|\\$\\{"},
  "url": {"type": "string", "pattern": "^https?://[^/?#@]+/?$|^unix:/|\\$\\{"},
  "status": {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599},
    {"type": "string", "pattern": "^[1-5]([0-9][0-9]|xx)$|\\$\\{"}]},
  "call_condition": {"anyOf": [{"enum": ["connect_error", "timeout", "reset", "protocol_error", "incomplete"]},
    {"$ref": "#/$defs/status"}]},
  "condition": {"anyOf": [{"enum": ["breaker_open", "overload"]}, {"$ref": "#/$defs/call_condition"}]}
})";

// The sections with a place in `$defs`: those in several places, and those that would be nested too deep.
constexpr const char* place_of(const CircuitBreaker&) { return "circuit_breaker"; }
constexpr const char* place_of(const Timeouts&) { return "timeouts"; }
constexpr const char* place_of(const Fallback&) { return "fallback"; }
constexpr const char* place_of(const Route&) { return "route"; }
constexpr const char* place_of(const Listener&) { return "listener"; }
constexpr const char* place_of(const Upstream&) { return "upstream"; }

class Schema : public Visitor {
 public:
  explicit Schema(Node& defs) : defs_(defs) {}

  void short_for(Text key) { short_for_ = key; }
  void exactly_one(Text word) { word_ = word; }
  void required(Text key, Text) { required_.children.push_back(text_node(key)); }

  template <class T, class Form>
  void key(Text name, const T& member, const Form& form, Text sentence, Sample sample = {}) {
    std::optional<Node> usual = form.print(member);
    if (sample.kind != Sample::Kind::none) usual.reset();
    add(name, sentence, json(form.schema()), std::move(usual));
  }
  void secret(Text name, const std::string&, Text sentence, Sample) { add(name, sentence, json(FreeText::schema())); }
  template <class Form>
  void by_hand(Text name, const Form& form, Text sentence, Sample) {
    add(name, sentence, json(form.schema()));
  }

  template <class T, class D = Described>
  void section(Text name, T& member, Text sentence, const D& described = {}) {
    add(name, sentence, of(member, described));
  }
  template <class T>
  void optional(Text name, std::optional<T>&, Text sentence, Sample = {}) {
    T member{};
    add(name, sentence, of(member, Described{}));
  }
  template <class T, class D = Described>
  void switchable(Text name, std::optional<T>& member, T initial, Text sentence, const D& described = {}) {
    Node options = list_node();
    options.children = {json(R"({"enum": ["off", false]})"), of(initial, described)};
    Node usual = word_node("off");
    if (member) {
      Print print;
      described(print, *member);
      usual = print.take();
    }
    add(name, sentence, single("anyOf", std::move(options)), std::move(usual));
  }
  template <class T>
  void items(Text name, std::vector<T>& members, Text sentence, Sample sample = {}, ListSize size = {}) {
    Node list = single("type", text_node("array"));
    T item{};
    put(list, "items", of(item, Described{}, true));
    if (size.least > 0) put(list, "minItems", count_node(size.least));
    if (size.most > 0) put(list, "maxItems", count_node(size.most));
    Print print;
    print.items(name, members, {});
    std::optional<Node> usual = std::move(print.take().children[0]);
    if (sample.kind != Sample::Kind::none) usual.reset();
    add(name, sentence, std::move(list), std::move(usual));
  }
  template <class T>
  void named(Text name, std::vector<T>&, Text sentence, Text, Text required_key) {
    T item{};
    Node map = json(R"({"type": "object", "minProperties": 1, "propertyNames":
      {"pattern": "^[a-z0-9][a-z0-9._-]*$", "not": {"enum": ["health", "reset"]}}})");
    Node section = of(item, Described{});
    put(section, "required", list_node());
    section.children.back().children.push_back(text_node(required_key));
    Node options = list_node();
    options.children = {json(R"({"$ref": "#/$defs/url"})"), std::move(section)};
    put(map, "additionalProperties", single("anyOf", std::move(options)));
    required(name, {});
    add(name, sentence, std::move(map));
  }
  template <class T>
  void defaults_of(Text name, Text sentence) {
    T member{};
    add(name, sentence, of(member, Described{}), map_node());
  }

  // The section as an object, with its short form where it has one.
  Node object(bool with_short_form) {
    Node map = json(R"({"type": "object", "additionalProperties": false})");
    if (!required_.children.empty()) put(map, "required", required_);
    if (!word_.empty()) append(map, json(R"({"minProperties": 1, "maxProperties": 1})"));
    put(map, "properties", properties_);
    Node options = list_node();
    if (with_short_form && !short_for_.empty()) {
      options.children.push_back(*properties_.find(short_for_));
      options.children[0].key.clear();
      std::erase_if(options.children[0].children, [](const Node& child) { return child.key == "description"; });
    } else if (!word_.empty()) {
      options.children.push_back(json(enumeration({word_})));
    } else {
      return map;
    }
    options.children.push_back(std::move(map));
    return single("anyOf", std::move(options));
  }

 private:
  static Node single(Text key, Node value) {
    Node map = map_node();
    put(map, key, std::move(value));
    return map;
  }
  static void append(Node& map, Node more) {
    for (Node& child : more.children) map.children.push_back(std::move(child));
  }

  template <class T, class D>
  Node of(T& section, const D& described, bool with_short_form = false) {
    Schema inner(defs_);
    described(inner, section);
    if constexpr (std::same_as<D, Described> && requires { place_of(section); }) {
      const char* place = place_of(section);
      if (defs_.find(place) == nullptr) put(defs_, place, inner.object(with_short_form));
      return single("$ref", text_node(std::string("#/$defs/") + place));
    } else {
      return inner.object(with_short_form);
    }
  }

  void add(Text name, Text sentence, Node schema, std::optional<Node> usual = {}) {
    Node property = single("description", text_node(sentence));
    append(property, std::move(schema));
    if (usual) put(property, "default", *std::move(usual));
    put(properties_, name, std::move(property));
  }

  Node& defs_;
  Node properties_ = map_node();
  Node required_ = list_node();
  Text short_for_;
  Text word_;
};

inline std::string json_key(const Node& child) {
  return child.key.empty() ? std::string() : emit_json(text_node(child.key)) + ": ";
}

inline std::string flat_json(const Node& node) {
  if (node.kind == Node::Kind::scalar) return emit_json(node);
  std::string text;
  for (const Node& child : node.children) text += (text.empty() ? "" : ", ") + json_key(child) + flat_json(child);
  return node.kind == Node::Kind::map ? '{' + text + '}' : '[' + text + ']';
}

// On one line where it fits; `column`: where it begins.
inline std::string json_text(const Node& node, std::size_t column, const std::string& indent) {
  constexpr std::size_t kWidth = 119;
  std::string flat = flat_json(node);
  if (node.kind == Node::Kind::scalar || column + flat.size() <= kWidth) return flat;
  const bool map = node.kind == Node::Kind::map;
  const std::string inner = indent + "  ";
  std::string text;
  for (const Node& child : node.children) {
    const std::string key = json_key(child);
    text += text.empty() ? "\n" : ",\n";
    text.append(inner).append(key).append(json_text(child, inner.size() + key.size(), inner));
  }
  return (map ? '{' : '[') + text + '\n' + indent + (map ? '}' : ']');
}

inline std::string schema_text() {
  Node defs = json(kSchemaForms);
  Schema visitor(defs);
  Config config;
  describe(visitor, config);
  Node root = json(R"({
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:fusewire:schema:configuration",
    "title": "Fusewire",
    "description": "Configuration of the Fusewire sidecar proxy. Any value may hold ${NAME} or ${NAME:-default}."})");
  for (Node& child : visitor.object(false).children) root.children.push_back(std::move(child));
  put(root, "$defs", std::move(defs));
  return json_text(root, 0, "") + '\n';
}

}  // namespace fusewire::config
