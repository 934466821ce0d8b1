// SPDX-License-Identifier: Apache-2.0
#include "config/syntax_advice.hpp"

#include <vector>

namespace fusewire::config {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

bool has_key(std::string_view line) {
  return line.find(": ") != std::string_view::npos || line.find(":\t") != std::string_view::npos || line.ends_with(':');
}

// The number (from 1) of the line above that says something; 0: none does.
std::size_t line_above(const std::vector<std::string_view>& lines, std::size_t at) {
  while (at > 0 && (trimmed(lines[at - 1]).empty() || trimmed(lines[at - 1]).starts_with('#'))) --at;
  return at;
}

// That the line above has no key; empty where it has one.
std::string explain_missing_colon(const std::vector<std::string_view>& lines, std::size_t above) {
  const std::string_view before = above > 0 ? trimmed(lines[above - 1]) : std::string_view();
  if (before.empty() || has_key(before) || before.starts_with('-') || before.ends_with('}')) return {};
  const std::string number = std::to_string(above);
  if (before.find(':') == std::string_view::npos) return "is a ':' missing in line " + number + "?";
  return "a ':' needs a space behind it, in line " + number;
}

// A ':' where no value may begin: something is wrong with the line above, or with this one.
std::string explain_map_value(const std::vector<std::string_view>& lines, std::size_t at) {
  const std::size_t above = line_above(lines, at);
  if (std::string missing = explain_missing_colon(lines, above); !missing.empty()) return missing;
  const std::string_view own = trimmed(lines[at]);
  const std::size_t first = own.find(": ");
  if (first != std::string_view::npos && own.find(": ", first + 1) != std::string_view::npos)
    return "a second ': ' in one line; write the value in quotes";
  if (above > 0 && indentation(lines[at]) > indentation(lines[above - 1]))
    return "this line is indented below line " + std::to_string(above) + ", which has a value already";
  return "a ':' where no value can begin; is the indentation right?";
}

bool is_variable(std::string_view line, std::size_t brace) {
  return brace > 0 && brace < line.size() && line[brace] == '{' && line[brace - 1] == '$';
}

}  // namespace

std::string explain_syntax(std::string_view text, int line, int column, const std::string& said) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (line < 1 || static_cast<std::size_t>(line) > lines.size()) return said;
  const auto at = static_cast<std::size_t>(line - 1);
  const bool flow = said.find("flow not found") != std::string::npos;
  if (flow && is_variable(lines[at], static_cast<std::size_t>(column - 1)))
    return R"(inside [ ] and { } a variable is written in quotes: "${NAME}")";
  if (lines[at].substr(0, indentation(lines[at])).find('\t') != std::string_view::npos)
    return "a tab in the indentation; write spaces";
  if (said == "illegal map value") return explain_map_value(lines, at);
  if (said.starts_with("end of map flow")) return "a '{' without its '}', or a ',' that is missing";
  if (said.starts_with("end of sequence flow")) return "a '[' without its ']', or a ',' that is missing";
  if (said.starts_with("end of map") || said.starts_with("end of sequence")) {
    const std::string missing = explain_missing_colon(lines, line_above(lines, at));
    return missing.empty() ? "the indentation of this line fits none above it" : missing;
  }
  if (said == "unknown token") return "a value that begins with '@', '%' or '`' is written in quotes";
  if (said.find("anchor is not defined") != std::string::npos)
    return "no anchor of that name stands above; a value that begins with '*' is written in quotes";
  return said;
}

}  // namespace fusewire::config
