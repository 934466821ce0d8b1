// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/answer.hpp"

#include <charconv>

#include "tests/chaos/head.hpp"

namespace chaos {

Answer::Progress Answer::take(std::string_view piece) {
  in_.append(piece);
  if (body_at_ == 0 && in_.find("\r\n\r\n") == std::string::npos) return Progress::more;
  if (body_at_ == 0 && !read_head()) return Progress::malformed;
  return progress();
}

Answer::Progress Answer::close() const {
  const bool ends_so = body_at_ > 0 && !chunked_ && length_ == kUntilClose;
  return ends_so ? Progress::whole : Progress::malformed;
}

bool Answer::read_head() {
  body_at_ = in_.find("\r\n\r\n") + 4;
  const std::string_view head = std::string_view(in_).substr(0, body_at_);
  if (!head.starts_with("HTTP/1.") || head.size() < 13) return false;
  std::from_chars(head.data() + 9, head.data() + 12, status_);
  endpoint_ = static_cast<int>(number_field(head, "x-chaos-endpoint", UINT32_MAX));
  length_ = number_field(head, "content-length", kUntilClose);
  chunked_ = field(head, "transfer-encoding").has_value();
  reusable_ = field(head, "connection").value_or("").substr(0, 5) != "close" && (chunked_ || length_ != kUntilClose);
  return status_ >= 200;
}

Answer::Progress Answer::progress() const {
  const std::size_t have = in_.size() - body_at_;
  if (chunked_) return body().ends_with("0\r\n\r\n") ? Progress::whole : Progress::more;
  if (have > length_) return Progress::malformed;
  return have == length_ ? Progress::whole : Progress::more;
}

}  // namespace chaos
