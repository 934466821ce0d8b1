// SPDX-License-Identifier: Apache-2.0
// Read buffers: one size, taken when bytes are expected and given back when not. One pool a worker, on its thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace fusewire::proxy {

class BufferPool {
 public:
  static constexpr std::size_t kSize = 64 * 1024;
  static_assert(kSize > config::kMaxHeadBytes);

  std::unique_ptr<char[]> take() {
    if (free_.empty()) return spare_ = 0, std::make_unique_for_overwrite<char[]>(kSize);
    auto memory = std::move(free_.back());
    free_.pop_back();
    spare_ = std::min(spare_, free_.size());
    return memory;
  }
  void give_back(std::unique_ptr<char[]> memory) {
    if (memory) free_.push_back(std::move(memory));
  }
  // Frees the buffers that were not needed since the last trim, except for a few. Buffers are never freed in between:
  // the heap would reuse their memory in other places, each of which touches other pages, until every page that was
  // ever in use is resident.
  void trim() {
    const std::size_t over = free_.size() - std::min(free_.size(), kKept);
    free_.erase(free_.begin(), free_.begin() + static_cast<std::ptrdiff_t>(std::min(spare_, over)));
    spare_ = free_.size();
  }
  std::size_t free() const { return free_.size(); }

  static constexpr std::size_t kKept = 64;

 private:
  std::vector<std::unique_ptr<char[]>> free_;  // last in, first out: the warm one
  std::size_t spare_ = 0;                      // the fewest that were free since the last trim
};

// Bytes that were read and not yet used. A prefix may be held: it keeps its place (views point into it) while the rest
// comes and goes behind it. What needs more room than the pool's buffers have gets memory of its own until it is empty.
//
// Its channel owns it, on the worker's thread, and reads into it (make_room, begin_read, end_read); the channel's user
// takes bytes out with consume() or hold(). Invariants: held <= begin <= end <= capacity; held bytes do not move;
// memory is taken by the first read, and given back by shrink() when nothing is in it.
class ReadBuffer {
 public:
  explicit ReadBuffer(BufferPool& pool) : pool_(pool) {}
  ~ReadBuffer() { give_memory_back(); }
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  char* data() { return memory_.get() + begin_; }
  std::size_t size() const { return end_ - begin_; }
  std::string_view view() const { return {memory_.get() + begin_, size()}; }
  bool empty() const { return begin_ == end_; }

  void consume(std::size_t n) {
    begin_ += n;
    if (empty()) compact();
  }
  // The next n bytes are used, and stay where they are until release().
  void hold(std::size_t n) {
    begin_ += n;
    held_ = begin_;
  }
  void release() {
    held_ = 0;
    if (empty()) compact();
  }
  // Moves what is not held to the front.
  void compact() {
    if (begin_ == held_) return;
    if (!empty()) std::memmove(memory_.get() + held_, memory_.get() + begin_, size());
    end_ = held_ + size();
    begin_ = held_;
  }
  // Gives the memory back when there is nothing in it.
  void shrink() {
    if (!empty() || held_ != 0) return;
    begin_ = end_ = 0;
    give_memory_back();
  }
  // Makes it that large; false: it is already. Nothing is held, for everything moves.
  bool grow(std::size_t capacity) {
    if (capacity <= capacity_) return false;
    compact();
    auto memory = std::make_unique_for_overwrite<char[]>(capacity);
    if (!empty()) std::memcpy(memory.get(), data(), size());
    give_memory_back();
    memory_ = std::move(memory);
    capacity_ = capacity;
    return true;
  }

  // False: it is full. Else there is room for a read from now until it comes; nothing moves meanwhile.
  bool make_room() {
    if (end_ == capacity_) compact();
    return end_ < capacity_;
  }
  // Where it goes.
  std::pair<char*, std::size_t> begin_read() {
    if (!memory_) memory_ = pool_.take();
    return {memory_.get() + end_, capacity_ - end_};
  }
  void end_read(std::size_t n) {
    end_ += n;
    if (n == 0) shrink();
  }

 private:
  void give_memory_back() {
    if (capacity_ == BufferPool::kSize)
      pool_.give_back(std::move(memory_));
    else
      memory_.reset();
    capacity_ = BufferPool::kSize;
  }

  BufferPool& pool_;
  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = BufferPool::kSize;
  std::size_t held_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace fusewire::proxy
