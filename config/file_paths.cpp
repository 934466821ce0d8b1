// SPDX-License-Identifier: Apache-2.0
#include "config/file_paths.hpp"

#include <filesystem>

#include "config/key.hpp"

namespace fusewire::config {
namespace {

namespace fs = std::filesystem;

// Word of `tls.ca` that names no file.
constexpr std::string_view kSystem = "system";

const Shape* shape_of(const Node& child, const Shape& parent) {
  if (parent.kind != Shape::Kind::map) return parent.item.get();
  const Key* key = find_key(parent, child.key);
  return key != nullptr ? key->shape.get() : nullptr;
}

void resolve(Node& node, const std::string& folder) {
  if (node.mark.origin != Origin::file || node.text.empty() || node.text == kSystem) return;
  if (fs::path(node.text).is_relative()) node.text = (fs::path(folder) / node.text).string();
}

void walk(Node& node, const Shape& shape, const std::string& folder) {
  if (node.kind == Node::Kind::scalar && shape.path) return resolve(node, folder);
  for (Node& child : node.children)
    if (const Shape* inner = shape_of(child, shape)) walk(child, *inner, folder);
}

}  // namespace

void resolve_paths(Node& root, const Shape& shape, const std::string& folder) { walk(root, shape, folder); }

std::string folder_of(const std::string& name) {
  std::error_code error;
  const fs::path folder = fs::absolute(fs::path(name), error).parent_path();
  return error ? std::string(".") : folder.string();
}

}  // namespace fusewire::config
