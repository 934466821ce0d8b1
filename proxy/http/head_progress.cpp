// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/head_progress.hpp"

#include <algorithm>
#include <utility>

namespace fusewire::proxy::http {

namespace {

// An empty line, also where the line before it ends in a way that will be refused.
bool ends_head(std::string_view bytes) {
  return bytes.find("\n\r\n") != std::string_view::npos || bytes.find("\n\n") != std::string_view::npos;
}

}  // namespace

bool HeadProgress::is_news_again(std::string_view bytes, const HeadLimits& limits) {
  constexpr std::size_t kLineEnds = 3;  // a CRLF before the request and the CR of its line are not counted
  const std::size_t before = std::exchange(looked_, bytes.size());
  const auto passes = [&](std::size_t limit) { return before <= limit && bytes.size() > limit; };
  if (passes(limits.max_line + kLineEnds) || passes(limits.max_bytes + kLineEnds)) return true;
  if (bytes.find('\n', before) != std::string_view::npos) {
    has_line_ = true;
    if (parsed_ < kSmall || ends_head(bytes.substr(before - std::min<std::size_t>(before, 2)))) return true;
  }
  return has_line_ && bytes.size() >= parsed_ + parsed_ / 2;
}

}  // namespace fusewire::proxy::http
