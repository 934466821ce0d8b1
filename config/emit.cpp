// SPDX-License-Identifier: Apache-2.0
#include "config/emit.hpp"

#include <algorithm>

#include "config/scalars.hpp"
#include "config/variables.hpp"

namespace fusewire::config {
namespace {

// A JSON string, which YAML reads as well.
std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Begins with a letter or '/', and holds nothing that YAML gives a meaning to.
bool is_plain(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto harmless = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || std::string_view("_./-:").find(c) != std::string_view::npos;
  };
  if (text.empty() || !(letter(text[0]) || text[0] == '/') || text.back() == ':') return false;
  const std::string word = to_lower(text);
  if (word == "null" || word == "true" || word == "false" || word == "on" || word == "off") return false;
  return std::all_of(text.begin(), text.end(), harmless);
}

std::string yaml_string(std::string_view text) { return is_plain(text) ? std::string(text) : quoted(text); }

std::string yaml_scalar(const Node& node) { return node.quoted ? yaml_string(escape_variables(node.text)) : node.text; }

bool is_scalar(const Node& node) { return node.kind == Node::Kind::scalar; }

bool is_scalar_list(const Node& node) {
  return node.kind == Node::Kind::list && std::all_of(node.children.begin(), node.children.end(), is_scalar);
}

std::string flow_list(const Node& list) {
  std::string out = "[";
  for (const Node& item : list.children) out += (out.size() > 1 ? ", " : "") + yaml_scalar(item);
  return out + "]";
}

void yaml_block(const Node& node, const std::string& indent, std::string& out);

void yaml_value(const Node& node, const std::string& indent, std::string& out) {
  if (is_scalar(node)) {
    out += " " + yaml_scalar(node) + "\n";
  } else if (is_scalar_list(node)) {
    out += " " + flow_list(node) + "\n";
  } else if (node.children.empty()) {
    out += " {}\n";
  } else {
    out += "\n";
    yaml_block(node, indent + "  ", out);
  }
}

void yaml_block(const Node& node, const std::string& indent, std::string& out) {
  for (const Node& child : node.children) {
    if (node.kind == Node::Kind::map) {
      out += indent + yaml_string(child.key) + ":";
      yaml_value(child, indent, out);
      continue;
    }
    // An item's first line begins with "- " in place of its indentation.
    std::string item;
    yaml_block(child, indent + "  ", item);
    item[indent.size()] = '-';
    out += item;
  }
}

bool is_bare_json(const Node& node) {
  return !node.quoted && (node.text == "true" || node.text == "false" || parse_number(node.text).has_value());
}

void json_value(const Node& node, std::string& out) {
  if (is_scalar(node)) {
    out += is_bare_json(node) ? node.text : quoted(node.text);
    return;
  }
  const bool map = node.kind == Node::Kind::map;
  out += map ? '{' : '[';
  for (const Node& child : node.children) {
    if (&child != &node.children.front()) out += ',';
    if (map) out += quoted(child.key) + ":";
    json_value(child, out);
  }
  out += map ? '}' : ']';
}

}  // namespace

std::string emit_yaml(const Node& root) {
  std::string out;
  yaml_block(root, "", out);
  return out;
}

std::string emit_json(const Node& root) {
  std::string out;
  json_value(root, out);
  return out;
}

}  // namespace fusewire::config
