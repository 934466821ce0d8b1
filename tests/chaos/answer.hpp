// SPDX-License-Identifier: Apache-2.0
// A response as the client takes it in, piece by piece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chaos {

class Answer {
 public:
  enum class Progress { more, whole, malformed };

  Progress take(std::string_view piece);

  // The peer has closed: an answer without a length ends so, any other is cut short.
  Progress close() const;

  bool has_head() const { return body_at_ > 0; }
  int status() const { return status_; }       // 0 before the head
  int endpoint() const { return endpoint_; }   // that made it; -1: the proxy itself
  bool reusable() const { return reusable_; }  // its connection
  std::string_view body() const { return std::string_view(in_).substr(body_at_); }

 private:
  bool read_head();
  Progress progress() const;

  std::string in_;
  std::size_t body_at_ = 0;  // 0 before the head is whole
  std::uint64_t length_ = kUntilClose;
  bool chunked_ = false;
  bool reusable_ = true;
  int status_ = 0;
  int endpoint_ = -1;

  static constexpr std::uint64_t kUntilClose = UINT64_MAX;
};

}  // namespace chaos
