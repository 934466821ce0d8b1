// SPDX-License-Identifier: Apache-2.0
#include "proxy/webhooks/json_template.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace fusewire::proxy {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 12> kPlaceholders = {
    "event", "breaker", "upstream", "from", "to", "reason", "text", "at", "mode", "source", "held_back", "id"};

std::string listed() {
  std::string text;
  for (const std::string_view name : kPlaceholders) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

// Calls `visit(std::string)` for each string that is a value, and stores what it returns.
template <class Visit>
void for_each_string(json::value& value, Visit& visit) {
  if (json::object* object = value.if_object())
    for (auto& member : *object) for_each_string(member.value(), visit);
  else if (json::array* array = value.if_array())
    for (json::value& item : *array) for_each_string(item, visit);
  else if (const json::string* text = value.if_string())
    value = visit(std::string(*text));
}

// `value_of(name)` in the place of each {{name}}.
template <class ValueOf>
std::string filled(const std::string& text, ValueOf value_of) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t begin = 0; (begin = text.find("{{", from)) != std::string::npos;) {
    const std::size_t end = text.find("}}", begin);
    if (end == std::string::npos) break;
    out.append(text, from, begin - from);
    out += value_of(std::string_view(text).substr(begin + 2, end - begin - 2));
    from = end + 2;
  }
  return out.append(text, from);
}

}  // namespace

std::string judge_template(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error) return "the template is no JSON: " + error.message();
  std::string unknown;
  auto look = [&unknown](const std::string& string) {
    return filled(string, [&unknown](std::string_view name) {
      if (std::find(kPlaceholders.begin(), kPlaceholders.end(), name) == kPlaceholders.end()) unknown = name;
      return std::string();
    });
  };
  for_each_string(value, look);
  return unknown.empty() ? unknown : "there is no {{" + unknown + "}}; expected one of: " + listed();
}

std::string fill_template(const std::string& text, const std::function<std::string(std::string_view)>& value_of) {
  json::value value = json::parse(text);
  auto fill = [&value_of](const std::string& string) { return filled(string, value_of); };
  for_each_string(value, fill);
  return json::serialize(value);
}

}  // namespace fusewire::proxy
