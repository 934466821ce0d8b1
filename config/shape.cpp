// SPDX-License-Identifier: Apache-2.0
#include "config/shape.hpp"

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
  return shape.off ? what + " or 'off'" : what;
}

// Secrets live in scalars, and a scalar in the wrong place may be one.
std::string found(const Node& node) { return node.kind == Node::Kind::scalar ? "a single value" : describe(node); }

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

Node child_of(const Node& parent, Node::Kind kind, std::string key) {
  Node child;
  child.kind = kind;
  child.key = std::move(key);
  child.implied = true;
  child.mark = child.key_mark = parent.mark;
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
  for (const Key& key : shape.keys) names.push_back(key.name);
  return names;
}

void expand_short_form(Node& node, const Shape& shape) {
  if (node.kind != Node::Kind::scalar) return;
  if (!shape.short_for.empty()) {
    Node value = child_of(node, Node::Kind::scalar, std::string(shape.short_for));
    value.text = std::move(node.text);
    value.quoted = node.quoted;
    const Shape& inner = *find_key(shape, shape.short_for)->shape;
    if (inner.kind == Shape::Kind::list) value = as_list(std::move(value), node);
    node.children.push_back(std::move(value));
  } else if (shape.word_is_key) {
    node.children.push_back(child_of(node, Node::Kind::map, node.text));
  } else {
    return;
  }
  node.kind = Node::Kind::map;
  node.text.clear();
}

void check_key(Node& child, const Shape& parent, Report& report) {
  const Key* key = find_key(parent, child.key);
  if (key == nullptr) {
    report.error(child.key_mark, child.path, "unknown key" + suggestion(child.key, key_names(parent)));
    child.invalidate();
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
    report.error(node, "expected " + expected(shape) + ", found " + found(node));
    node.invalidate();
    return;
  }
  std::size_t index = 0;
  for (Node& child : node.children) {
    const std::string name = shape.kind == Shape::Kind::list ? std::to_string(index++) : child.key;
    child.path = child.implied ? node.path : join(node.path, name);
    if (shape.kind == Shape::Kind::map)
      check_key(child, shape, report);
    else
      check_shape(child, *shape.item, report);
  }
}

}  // namespace fusewire::config
