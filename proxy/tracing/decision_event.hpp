// SPDX-License-Identifier: Apache-2.0
// Pieces of OTLP's JSON, written at the end of a text: a tree of values would cost a request that is sampled a hundred
// times as much.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/observe/journal_entry.hpp"

namespace fusewire::proxy::tracing {

// A list of KeyValue, from its first bracket to, at the end of this object, its last. Empty texts are left out; whole
// numbers are texts there. `out` must outlive it.
class Attributes {
 public:
  explicit Attributes(std::string& out) : out_(out) { out_ += '['; }
  ~Attributes() { out_ += ']'; }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  Attributes& text(std::string_view key, std::string_view value);
  Attributes& number(std::string_view key, std::int64_t value);
  Attributes& flag(std::string_view key, bool value);

 private:
  void begin(std::string_view key, std::string_view type);  // as far as the value
  Attributes& close();

  std::string& out_;
  bool first_ = true;
};

// Of a time since the request came.
constexpr std::int64_t nanoseconds_of(Time at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}
// A 64-bit number, which JSON has as a text.
void append_number_text(std::string& out, std::int64_t);

// What a filter decided, as a span's event: "fusewire.breaker.rejected". `wall_ns`: when the request came.
void append_decision_event(std::string& out, const JournalEntry::Call&, const Note&, std::int64_t wall_ns);

}  // namespace fusewire::proxy::tracing
