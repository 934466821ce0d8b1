// SPDX-License-Identifier: Apache-2.0
// Colours of a terminal, or none. They only repeat what a word says already.
#pragma once

#include <string>
#include <string_view>

namespace fusewire::cli {

enum class Tone { plain, good, warning, bad, faint, strong };

class Paint {
 public:
  explicit constexpr Paint(bool on = false) : on_(on) {}

  std::string operator()(Tone tone, std::string_view text) const {
    const std::string_view code = !on_ || text.empty() ? std::string_view() : code_of(tone);
    if (code.empty()) return std::string(text);
    return std::string(code).append(text).append("\x1b[0m");
  }

 private:
  static constexpr std::string_view code_of(Tone tone) {
    switch (tone) {
      case Tone::good:
        return "\x1b[32m";
      case Tone::warning:
        return "\x1b[33m";
      case Tone::bad:
        return "\x1b[1;31m";
      case Tone::faint:
        return "\x1b[2m";
      case Tone::strong:
        return "\x1b[1m";
      case Tone::plain:
        break;
    }
    return {};
  }

  bool on_;
};

}  // namespace fusewire::cli
