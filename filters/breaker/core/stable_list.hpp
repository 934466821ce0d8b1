// SPDX-License-Identifier: Apache-2.0
// A list that only grows, of objects whose addresses stay. One word where it is empty.
#pragma once

#include <memory>
#include <utility>

namespace fusewire::breaker {

template <class T>
class StableList {
 public:
  StableList() noexcept = default;
  StableList(const StableList&) = delete;
  StableList& operator=(const StableList&) = delete;
  ~StableList() {
    while (first_ != nullptr) first_ = std::move(first_->next);  // a loop, so that destructors do not nest
  }

  template <class Wanted>
  T* find(Wanted wanted) noexcept {
    for (Node* node = first_.get(); node != nullptr; node = node->next.get())
      if (wanted(node->value)) return &node->value;
    return nullptr;
  }

  template <class... Arguments>
  T& add(Arguments&&... arguments) {
    auto node = std::make_unique<Node>(std::forward<Arguments>(arguments)...);
    node->next = std::move(first_);
    first_ = std::move(node);
    return first_->value;
  }

 private:
  struct Node {
    template <class... Arguments>
    explicit Node(Arguments&&... arguments) : value(std::forward<Arguments>(arguments)...) {}
    T value;
    std::unique_ptr<Node> next;
  };
  std::unique_ptr<Node> first_;
};

}  // namespace fusewire::breaker
