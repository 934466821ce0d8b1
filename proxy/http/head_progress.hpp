// SPDX-License-Identifier: Apache-2.0
// Says when a head that was found incomplete is worth another parse, so that a peer that sends its head in small pieces
// costs a few times as much as one that sends it whole, and not the square of its size.
#pragma once

#include <cstddef>
#include <string_view>

#include "proxy/http/head_parser.hpp"

namespace fusewire::proxy::http {

class HeadProgress {
 public:
  // `bytes`: all of the head that has come so far. True for the first ones, for those that pass a limit or end the
  // head, and for those that end a line: every one of a small head, of a large one when it has grown by half.
  bool may_be_complete(std::string_view bytes, const HeadLimits& limits) {
    if (parsed_ != 0) return is_news_again(bytes, limits);
    looked_ = bytes.size();
    return true;
  }
  // A parse of that many bytes found the head incomplete.
  void found_incomplete(std::size_t size) {
    parsed_ = size;
    has_line_ = false;
  }
  void restart() { *this = {}; }

 private:
  bool is_news_again(std::string_view bytes, const HeadLimits&);

  static constexpr std::size_t kSmall = 4 * 1024;

  std::size_t parsed_ = 0;  // at the last parse
  std::size_t looked_ = 0;  // at the last look
  bool has_line_ = false;   // a line has ended since the last parse
};

}  // namespace fusewire::proxy::http
