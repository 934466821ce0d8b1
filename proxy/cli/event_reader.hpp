// SPDX-License-Identifier: Apache-2.0
// Parses a stream of Server-Sent Events that arrives in pieces of any size: one call for each `data` line. Comments and
// other fields are passed over.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace fusewire::cli {

class EventReader {
 public:
  explicit EventReader(std::function<void(std::string_view)> on_data) : on_data_(std::move(on_data)) {}

  void read(std::string_view piece) {
    rest_ += piece;
    std::size_t end = 0;
    while ((end = rest_.find('\n')) != std::string::npos) {
      constexpr std::string_view kData = "data: ";
      const std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      if (line.starts_with(kData)) on_data_(std::string_view(line).substr(kData.size()));
    }
  }

 private:
  std::function<void(std::string_view)> on_data_;
  std::string rest_;  // a line that has not ended yet
};

}  // namespace fusewire::cli
