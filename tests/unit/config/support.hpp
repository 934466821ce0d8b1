// SPDX-License-Identifier: Apache-2.0
// Short ways to load a text and to look at what came of it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace fusewire::config {

inline std::vector<std::string> lines_of(const std::vector<Diagnostic>& diagnostics) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : diagnostics) lines.push_back(diagnostic.to_string());
  return lines;
}

inline LoadResult load_text(std::string text) { return load({.name = "f", .text = std::move(text)}); }

// Two lines that make any other section a whole file; the section begins in line 4.
inline const std::string kListenAndOrders = "listen: 127.0.0.1:8080\nupstreams:\n  orders: http://127.0.0.1:9000\n";

inline LoadResult load_with(const std::string& section) { return load_text(kListenAndOrders + section); }

// The keys of one upstream, `keys` at an indentation of four; they begin in line 5.
inline std::string upstream_file(const std::string& keys) {
  return "listen: 127.0.0.1:8080\nupstreams:\n  orders:\n    endpoints: [http://127.0.0.1:9000]\n" + keys;
}
inline LoadResult load_upstream(const std::string& keys) { return load_text(upstream_file(keys)); }

// A configuration that must be good; what was wrong is printed where it is not.
inline Config good(const LoadResult& result) {
  CAPTURE(lines_of(result.errors));
  REQUIRE(result.config);
  REQUIRE(result.errors.empty());
  return *result.config;
}

inline Upstream good_upstream(const std::string& keys) { return good(load_upstream(keys)).upstreams.at(0); }

using Lines = std::vector<std::string>;

}  // namespace fusewire::config

namespace doctest {
template <>
struct StringMaker<std::vector<std::string>> {
  static String convert(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += "\n  " + line;
    return text.c_str();
  }
};
}  // namespace doctest
