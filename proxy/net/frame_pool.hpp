// SPDX-License-Identifier: Apache-2.0
// Memory of coroutine frames: freed ones are kept by size, so that a request allocates nothing. A thread's own; where a
// thread has none (tests, the end of the process), frames come from the heap and go back to it.
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

#include "proxy/net/sanitizers.hpp"

namespace fusewire::proxy {

class FramePool {
 public:
  FramePool() = default;
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  // The calling thread's, from now on; nullptr: none.
  static void use(FramePool* pool) { current = pool; }

  static void* allocate(std::size_t size) {
    Class* const kept = class_of(size);
    if (kept == nullptr) return ::operator new(size);
    if (kept->first == nullptr) return ::operator new(rounded(size));
    --kept->count;
    return std::exchange(kept->first, kept->first->next);
  }
  static void release(void* frame, std::size_t size) {
    Class* const kept = class_of(size);
    if (kept == nullptr || kept->count == kMaxFrames) return ::operator delete(frame);
    ++kept->count;
    kept->first = new (frame) Free{kept->first};
  }

 private:
  struct Free {
    Free* next;
  };
  struct Class {
    Free* first = nullptr;
    std::size_t count = 0;
  };
  static constexpr std::size_t kStep = 32;
  static constexpr std::size_t kClasses = 128;   // up to 4 KiB
  static constexpr std::size_t kMaxFrames = 64;  // of each

  static constexpr std::size_t index(std::size_t size) { return (size - 1) / kStep; }
  static constexpr std::size_t rounded(std::size_t size) { return (index(size) + 1) * kStep; }
  static Class* class_of(std::size_t size) {
    if (kSanitized || current == nullptr || index(size) >= kClasses) return nullptr;
    return &current->classes_[index(size)];
  }

  static inline constinit thread_local FramePool* current = nullptr;
  std::array<Class, kClasses> classes_{};
};

inline FramePool::~FramePool() {
  if (current == this) current = nullptr;
  for (Class& kept : classes_)
    while (kept.first != nullptr) ::operator delete(std::exchange(kept.first, kept.first->next));
}

}  // namespace fusewire::proxy
