// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace fusewire::proxy {

// A string to build a message's head or an answer of our own in, for as long as the write takes; afterwards it goes
// back to its pool. One thread.
class Scratch {
 public:
  using Pool = std::vector<std::string>;

  explicit Scratch(Pool& pool) : pool_(pool) {
    if (pool_.empty()) return;
    text_ = std::move(pool_.back());
    pool_.pop_back();
  }
  ~Scratch() {
    if (pool_.size() >= kKept || text_.capacity() > kMaxKept) return;
    text_.clear();
    pool_.push_back(std::move(text_));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string& operator*() { return text_; }
  std::string* operator->() { return &text_; }

 private:
  static constexpr std::size_t kKept = 32;
  static constexpr std::size_t kMaxKept = 64 * 1024;
  Pool& pool_;
  std::string text_;
};

}  // namespace fusewire::proxy
