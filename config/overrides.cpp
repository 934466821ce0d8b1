// SPDX-License-Identifier: Apache-2.0
#include "config/overrides.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "config/document.hpp"
#include "config/key_path.hpp"
#include "config/shape.hpp"

namespace fusewire::config {
namespace {

constexpr std::string_view kPrefix = "FUSEWIRE__";

bool has_prefix(std::string_view name) {
  if (name.size() < kPrefix.size()) return false;
  return std::equal(kPrefix.begin(), kPrefix.end(), name.begin(),
                    [](char a, char b) { return a == (b >= 'a' && b <= 'z' ? static_cast<char>(b - 32) : b); });
}

// A list, a map or a quoted string is YAML; everything else is taken as it stands, so that `#` or `: ` in a value
// means nothing.
std::optional<Node> parse_value(const std::string& text, Origin origin, const std::string& path, Report& report) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first != std::string::npos && std::string_view("[{\"'").find(text[first]) != std::string_view::npos) {
    Report own{std::string()};
    std::optional<Node> node = parse_document(text, origin, own);
    for (const Diagnostic& error : own.errors())
      report.error(Mark{origin}, error.key_path.empty() ? path : join(path, error.key_path), error.message);
    return own.failed() ? std::nullopt : node;
  }
  Node node;
  node.mark = node.key_mark = {origin};
  if (find_bad_utf8(text)) {
    report.error(node.mark, path, "not valid UTF-8");
    return std::nullopt;
  }
  node.kind = Node::Kind::scalar;
  node.text = text;
  return node;
}

Node& child_at(Node& parent, const Shape& shape, const std::string& name, Origin origin) {
  if (shape.kind == Shape::Kind::list) {
    std::size_t index = 0;
    std::from_chars(name.data(), name.data() + name.size(), index);
    return parent.children[index];
  }
  if (Node* existing = parent.find(name)) return *existing;
  Node child;
  child.key = name;
  child.mark = child.key_mark = {origin};
  child.path = join(parent.path, name);
  return parent.children.emplace_back(std::move(child));
}

// Where a map belongs and none is yet: a short form is written out, `off` is switched on.
void make_room(Node& node, const Shape& shape) {
  expand_short_form(node, shape);
  if (node.kind != Node::Kind::scalar && node.kind != Node::Kind::null) return;
  node.kind = shape.kind == Shape::Kind::list ? Node::Kind::list : Node::Kind::map;
  node.text.clear();
}

void replace(Node& target, Node value, const Shape& parent, Report& report) {
  value.key = std::move(target.key);
  value.path = std::move(target.path);
  target = std::move(value);
  if (parent.kind == Shape::Kind::map)
    check_key(target, parent, report);
  else
    check_shape(target, *parent.item, report);
}

const Shape* shape_below(const Shape& shape, const std::string& name) {
  return shape.kind == Shape::Kind::map ? find_key(shape, name)->shape : shape.item;
}

// `path` has been resolved against `root`: every key on it is in the table, every name and position exists.
void set_at(Node& root, const Shape& root_shape, const KeyPath& path, Node value, Report& report) {
  Node* node = &root;
  const Shape* shape = &root_shape;
  const Shape* parent = nullptr;
  for (const std::string& name : path) {
    if (node->kind == Node::Kind::invalid) return;  // reported already
    make_room(*node, *shape);
    node = &child_at(*node, *shape, name, value.mark.origin);
    parent = shape;
    shape = shape_below(*shape, name);
  }
  replace(*node, std::move(value), *parent, report);
}

