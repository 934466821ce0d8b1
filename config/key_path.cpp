// SPDX-License-Identifier: Apache-2.0
#include "config/key_path.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "config/key.hpp"

namespace fusewire::config {
namespace {

class Resolver {
 public:
  Resolver(Spelling spelling, std::string_view text)
      : separator_(separator_of(spelling)), spelling_(spelling), whole_(text.size()) {}

  // `rest` is normalized.
  void walk(const Node* node, const Shape& shape, std::string_view rest) {
    switch (shape.kind) {
      case Shape::Kind::map:
        for (const Key& key : shape.keys) step(node, key.name, key.shape.get(), rest);
        miss(key_names(shape), rest);
        return;
      case Shape::Kind::names:
        if (node != nullptr)
          for (const Node& child : node->children) step(node, child.key, shape.item.get(), rest);
        miss(child_names(node), rest);
        return;
      case Shape::Kind::list:
        return walk_list(node, *shape.item, rest);
      case Shape::Kind::scalar:
        miss({}, rest);
        return;
    }
  }

  Resolution result() {
    const auto longer = [](const KeyPath& a, const KeyPath& b) {
      return std::lexicographical_compare(
          a.begin(), a.end(), b.begin(), b.end(),
          [](const std::string& x, const std::string& y) { return x.size() > y.size(); });
    };
    std::stable_sort(result_.paths.begin(), result_.paths.end(), longer);
    return std::move(result_);
  }

  std::string normalize(std::string_view text) const {
    std::string out(text);
    if (spelling_ == Spelling::dotted) return out;
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      if (c == '-' || c == '.') c = '_';
    }
    return out;
  }

 private:
  static std::string_view separator_of(Spelling spelling) {
    if (spelling == Spelling::dotted) return ".";
    return spelling == Spelling::environment ? "__" : "_";
  }

  // The part of `rest` behind `name`; nullopt when it does not begin with it.
  std::optional<std::string_view> behind(std::string_view rest, std::string_view name) const {
    const std::string wanted = normalize(name);
    if (!rest.starts_with(wanted)) return std::nullopt;
    rest.remove_prefix(wanted.size());
    if (rest.empty()) return rest;
    if (!rest.starts_with(separator_) || rest.size() == separator_.size()) return std::nullopt;
    return rest.substr(separator_.size());
  }

  // A key that is not built (no shape) takes whatever follows: it is refused as a whole.
  void step(const Node* node, std::string_view name, const Shape* shape, std::string_view rest) {
    const std::optional<std::string_view> next = behind(rest, name);
    if (!next) return;
    path_.emplace_back(name);
    if (next->empty() || shape == nullptr)
      result_.paths.push_back(path_);
    else
      walk(node != nullptr ? node->find(name) : nullptr, *shape, *next);
    path_.pop_back();
  }

  void walk_list(const Node* node, const Shape& item, std::string_view rest) {
    const std::size_t count = node != nullptr && node->kind == Node::Kind::list ? node->children.size() : 0;
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    const std::string_view digits = rest.substr(0, static_cast<std::size_t>(end - rest.data()));
    const std::optional<std::string_view> next = behind(rest, digits);
    if (error != std::errc{} || index >= count || !next) {
      if (miss({}, rest)) result_.list_size = count;
      return;
    }
    path_.push_back(std::to_string(index));
    if (next->empty())
      result_.paths.push_back(path_);
    else
      walk(&node->children[index], item, *next);
    path_.pop_back();
  }

  static std::vector<std::string> key_names(const Shape& shape) {
    std::vector<std::string> names;
    for (const Key& key : shape.keys)
      if (key.shown()) names.emplace_back(key.name);
    return names;
  }

  static std::vector<std::string> child_names(const Node* node) {
    std::vector<std::string> names;
    if (node == nullptr) return names;
    for (const Node& child : node->children)
      if (!child.key_from_variable) names.push_back(child.key);
    return names;
  }

  // Remembers the furthest place that was reached without a fit below it; says whether it is this one.
  bool miss(std::vector<std::string> candidates, std::string_view rest) {
    if (!result_.paths.empty() || rest.size() > unmatched_) return false;
    if (rest.size() == unmatched_ && !result_.unknown.empty()) return false;
    unmatched_ = rest.size();
    result_.reached = path_;
    result_.unknown = rest.substr(0, rest.find(separator_));
    result_.candidates = std::move(candidates);
    result_.list_size.reset();
    return true;
  }

  std::string_view separator_;
  Spelling spelling_;
  std::size_t whole_;
  std::size_t unmatched_ = whole_;
  KeyPath path_;
  Resolution result_;
};

}  // namespace

Resolution resolve(const Node& root, const Shape& shape, std::string_view text, Spelling spelling) {
  Resolver resolver(spelling, text);
  const std::string normalized = resolver.normalize(text);
  resolver.walk(&root, shape, normalized);
  return resolver.result();
}

std::string to_string(const KeyPath& path) {
  std::string text;
  for (const std::string& key : path) text = join(text, key);
  return text;
}

}  // namespace fusewire::config
