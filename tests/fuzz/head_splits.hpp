// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "proxy/http/head_parser.hpp"
#include "tests/fuzz/check.hpp"

namespace fusewire::fuzz {

// The verdict on `bytes`, after some of their beginnings have been seen to agree with it: nothing is complete before
// its last byte, and nothing that was refused gets better with more bytes.
template <class Parse>
proxy::http::HeadResult parse_split(std::string_view bytes, std::size_t stride, Parse parse) {
  using proxy::http::Parsed;
  const Exact all(bytes);
  const proxy::http::HeadResult whole = parse(all.view());
  require((whole.parsed == Parsed::refused) == (whole.problem != Problem::none));
  const bool complete = whole.parsed == Parsed::complete;
  if (complete) require(whole.size > 0 && whole.size <= bytes.size());
  const std::size_t end = complete ? whole.size : bytes.size();
  const auto check = [&](std::size_t size) {
    const Exact some(bytes.substr(0, size));
    const auto part = parse(some.view()).parsed;
    require(part == Parsed::incomplete || (part == Parsed::refused && whole.parsed == Parsed::refused));
  };
  for (std::size_t size = 0; size < end; size += stride) check(size);
  if (end > 0) check(end - 1);
  if (complete) {
    const Exact alone(bytes.substr(0, end));
    const auto again = parse(alone.view());
    require(again.parsed == Parsed::complete && again.size == end);
  }
  return whole;
}

}  // namespace fusewire::fuzz
