// SPDX-License-Identifier: Apache-2.0
// The regular expressions of a configuration: RE2's syntax (github.com/google/re2/wiki/Syntax), which has neither back
// references nor look-around. A search takes time in proportion to the text and to the expression, whatever they are;
// both have a limit. Texts are bytes: `.` is any one of them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace fusewire::config {

// Immutable, so any thread may search with it.
class CompiledPattern {
 public:
  static constexpr std::size_t kSearched = 1024;             // bytes of a text; what is behind them is not looked at
  static constexpr std::size_t kMaxSteps = kSearched * 128;  // of one search

  // Throws std::invalid_argument, whose text says what is wrong and quotes nothing of the expression.
  explicit CompiledPattern(const std::string& expression);
  ~CompiledPattern();
  CompiledPattern(CompiledPattern&&) noexcept;
  CompiledPattern& operator=(CompiledPattern&&) noexcept;

  // Anywhere in the first kSearched bytes.
  bool is_in(std::string_view text) const noexcept;
  // What that takes at worst, some 20 ns each: one for each byte and instruction. Above 128 instructions a byte takes
  // hardly longer.
  std::size_t steps(std::string_view text) const noexcept;

 private:
  std::size_t steps_a_byte_ = kMaxSteps / kSearched;
  std::unique_ptr<const re2::RE2> compiled_;
};

}  // namespace fusewire::config
