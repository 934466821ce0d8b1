// SPDX-License-Identifier: Apache-2.0
// Request heads for the tests of their parser.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/head_parser.hpp"
#include "tests/support/exact_bytes.hpp"

namespace fusewire::testing {

using namespace fusewire::proxy::http;

struct Fault {
  const char* sentence;
  std::string bytes;
  Problem problem = Problem::bad_request;
};

inline std::string with(std::string_view field) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(field) + "\r\n\r\n";
}
inline std::string to(std::string_view target) { return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
inline std::string at_host(std::string_view host) {
  return "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}

// A head of that many bytes.
inline std::string head_of(std::size_t size) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
  return start + std::string(size - start.size() - 4, 'a') + "\r\n\r\n";
}
inline std::string line_of(std::size_t size) { return to("/" + std::string(size - 14, 'a')); }
inline std::string fields_of(std::size_t count) {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (std::size_t i = 1; i < count; ++i) text += "A: b\r\n";
  return text + "\r\n";
}

inline HeadResult parse(std::string_view bytes, Request& out) { return parse_request_head(bytes, HeadLimits{}, out); }

// The verdict on the whole, after every shorter beginning has been seen to be unfinished or refused for good.
inline HeadResult parse_at_every_split(std::string_view bytes) {
  bool refused = false;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ExactBytes some(bytes.substr(0, size));
    Request request;
    const HeadResult result = parse(some.view(), request);
    CAPTURE(size);
    REQUIRE(result.parsed != Parsed::complete);
    REQUIRE_FALSE((refused && result.parsed == Parsed::incomplete));
    refused = result.parsed == Parsed::refused;
  }
  const ExactBytes all(bytes);
  Request request;
  const HeadResult whole = parse(all.view(), request);
  if (refused) REQUIRE(whole.parsed == Parsed::refused);
  return whole;
}

inline void refuse_all(const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    CAPTURE(fault.sentence);
    const HeadResult result = parse_at_every_split(fault.bytes);
    CHECK(result.parsed == Parsed::refused);
    CHECK(result.problem == fault.problem);
    CHECK_FALSE(result.reason.empty());
  }
}

}  // namespace fusewire::testing
