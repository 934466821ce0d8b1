// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "proxy/text/json_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

void append(std::string& out, const json::value&);

template <class Number>
void append_digits(std::string& out, Number number) {
  std::array<char, 32> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_array(std::string& out, const json::array& array) {
  out += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i > 0) out += ',';
    append(out, array[i]);
  }
  out += ']';
}

void append_object(std::string& out, const json::object& object) {
  out += '{';
  for (const auto& member : object) {
    if (&member != &*object.begin()) out += ',';
    append_json(out, member.key());
    out += ':';
    append(out, member.value());
  }
  out += '}';
}

void append(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      return append_object(out, value.get_object());
    case json::kind::array:
      return append_array(out, value.get_array());
    case json::kind::string:
      return append_json(out, value.get_string());
    case json::kind::int64:
      return append_digits(out, value.get_int64());
    case json::kind::uint64:
      return append_digits(out, value.get_uint64());
    case json::kind::double_:
      if (std::isfinite(value.get_double())) return append_digits(out, value.get_double());
      break;  // JSON has no such number
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case json::kind::null:
      break;
  }
  out += "null";
}

}  // namespace

std::string to_text(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace fusewire::proxy::admin
