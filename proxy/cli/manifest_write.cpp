// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "proxy/cli/manifest_value.hpp"

namespace fusewire::cli::manifest {
namespace {

using Kind = Value::Kind;

std::string hex(unsigned byte) {
  constexpr std::string_view kHex = "0123456789abcdef";
  return {kHex[byte >> 4], kHex[byte & 15]};
}

// What YAML 1.1 takes for the end of a line, or for no character of a text: NEL, LS, PS, BOM.
constexpr std::pair<std::string_view, std::string_view> kUnseen[] = {
    {"\xc2\x85", "\\u0085"}, {"\xe2\x80\xa8", "\\u2028"}, {"\xe2\x80\xa9", "\\u2029"}, {"\xef\xbb\xbf", "\\ufeff"}};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto unseen = std::ranges::find_if(kUnseen, [&](const auto& one) { return text.starts_with(one.first); });
    if (unseen != std::end(kUnseen)) {
      out += unseen->second;
      text.remove_prefix(unseen->first.size());
      continue;
    }
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (is_control(c))
      out += "\\x" + hex(static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}

// Whether the text can stand in a block, line by line, as it is.
bool fits_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text[0] == ' ' || text[0] == '\n' || text[0] == '\t') return false;
  if (std::ranges::any_of(text, [](char c) { return is_control(c) && c != '\n' && c != '\t'; })) return false;
  return std::ranges::none_of(kUnseen, [&](const auto& one) { return text.find(one.first) != std::string_view::npos; });
}

// From behind "key:" or "-": the sign that says what its end is, then its lines.
std::string block(std::string_view text, const std::string& indent) {
  std::string out = !text.ends_with('\n') ? "|-\n" : text.ends_with("\n\n") ? "|+\n" : "|\n";
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!line.empty()) out.append(indent).append(line);
    out += '\n';
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return out;
}

std::string scalar(const Value& value) {
  if (value.kind == Kind::null) return "null";
  return value.string ? quoted(value.text) : value.text;
}

std::string flow(const Value& value) {
  if (value.kind != Kind::list && value.kind != Kind::map) return scalar(value);
  std::string out;
  for (const Value& item : value.items) out += (out.empty() ? "" : ", ") + flow(item);
  for (const auto& [key, child] : value.entries) out += (out.empty() ? "" : ", ") + scalar(key) + ": " + flow(child);
  return value.kind == Kind::list ? "[" + out + "]" : "{" + out + "}";
}

bool on_one_line(const Value& value) {
  return value.kind == Kind::null || value.kind == Kind::scalar || value.flow || value.is_empty();
}

void lines(const Value& value, const std::string& indent, std::string& out);

// Behind "key:" or "-".
void rest_of_line(const Value& value, const std::string& indent, std::string& out) {
  if (value.kind == Kind::scalar && value.string && fits_block(value.text))
    out += block(value.text, indent);
  else
    out += flow(value) + '\n';
}

void lines(const Value& value, const std::string& indent, std::string& out) {
  for (const auto& [key, child] : value.entries) {
    out += indent + scalar(key) + ":";
    if (on_one_line(child)) {
      out += ' ';
      rest_of_line(child, indent + "  ", out);
    } else {
      out += '\n';
      lines(child, indent + "  ", out);
    }
  }
  for (const Value& item : value.items) {
    if (on_one_line(item)) {
      out += indent + "- ";
      rest_of_line(item, indent + "  ", out);
      continue;
    }
    // An item's first line begins with "- " in place of its indentation.
    const std::size_t first = out.size() + indent.size();
    lines(item, indent + "  ", out);
    out[first] = '-';
  }
}

}  // namespace

std::string write(const std::vector<Value>& documents) {
  std::string out;
  for (const Value& document : documents) {
    if (&document != &documents.front()) out += "---\n";
    if (on_one_line(document))
      out += flow(document) + '\n';
    else
      lines(document, "", out);
  }
  return out;
}

}  // namespace fusewire::cli::manifest
