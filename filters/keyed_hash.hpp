// SPDX-License-Identifier: Apache-2.0
// A hash of texts that clients choose. Without its key nobody can make texts that collide: with std::hash, whose steps
// can be run backwards, one client could make every look-up in a table walk through all that it has put there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fusewire {

struct HashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

// SipHash with so many rounds a word and at the end (Aumasson, Bernstein: SipHash: a fast short-input PRF, 2012).
template <int Rounds, int LastRounds>
std::uint64_t sip_hash(HashKey, std::string_view) noexcept;

extern template std::uint64_t sip_hash<1, 3>(HashKey, std::string_view) noexcept;
extern template std::uint64_t sip_hash<2, 4>(HashKey, std::string_view) noexcept;  // the paper's; for its test vectors

// For tables with strings as keys.
class KeyedHash {
 public:
  using is_transparent = void;

  explicit KeyedHash(HashKey key) noexcept : key_(key) {}
  // Not noexcept, so that libstdc++ keeps each key's hash in its node and makes it once.
  std::size_t operator()(std::string_view text) const { return sip_hash<1, 3>(key_, text); }

 private:
  HashKey key_;
};

}  // namespace fusewire
