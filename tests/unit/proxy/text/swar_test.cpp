// SPDX-License-Identifier: Apache-2.0
#include "proxy/text/swar.hpp"

#include <doctest/doctest.h>

#include <string>

#include "proxy/http/chars.hpp"

using namespace fusewire::proxy;

namespace {

// The word of seven bytes `other` with `byte` among them.
words::Word with(unsigned char byte, unsigned place, unsigned char other) {
  const words::Word shift = 8ULL * place;
  return (words::all(other) & ~(words::Word{0xff} << shift)) | words::Word{byte} << shift;
}

}  // namespace

TEST_CASE("a byte is found in a word at each place, beside any other bytes") {
  for (unsigned byte = 0; byte < 256; ++byte)
    for (unsigned other = 0; other < 256; ++other)
      for (unsigned place = 0; place < words::kSize; ++place) {
        const auto word = with(static_cast<unsigned char>(byte), place, static_cast<unsigned char>(other));
        REQUIRE(words::any_below(word, 0x20) == (byte < 0x20 || other < 0x20));
        REQUIRE(words::any_is(word, '"') == (byte == '"' || other == '"'));
      }
}

TEST_CASE("a text is judged whole at any length, wherever its one bad byte is") {
  const auto good = [](words::Word word) { return !words::any_is(word, '"'); };
  CHECK(words::all_good("", good));
  for (std::size_t size = 1; size < 40; ++size) {
    std::string text(size, 'x');
    REQUIRE(words::all_good(text, good));
    for (std::size_t at = 0; at < size; ++at) {
      text.assign(size, 'x')[at] = '"';
      REQUIRE_FALSE(words::all_good(text, good));
    }
  }
}

TEST_CASE("a field value is judged the same at any length and offset") {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    for (std::size_t size = 1; size < 20; ++size)
      for (std::size_t at = 0; at < size; ++at) {
        std::string value(size, 'x');
        value[at] = static_cast<char>(byte);
        REQUIRE(http::is_field_value(value) == good);
      }
  }
  CHECK(http::is_field_value(""));
}
