// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <span>
#include <string_view>

namespace fusewire::proxy {

// What is left of a message to be written: up to kParts pieces of memory that the caller keeps alive.
class Gather {
 public:
  static constexpr std::size_t kParts = 4;
  using Parts = std::span<const boost::asio::const_buffer>;

  void add(std::string_view piece) {
    if (!piece.empty()) parts_[count_++] = boost::asio::const_buffer(piece.data(), piece.size());
  }
  Parts parts() const { return {parts_.data() + first_, count_ - first_}; }
  bool done() const { return first_ == count_; }
  std::size_t size() const { return boost::asio::buffer_size(parts()); }
  void wrote(std::size_t n);

 private:
  std::array<boost::asio::const_buffer, kParts> parts_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace fusewire::proxy
