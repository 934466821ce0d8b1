// SPDX-License-Identifier: Apache-2.0
#include "config/pattern.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

namespace fusewire::config {
namespace {

TEST_CASE("a search takes a step for each byte and instruction, within bounds") {
  const CompiledPattern small("a|b.d");
  const std::size_t least = small.steps("");
  CHECK(least > 0);
  CHECK(small.steps(std::string(16, 'x')) == least);
  CHECK(small.steps(std::string(32, 'x')) == 2 * least);
  CHECK(small.steps(std::string(1024, 'x')) == 64 * least);
  CHECK(small.steps(std::string(5000, 'x')) == 64 * least);
  CHECK(CompiledPattern("a|b.de").steps("") > least);
  for (const std::string large : {"a.{70}c", "a.{240}c"})
    CHECK(CompiledPattern(large).steps(std::string(1024, 'x')) == CompiledPattern::kMaxSteps);
}

TEST_CASE("an expression that is searched for from the end is found, however large it may be") {
  const CompiledPattern pattern("a.{240}c$");
  CHECK(pattern.is_in("xa" + std::string(240, '.') + "c"));
  CHECK_FALSE(pattern.is_in("xa" + std::string(240, '.') + "cx"));
  CHECK_THROWS_AS(CompiledPattern("a.{260}c$"), std::invalid_argument);
}

}  // namespace
}  // namespace fusewire::config
