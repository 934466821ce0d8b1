// SPDX-License-Identifier: Apache-2.0
#include "config/variables.hpp"

#include <map>
#include <optional>
#include <string_view>

#include "config/document.hpp"

namespace fusewire::config {
namespace {

bool is_name(std::string_view text) {
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

 private:
  void replace(Node& node, const std::string& path) {
    if (node.text.find("${") == std::string::npos) return;
    std::string error;
    std::optional<std::string> text = expand(node, error);
    if (text) {
      node.text = *std::move(text);
    } else {
      report_.error(node.mark, path, std::move(error));
      node.invalidate();
    }
  }

  std::optional<std::string> expand(Node& node, std::string& error) const {
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
        const std::optional<std::string> value = take_reference(rest, error);
        if (!value) return std::nullopt;
        out += *value;
        node.quoted = false;  // "${PORT}" may be a number
      }
    }
    return out;
  }

  std::optional<std::string> take_reference(std::string_view& rest, std::string& error) const {
    const std::size_t end = rest.find('}');
    if (end == std::string_view::npos) {
      error = "'${' without '}'; write '$${' for a literal '${'";
      return std::nullopt;
    }
    const std::string_view inside = rest.substr(2, end - 2);
    rest.remove_prefix(end + 1);
    const std::size_t split = inside.find(":-");
    const std::string_view name = inside.substr(0, split);
    if (!is_name(name) || inside.find("${") != std::string_view::npos) {
      error = "expected ${NAME} or ${NAME:-default}, found " + quote("${" + std::string(inside) + "}");
      return std::nullopt;
    }
    std::optional<std::string> fallback;
    if (split != std::string_view::npos) fallback = inside.substr(split + 2);
    return value_of(std::string(name), fallback, error);
  }

  std::optional<std::string> value_of(const std::string& name, const std::optional<std::string>& fallback,
                                      std::string& error) const {
    const auto it = values_.find(name);
    if (it != values_.end() && find_bad_utf8(it->second)) {
      error = "the variable " + name + " is not valid UTF-8";
      return std::nullopt;
    }
    if (it != values_.end() && !(it->second.empty() && fallback)) return it->second;
    if (!fallback) error = "the variable " + name + " is not set; ${" + name + ":-default} gives it a default";
    return fallback;
  }

  std::map<std::string, std::string> values_;
  Report& report_;
};

}  // namespace

void substitute_variables(Node& root, const Environment& environment, Report& report) {
  Substitution(environment, report).walk(root, {});
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
