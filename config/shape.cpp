// SPDX-License-Identifier: Apache-2.0
#include "config/shape.hpp"

#include "config/key.hpp"
#include "config/messages.hpp"
#include "config/report.hpp"
#include "config/scalars.hpp"

namespace fusewire::config {
namespace {

bool fits(const Node& node, const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::scalar:
      return node.kind == Node::Kind::scalar;
    case Shape::Kind::list:
      return node.kind == Node::Kind::list;
    default:
      return node.kind == Node::Kind::map;
  }
}

std::string expected(const Shape& shape) {
  std::string what = "a map";
  if (shape.kind == Shape::Kind::scalar) what = "a single value";
  if (shape.kind == Shape::Kind::list) what = "a list";
  if (!shape.word.empty()) what += " or '" + std::string(shape.word) + "'";
  return shape.off ? what + " or 'off'" : what;
}

// Secrets live in scalars, and a scalar in the wrong place may be one.
std::string found(const Node& node) { return node.kind == Node::Kind::scalar ? "a single value" : describe(node); }

// A number or a time is no secret, unless a variable gave it.
bool can_be_repeated(const Node& node) {
  return node.from.empty() && (parse_number(node.text) || parse_duration(node.text));
}

// What to write where a single value stands in the place of a map or a list.
std::string remedy(const Node& node, const Shape& shape) {
  if (node.kind != Node::Kind::scalar) return {};
  const std::string value = can_be_repeated(node) ? node.text : "…";
  if (shape.kind == Shape::Kind::list) return "; write [" + value + "]";
  if (!shape.usual.empty()) return "; write {" + std::string(shape.usual) + ": " + value + "}";
  return node.text.find_first_of(": ") != std::string::npos ? "; is a ': ' missing?" : "";
}

bool is_accepted(const Node& node, std::string_view accepts) {
  if (accepts == "off" || accepts == "false") return node.is_off();
  if (accepts == "[]") return node.kind == Node::Kind::list && node.children.empty();
  if (accepts == "{}") return node.kind == Node::Kind::map && node.children.empty();
  return !accepts.empty() && node.kind == Node::Kind::scalar && node.text == accepts;
}

void refuse_unbuilt(Node& node, const Key& key, Report& report) {
  if (!is_accepted(node, key.accepts)) {
    std::string message = "not supported yet";
    if (!key.accepts.empty()) message += "; only '" + std::string(key.accepts) + "' is";
    report.error(node.key_mark, node.path, std::move(message));
  }
  node.invalidate();
}

// The known key in `text`, where only the space behind its ':' is missing: level:info.
std::string_view key_without_space(std::string_view text, const Shape& shape) {
  const std::string_view key = text.substr(0, text.find(':'));
  return key.size() < text.size() && find_key(shape, key) != nullptr ? key : std::string_view();
}

// A key as paths show it: a value that became a part of it, by a slip or from a variable, is left out.
std::string path_name(const Node& child, const Shape& parent) {
  const bool map = parent.kind == Shape::Kind::map;
  if (child.key_from_variable && !(map && find_key(parent, child.key) != nullptr)) return from_variable(child);
  const std::string_view key = map ? key_without_space(child.key, parent) : std::string_view();
  return key.empty() ? child.key : std::string(key);
}

void refuse_unknown(Node& child, const Shape& parent, Report& report) {
  const bool slip = !key_without_space(child.key, parent).empty();
  report.error(child.key_mark, child.path,
               slip ? "a ':' needs a space behind it" : "unknown key" + suggestion(child.key, key_names(parent)));
  child.invalidate();
}

Node child_of(const Node& parent, Node::Kind kind, std::string key) {
  Node child;
  child.kind = kind;
  child.key = std::move(key);
  child.implied = true;
  child.mark = child.key_mark = parent.mark;
  child.from = parent.from;
  return child;
}

Node as_list(Node item, const Node& parent) {
  Node list = child_of(parent, Node::Kind::list, std::move(item.key));
  item.key.clear();
  list.children.push_back(std::move(item));
  return list;
}

}  // namespace

std::vector<std::string_view> key_names(const Shape& shape) {
  std::vector<std::string_view> names;
  for (const Key& key : shape.keys)
    if (key.shown()) names.push_back(key.name);
  return names;
}

void expand_short_form(Node& node, const Shape& shape) {
  if (node.kind != Node::Kind::scalar) return;
  if (!shape.word.empty() && node.text == shape.word) {
    node.children.push_back(child_of(node, Node::Kind::scalar, ""));
    node.children.back().text = std::move(node.text);
    node.kind = Node::Kind::list;
    node.text.clear();
    return;
  }
  if (!shape.short_for.empty()) {
    Node value = child_of(node, Node::Kind::scalar, std::string(shape.short_for));
    value.text = std::move(node.text);
    value.quoted = node.quoted;
    const Shape& inner = *find_key(shape, shape.short_for)->shape;
    if (inner.kind == Shape::Kind::list) value = as_list(std::move(value), node);
    node.children.push_back(std::move(value));
  } else if (shape.word_is_key) {
    node.children.push_back(child_of(node, Node::Kind::map, node.text));
    node.children.back().key_from_variable = !node.from.empty();
  } else {
    return;
  }
  node.kind = Node::Kind::map;
  node.text.clear();
}

void check_key(Node& child, const Shape& parent, Report& report) {
  const Key* key = find_key(parent, child.key);
  if (key == nullptr) {
    refuse_unknown(child, parent, report);
  } else if (!key->built()) {
    refuse_unbuilt(child, *key, report);
  } else {
    check_shape(child, *key->shape, report);
  }
}

void check_shape(Node& node, const Shape& shape, Report& report) {
  if (node.kind == Node::Kind::invalid) return;
  expand_short_form(node, shape);
  if (shape.off && node.is_off()) return;
  if (!fits(node, shape)) {
    report.error(node, "expected " + expected(shape) + ", found " + found(node) + remedy(node, shape));
    node.invalidate();
    return;
  }
  std::size_t index = 0;
  for (Node& child : node.children) {
    const std::string name = shape.kind == Shape::Kind::list ? std::to_string(index++) : path_name(child, shape);
    child.path = child.implied ? node.path : join(node.path, name);
    if (shape.kind == Shape::Kind::map)
      check_key(child, shape, report);
    else
      check_shape(child, *shape.item, report);
  }
}

}  // namespace fusewire::config
