// SPDX-License-Identifier: Apache-2.0
// The regular expressions of a configuration: RE2's syntax (github.com/google/re2/wiki/Syntax), which has neither back
// references nor look-around, so that a search takes time in proportion to the text, whatever that is.
#pragma once

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
  // Throws std::invalid_argument, whose text says what is wrong and quotes nothing of the expression.
  explicit CompiledPattern(const std::string& expression);
  ~CompiledPattern();
  CompiledPattern(CompiledPattern&&) noexcept;
  CompiledPattern& operator=(CompiledPattern&&) noexcept;

  // Anywhere in it.
  bool is_in(std::string_view text) const noexcept;

 private:
  std::unique_ptr<const re2::RE2> compiled_;
};

}  // namespace fusewire::config
