// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/dot_segments.hpp"

#include <cstddef>

#include "filters/message.hpp"

namespace fusewire::proxy::http {

namespace {

// The character at the beginning, decoded where it is one that matters here; takes it off.
char take(std::string_view& path) noexcept {
  char c = path.front();
  std::size_t size = 1;
  if (c == '%' && path.size() >= 3) {
    const char high = path[1];
    const char low = lower(path[2]);
    const char decoded = high == '2' && low == 'e'   ? '.'
                         : high == '2' && low == 'f' ? '/'
                         : high == '5' && low == 'c' ? '\\'
                         : high == '3' && low == 'b' ? ';'
                                                     : '\0';
    if (decoded != '\0') {
      c = decoded;
      size = 3;
    }
  }
  path.remove_prefix(size);
  return c;
}

bool ends_segment(char c) noexcept { return c == '/' || c == '\\'; }

}  // namespace

bool has_dot_segments(std::string_view path) noexcept {
  std::size_t dots = 0;  // of the segment so far, which has nothing else while only_dots
  bool only_dots = true;
  bool in_parameters = false;
  const auto is_one = [&] { return only_dots && (dots == 1 || dots == 2); };
  while (!path.empty()) {
    const char c = take(path);
    if (ends_segment(c)) {
      if (is_one()) return true;
      dots = 0;
      only_dots = true;
      in_parameters = false;
    } else if (c == ';') {
      in_parameters = true;
    } else if (!in_parameters) {
      c == '.' ? void(++dots) : void(only_dots = false);
    }
  }
  return is_one();
}

}  // namespace fusewire::proxy::http
