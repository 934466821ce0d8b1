// SPDX-License-Identifier: Apache-2.0
#include "filters/keyed_hash.hpp"

#include <bit>
#include <cstring>

namespace fusewire {

namespace {

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() noexcept {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  template <int Rounds>
  void take(std::uint64_t word) noexcept {
    v3 ^= word;
    for (int i = 0; i < Rounds; ++i) round();
    v0 ^= word;
  }
};

static_assert(std::endian::native == std::endian::little, "words are read as they are in memory");

}  // namespace

template <int Rounds, int LastRounds>
std::uint64_t sip_hash(HashKey key, std::string_view text) noexcept {
  State state{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d, key.first ^ 0x6c7967656e657261,
              key.second ^ 0x7465646279746573};
  std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
  for (; text.size() >= sizeof last; text.remove_prefix(sizeof last)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    state.take<Rounds>(word);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  last |= rest;
  state.take<Rounds>(last);
  state.v2 ^= 0xff;
  for (int i = 0; i < LastRounds; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

template std::uint64_t sip_hash<1, 3>(HashKey, std::string_view) noexcept;
template std::uint64_t sip_hash<2, 4>(HashKey, std::string_view) noexcept;

}  // namespace fusewire
