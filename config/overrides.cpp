// SPDX-License-Identifier: Apache-2.0
#include "config/overrides.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "config/diagnostic.hpp"
#include "config/document.hpp"
#include "config/key.hpp"
#include "config/key_path.hpp"
#include "config/messages.hpp"
#include "config/report.hpp"
#include "config/shape.hpp"
#include "config/utf8.hpp"

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
    for (const Diagnostic& error : own.errors()) {
      const bool quotable = origin != Origin::environment && !error.key_path.empty();
      report.error(Mark{origin}, quotable ? join(path, error.key_path) : path, error.message);
    }
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

// All that came out of a variable.
void note_source(Node& node, const std::string& variable) {
  node.from = variable;
  for (Node& child : node.children) {
    child.key_from_variable = !child.key.empty();
    note_source(child, variable);
  }
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
  node.from.clear();
}

void replace(Node& target, Node value, const Shape& parent, Report& report) {
  value.key = std::move(target.key);
  value.key_from_variable = false;
  value.path = std::move(target.path);
  target = std::move(value);
  if (parent.kind == Shape::Kind::map)
    check_key(target, parent, report);
  else
    check_shape(target, *parent.item, report);
}

const Shape* shape_below(const Shape& shape, const std::string& name) {
  return shape.kind == Shape::Kind::map ? find_key(shape, name)->shape.get() : shape.item.get();
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

// A list is overridden by positions that it has in the file, or as a whole.
std::string no_position(const Resolution& resolution) {
  const std::string list = to_string(resolution.reached);
  const std::size_t size = *resolution.list_size;
  std::string has = "has no items";
  if (size == 1) has = "has one item, 0";
  if (size > 1) has = "has the items 0 to " + std::to_string(size - 1);
  return "no item " + quote(resolution.unknown) + ": '" + list + "' " + has +
         " in the file; more are set with the whole list: " + list + "=[…]";
}

std::string unknown_key(const Resolution& resolution) {
  if (resolution.list_size) return no_position(resolution);
  const std::vector<std::string_view> candidates(resolution.candidates.begin(), resolution.candidates.end());
  const std::string where = resolution.reached.empty() ? "" : " in '" + to_string(resolution.reached) + "'";
  return "unknown key " + quote(resolution.unknown) + where + suggestion(resolution.unknown, candidates);
}

std::string in_capitals(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (c == '-' || c == '.') c = '_';
  }
  return text;
}

// The name as it is spelled with two underscores, where one was written: FUSEWIRE_LOG_LEVEL, FUSEWIRE__LOG_LEVEL.
std::optional<std::string> meant_by(const Node& root, const Shape& shape, std::string_view rest) {
  std::string single;
  for (std::size_t i = 0; i < rest.size(); ++i)
    if (rest[i] != '_' || i == 0 || rest[i - 1] != '_') single += rest[i];
  const Resolution found = resolve(root, shape, single, Spelling::single);
  if (found.paths.size() != 1) return std::nullopt;
  std::string name = "FUSEWIRE";
  std::size_t matched = 0;
  for (const std::string& key : found.paths.front()) {
    matched += key.size() + 1;
    name += "__";
    name += in_capitals(key);
  }
  // A key that is not built takes whatever follows it.
  return matched == single.size() + 1 ? std::optional(name) : std::nullopt;
}

// Variables that the program reads beside the configuration, or that images and clusters set.
bool is_read_elsewhere(std::string_view name) {
  constexpr std::string_view kOthers[] = {"FUSEWIRE_CONFIG", "FUSEWIRE_ADMIN", "FUSEWIRE_TOKEN", "FUSEWIRE_VERSION"};
  return std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers);
}

void apply_variable(Node& root, const Shape& shape, const std::string& name, const std::string& text, Report& report,
                    std::map<std::string, std::string>& taken) {
  const Mark mark{Origin::environment};
  write_out_listen(root);
  const Resolution found = resolve(root, shape, std::string_view(name).substr(kPrefix.size()), Spelling::environment);
  if (found.paths.empty()) {
    const auto meant = meant_by(root, shape, std::string_view(name).substr(kPrefix.size()));
    return report.error(mark, name, meant ? "unknown key; did you mean " + *meant + "?" : unknown_key(found));
  }
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
  std::optional<Node> value = parse_value(text, Origin::environment, path, report);
  if (!value) return;
  note_source(*value, name);
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

void warn_of_variables(const Node& root, const Shape& shape, const Environment& environment,
                       const std::set<std::string>& referenced, Report& report) {
  constexpr std::string_view kBegin = "FUSEWIRE_";
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(kBegin) || has_prefix(name) || is_read_elsewhere(name) || referenced.contains(name)) continue;
    if (const auto meant = meant_by(root, shape, std::string_view(name).substr(kBegin.size())))
      report.warn(Mark{Origin::environment}, name, "this variable is not read; did you mean " + *meant + "?");
  }
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

}  // namespace fusewire::config