// `listen: ADDR` is short for a list of one listener, whose keys can be overridden like any other's.
void write_out_listen(Node& root) {
  const Node* listen = root.find("listen");
  if (listen == nullptr || listen->kind != Node::Kind::scalar || root.find("listeners") != nullptr) return;
  Node address = *listen;
  address.key = "address";
  Node listener;
  listener.kind = Node::Kind::map;
  listener.path = "listeners.0";
  listener.mark = listener.key_mark = listen->key_mark;
  listener.children.push_back(std::move(address));
  Node list;
  list.kind = Node::Kind::list;
  list.implied = true;
  list.key = list.path = "listeners";
  list.mark = list.key_mark = listen->key_mark;
  list.children.push_back(std::move(listener));
  root.children.push_back(std::move(list));
  std::erase_if(root.children, [](const Node& child) { return child.key == "listen"; });
}

// Where what `path` names is to be found once the short form has been written out.
KeyPath in_full(const Node& root, const KeyPath& path) {
  const Node* listeners = root.find("listeners");
  const bool written_out = listeners != nullptr && listeners->implied;
  return written_out && path == KeyPath{"listen"} ? KeyPath{"listeners", "0", "address"} : path;
}

std::string unknown_key(const Resolution& resolution) {
  const std::vector<std::string_view> candidates(resolution.candidates.begin(), resolution.candidates.end());
  const std::string where = resolution.reached.empty() ? "" : " in '" + to_string(resolution.reached) + "'";
  return "unknown key " + quote(resolution.unknown) + where + suggestion(resolution.unknown, candidates);
}

void apply_variable(Node& root, const Shape& shape, const std::string& name, const std::string& text, Report& report,
                    std::map<std::string, std::string>& taken) {
  const Mark mark{Origin::environment};
  write_out_listen(root);
  const Resolution found = resolve(root, shape, std::string_view(name).substr(kPrefix.size()), Spelling::environment);
  if (found.paths.empty()) return report.error(mark, name, unknown_key(found));
  if (found.paths.size() > 1) {
    std::string message = "ambiguous; it fits";
    for (const KeyPath& path : found.paths)
      message += (&path == &found.paths.front() ? " " : " and ") + to_string(path);
    return report.error(mark, name, message);
  }
  const KeyPath key = in_full(root, found.paths.front());
  const std::string path = to_string(key);
  const auto [other, first] = taken.emplace(path, name);
  if (!first) return report.error(mark, path, "set by both " + other->second + " and " + name);
  if (std::optional<Node> value = parse_value(text, Origin::environment, path, report))
    set_at(root, shape, key, *std::move(value), report);
}

}  // namespace

void apply_environment(Node& root, const Shape& shape, const Environment& environment, Report& report) {
  Environment ours;
  for (const auto& variable : environment)
    if (has_prefix(variable.first)) ours.push_back(variable);
  // A whole map before the keys inside it, whatever the order of the environment.
  std::sort(ours.begin(), ours.end(), [](const auto& a, const auto& b) {
    return a.first.size() != b.first.size() ? a.first.size() < b.first.size() : a.first < b.first;
  });
  std::map<std::string, std::string> taken;
  for (const auto& [name, text] : ours) apply_variable(root, shape, name, text, report, taken);
}

void apply_settings(Node& root, const Shape& shape, const std::vector<std::string>& settings, Report& report) {
  const Mark mark{Origin::command_line};
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    const std::string name = setting.substr(0, equals);
    if (equals == std::string::npos) {
      report.error(mark, {}, "expected key.path=value");
      continue;
    }
    write_out_listen(root);
    const Resolution found = resolve(root, shape, name, Spelling::dotted);
    if (found.paths.empty()) {
      report.error(mark, name, unknown_key(found));
      continue;
    }
    if (std::optional<Node> value = parse_value(setting.substr(equals + 1), Origin::command_line, name, report))
      set_at(root, shape, in_full(root, found.paths.front()), *std::move(value), report);
  }
}

void merge_under(Node& over, const Node& under) {
  if (over.kind != Node::Kind::map || under.kind != Node::Kind::map) return;
  for (const Node& child : under.children) {
    if (Node* own = over.find(child.key))
      merge_under(*own, child);
    else
      over.children.push_back(child);
  }
}

}  // namespace fusewire::config
