// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/explanation.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "proxy/cli/number_text.hpp"

namespace fusewire::cli {
namespace {

namespace json = boost::json;

// What comes from a client has been made printable by the proxy; what else answers here is not trusted with a terminal.
std::string safe(const json::value& value) {
  if (value.is_null()) return "-";
  std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c == 127; }, '?');
  return text;
}

std::string at_text(const json::value& ms) {
  constexpr std::size_t kWidth = 10;
  std::string text = fixed_text(ms.to_number<double>(), 3);
  return text.size() < kWidth ? text.insert(0, kWidth - text.size(), ' ') : text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string joined(const json::array& words) {
  std::string text;
  for (const json::value& word : words) text += (text.empty() ? "" : ",") + safe(word);
  return text.empty() ? "-" : text;
}

std::string about(const json::object& request) {
  std::string text = safe(request.at("method")) + ' ' + safe(request.at("path")) + "  " + safe(request.at("at")) +
                     "  " + safe(request.at("request_id")) + '\n';
  text += "  " + safe(request.at("summary")) + '\n';
  text += "  listener " + safe(request.at("listener")) + ", route " + safe(request.at("route")) + ", host " +
          safe(request.at("host")) + ", client " + safe(request.at("peer")) + '\n';
  text += "  flags " + joined(request.at("flags").as_array());
  if (!request.at("trace_id").is_null()) text += ", trace " + safe(request.at("trace_id"));
  return text + "\n\n";
}

std::string steps_of(const json::object& request) {
  std::size_t width = 0;
  for (const json::value& step : request.at("steps").as_array())
    width = std::max(width, safe(step.at("filter")).size());
  std::string text;
  for (const json::value& step : request.at("steps").as_array())
    text += at_text(step.at("at_ms")) + " ms  " + padded(safe(step.at("filter")), width) + "  " +
            safe(step.at("sentence")) + '\n';
  if (request.if_contains("incomplete")) text += "  … and more, for which there was no room\n";
  return text;
}

}  // namespace

std::string explanation(const json::value& answer) {
  std::string text;
  for (const json::value& request : answer.at("requests").as_array()) {
    if (!text.empty()) text += '\n';
    text += about(request.as_object()) + steps_of(request.as_object());
  }
  const std::size_t shown = answer.at("requests").as_array().size();
  const json::value* found = answer.as_object().if_contains("found");
  if (found != nullptr && found->to_number<std::size_t>() > shown)
    text += "\n… and " + std::to_string(found->to_number<std::size_t>() - shown) + " earlier ones with this id\n";
  return text;
}

}  // namespace fusewire::cli
