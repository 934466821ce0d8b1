// SPDX-License-Identifier: Apache-2.0
#include "filters/keyed_hash.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>

using namespace fusewire;

namespace {

constexpr HashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};  // the paper's: 00 01 … 0f

std::string counting(std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text.push_back(static_cast<char>(i));
  return text;
}

}  // namespace

// Appendix A, and the reference implementation's vectors.
TEST_CASE("the hash is SipHash") {
  CHECK(sip_hash<2, 4>(kKey, counting(0)) == 0x726fdb47dd0e0e31);
  CHECK(sip_hash<2, 4>(kKey, counting(1)) == 0x74f839c593dc67fd);
  CHECK(sip_hash<2, 4>(kKey, counting(7)) == 0xab0200f58b01d137);
  CHECK(sip_hash<2, 4>(kKey, counting(8)) == 0x93f5f5799a932462);
  CHECK(sip_hash<2, 4>(kKey, counting(15)) == 0xa129ca6149be45e5);
}

TEST_CASE("each byte, the length and both halves of the key change the hash of tables") {
  std::set<std::size_t> hashes;
  const KeyedHash hash(kKey);
  std::string text(40, 'a');
  hashes.insert(hash(text));
  for (char& byte : text) {
    byte = 'b';
    hashes.insert(hash(text));
    byte = 'a';
  }
  for (std::size_t length = 0; length < 40; ++length) hashes.insert(hash(text.substr(0, length)));
  hashes.insert(KeyedHash({kKey.first + 1, kKey.second})(text));
  hashes.insert(KeyedHash({kKey.first, kKey.second + 1})(text));
  CHECK(hashes.size() == 83);
}
