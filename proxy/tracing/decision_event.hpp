// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/observe/journal_entry.hpp"

namespace fusewire::proxy::tracing {

// A list of OTLP's KeyValue. Empty texts are left out; whole numbers are texts there.
class Attributes {
 public:
  Attributes& text(std::string_view key, std::string_view value);
  Attributes& number(std::string_view key, std::int64_t value);
  Attributes& flag(std::string_view key, bool value);
  boost::json::array list() && { return std::move(list_); }

 private:
  Attributes& add(std::string_view key, boost::json::object value);

  boost::json::array list_;
};

// Of a time since the request came.
constexpr std::int64_t nanoseconds_of(Time at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}
// fixed64, which JSON has as a text.
boost::json::string time_text(std::int64_t ns);

// What a filter decided, as a span's event: "fusewire.breaker.rejected". `wall_ns`: when the request came.
boost::json::object decision_event(const JournalEntry::Call&, const Note&, std::int64_t wall_ns);

}  // namespace fusewire::proxy::tracing
