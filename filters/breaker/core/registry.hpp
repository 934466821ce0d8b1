// SPDX-License-Identifier: Apache-2.0
// Breakers by name, for embedders. Names come from the program: a look-up never creates a breaker.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "filters/breaker/core/builder.hpp"

namespace fusewire::breaker {

// Thread-safe, under a mutex: look a breaker up once and keep the pointer, instead of a look-up for each call. A
// breaker lives as long as someone holds it.
class Registry {
 public:
  // Throws std::invalid_argument where the name is taken or the builder's settings are out of bounds.
  std::shared_ptr<CircuitBreaker> add(const Builder&);
  std::shared_ptr<CircuitBreaker> find(std::string_view name) const;  // null: there is none
  bool remove(std::string_view name);                                 // one added again starts fresh
  std::vector<std::string> names() const;                             // sorted

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<CircuitBreaker>, std::less<>> breakers_;
};

}  // namespace fusewire::breaker
