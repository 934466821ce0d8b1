// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/json_body.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <set>

#include "config/messages.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view kExpected = "the body must be a JSON object";

// Of a text that is JSON: finds a name that is given twice in the outermost object. A json::object has the last one.
class TwiceFinder {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  using Error = boost::system::error_code;
  using Text = json::string_view;

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_array_begin(Error&) { return ++depth_, true; }
  bool on_array_end(std::size_t, Error&) { return --depth_, true; }
  bool on_object_begin(Error&) { return ++depth_, true; }
  bool on_object_end(std::size_t, Error&) { return --depth_, true; }
  bool on_string_part(Text, std::size_t, Error&) { return true; }
  bool on_string(Text, std::size_t, Error&) { return true; }
  bool on_key_part(Text part, std::size_t, Error&) { return key_.append(part.data(), part.size()), true; }
  bool on_key(Text part, std::size_t, Error&) {
    key_.append(part.data(), part.size());
    if (depth_ == 1 && twice_.empty() && !seen_.insert(key_).second) twice_ = config::quote(key_);
    key_.clear();
    return true;
  }
  bool on_number_part(Text, Error&) { return true; }
  bool on_int64(std::int64_t, Text, Error&) { return true; }
  bool on_uint64(std::uint64_t, Text, Error&) { return true; }
  bool on_double(double, Text, Error&) { return true; }
  bool on_bool(bool, Error&) { return true; }
  bool on_null(Error&) { return true; }
  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

  const std::string& twice() const { return twice_; }  // quoted; empty: there is none

 private:
  int depth_ = 0;
  std::string key_;
  std::set<std::string> seen_;
  std::string twice_;
};

std::string twice_in(std::string_view body) {
  json::basic_parser<TwiceFinder> finder{json::parse_options{}};
  boost::system::error_code error;
  finder.write_some(false, body.data(), body.size(), error);
  return finder.handler().twice();
}

// "line 1, column 14"
std::string place_of(std::string_view body, std::size_t at) {
  const std::string_view before = body.substr(0, at);
  const auto lines = std::ranges::count(before, '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(lines + 1) + ", column " + std::to_string(at - line_begin + 1);
}

}  // namespace

JsonBody parse_object(std::string_view body) {
  JsonBody parsed;
  const auto refuse = [&parsed](std::initializer_list<std::string_view> why) {
    parsed.error = kExpected;
    for (const std::string_view part : why) parsed.error.append(part);
    return parsed;
  };
  if (body.empty()) return refuse({", and is empty"});
  json::parser parser;
  boost::system::error_code error;
  const std::size_t read = parser.write_some(body.data(), body.size(), error);
  if (error) return refuse({": ", place_of(body, read), ": ", error.message()});
  const std::size_t rest = body.find_first_not_of(" \t\r\n", read);
  if (rest != std::string_view::npos) return refuse({": ", place_of(body, rest), ": something follows it"});
  json::value value = parser.release();
  if (!value.is_object()) return refuse({});
  parsed.object = std::move(value.as_object());
  if (const std::string twice = twice_in(body); !twice.empty()) parsed.error = twice + " is given more than once";
  return parsed;
}

}  // namespace fusewire::proxy::admin
