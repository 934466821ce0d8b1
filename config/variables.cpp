// SPDX-License-Identifier: Apache-2.0
#include "config/variables.hpp"

#include <map>
#include <optional>
#include <string_view>

#include "config/messages.hpp"
#include "config/report.hpp"
#include "config/utf8.hpp"

namespace fusewire::config {
namespace {

bool is_variable_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !letter(text[0])) return false;
  for (char c : text)
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  return true;
}

class Substitution {
 public:
  Substitution(const Environment& environment, Report& report)
      : values_(environment.begin(), environment.end()), report_(report) {}

  void walk(Node& node, const std::string& path) {
    if (node.kind == Node::Kind::scalar) replace(node, path);
    std::size_t index = 0;
    for (Node& child : node.children)
      walk(child, join(path, node.kind == Node::Kind::list ? std::to_string(index++) : child.key));
  }

  std::set<std::string> take_referenced() { return std::move(referenced_); }

 private:
  void replace(Node& node, const std::string& path) {
    std::string error;
    std::optional<std::string> text;
    if (is_shown_source(node.text))
      error = "'<from NAME>' is how a value is shown that came from a variable; write ${NAME}";
    else if (node.text.find("${") == std::string::npos)
      return;
    else
      text = expand(node, error);
    if (text) {
      node.text = *std::move(text);
    } else {
      report_.error(node.mark, path, std::move(error));
      node.invalidate();
    }
  }

  // What from_variable() makes: "<from HOST, PORT>".
  static bool is_shown_source(std::string_view text) {
    constexpr std::string_view kBegin = "<from ";
    if (!text.starts_with(kBegin) || !text.ends_with('>')) return false;
    text.remove_prefix(kBegin.size());
    text.remove_suffix(1);
    for (std::size_t comma = text.find(", "); comma != std::string_view::npos; comma = text.find(", ")) {
      if (!is_variable_name(text.substr(0, comma))) return false;
      text.remove_prefix(comma + 2);
    }
    return is_variable_name(text);
  }

  std::optional<std::string> expand(Node& node, std::string& error) {
    std::string_view rest = node.text;
    std::string out;
    while (!rest.empty()) {
      const std::size_t dollar = rest.find('$');
      out += rest.substr(0, dollar);
      if (dollar == std::string_view::npos) break;
      rest.remove_prefix(dollar);
      if (rest.starts_with("$${")) {
        out += "${";
        rest.remove_prefix(3);
      } else if (!rest.starts_with("${")) {
        out += '$';
        rest.remove_prefix(1);
      } else {
        const std::optional<std::string> value = take_reference(node, rest, error);
        if (!value) return std::nullopt;
        out += *value;
        node.quoted = false;  // "${PORT}" may be a number
      }
    }
    return out;
  }

  std::optional<std::string> take_reference(Node& node, std::string_view& rest, std::string& error) {
    const std::size_t end = rest.find('}');
    if (end == std::string_view::npos) {
      error = "'${' without '}'; write '$${' for a literal '${'";
      return std::nullopt;
    }
    const std::string_view inside = rest.substr(2, end - 2);
    rest.remove_prefix(end + 1);
    const std::size_t split = inside.find(":-");
    const std::string_view name = inside.substr(0, split);
    if (!is_variable_name(name) || inside.find("${") != std::string_view::npos) {
      error = "expected ${NAME} or ${NAME:-default}, found " + quote("${" + std::string(inside) + "}");
      return std::nullopt;
    }
    std::optional<std::string> fallback;
    if (split != std::string_view::npos) fallback = inside.substr(split + 2);
    return value_of(node, std::string(name), fallback, error);
  }

  std::optional<std::string> value_of(Node& node, const std::string& name, const std::optional<std::string>& fallback,
                                      std::string& error) {
    referenced_.insert(name);
    const auto it = values_.find(name);
    if (it != values_.end() && find_bad_utf8(it->second)) {
      error = "the variable " + name + " is not valid UTF-8";
      return std::nullopt;
    }
    if (it != values_.end() && !(it->second.empty() && fallback)) {
      note_source(node, name);
      return it->second;
    }
    if (!fallback) error = "the variable " + name + " is not set; ${" + name + ":-default} gives it a default";
    return fallback;
  }

  // A default that stands in is the file's own text.
  static void note_source(Node& node, const std::string& name) {
    const std::string list = ", " + node.from + ",";
    if (list.find(", " + name + ",") != std::string::npos) return;
    node.from += (node.from.empty() ? "" : ", ") + name;
  }

  std::map<std::string, std::string> values_;
  std::set<std::string> referenced_;
  Report& report_;
};

}  // namespace

std::set<std::string> substitute_variables(Node& root, const Environment& environment, Report& report) {
  Substitution substitution(environment, report);
  substitution.walk(root, {});
  return substitution.take_referenced();
}

std::string escape_variables(std::string_view text) {
  std::string out;
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${")) {
    out += text.substr(0, at);
    out += "$${";
    text.remove_prefix(at + 2);
  }
  return out += text;
}

}  // namespace fusewire::config
