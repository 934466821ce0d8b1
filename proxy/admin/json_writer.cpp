// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/json_writer.hpp"

#include <array>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

void append(std::string& out, const json::value&);

void append_number(std::string& out, double number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  if (std::isfinite(number))
    out.append(digits.data(), end);
  else
    out += "null";
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
    out += json::serialize(member.key());
    out += ':';
    append(out, member.value());
  }
  out += '}';
}

void append(std::string& out, const json::value& value) {
  if (const auto* object = value.if_object())
    append_object(out, *object);
  else if (const auto* array = value.if_array())
    append_array(out, *array);
  else if (const auto* number = value.if_double())
    append_number(out, *number);
  else
    out += json::serialize(value);
}

}  // namespace

std::string to_text(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace fusewire::proxy::admin
