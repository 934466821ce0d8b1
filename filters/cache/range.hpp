// SPDX-License-Identifier: Apache-2.0
// Range and If-Range on stored responses (RFC 9110 §14, §13.1.5). Several ranges at once are answered whole, as
// allowed.
#pragma once

#include <cstddef>

#include "filters/cache/entry.hpp"

namespace fusewire::cache {

struct ByteRange {
  enum class Kind : std::uint8_t {
    whole,          // no range, or one that is to be ignored
    part,           // 206
    unsatisfiable,  // 416
  };
  Kind kind = Kind::whole;
  std::size_t first = 0;
  std::size_t size = 0;
};

// One `bytes=` range against a body of `length`. What is malformed, another unit, or several is the whole.
ByteRange parse_range(std::string_view range, std::size_t length) noexcept;

ByteRange requested_range(const Request&, const Entry&, HttpTime now) noexcept;

}  // namespace fusewire::cache
