// SPDX-License-Identifier: Apache-2.0
// Names that several packed records refer to, by a distance from where they are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fusewire::proxy {

// Two texts that go together, such as a listener and its route.
struct NamePair {
  static constexpr std::size_t kMax = 96;  // bytes of each; what is longer is cut
  static constexpr std::size_t kMaxBytes = 2 + 2 * kMax;

  std::string_view first;
  std::string_view second;

  NamePair cut() const { return {first.substr(0, kMax), second.substr(0, kMax)}; }
  std::size_t bytes() const { return 2 + first.size() + second.size(); }
  void write(std::byte* to) const;  // where it is cut
};

// Somebody else's bytes.
class Names {
 public:
  explicit Names(const std::byte* begin) : begin_(begin) {}
  NamePair at(std::uint16_t distance) const;  // 0: there are none

 private:
  const std::byte* begin_;
};

}  // namespace fusewire::proxy
