// SPDX-License-Identifier: Apache-2.0
// Parses a stream of Server-Sent Events that arrives in pieces of any size: one call for each `data` line, and before
// it one for the `id` line. Comments and other fields are passed over.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace fusewire::cli {

class EventReader {
 public:
  using Heard = std::function<void(std::string_view)>;
  explicit EventReader(Heard on_data, Heard on_id = {}) : on_data_(std::move(on_data)), on_id_(std::move(on_id)) {}

  void read(std::string_view piece) {
    rest_ += piece;
    std::size_t end = 0;
    while ((end = rest_.find('\n')) != std::string::npos) {
      const std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      constexpr std::string_view kData = "data: ";
      constexpr std::string_view kId = "id: ";
      if (line.starts_with(kData))
        on_data_(std::string_view(line).substr(kData.size()));
      else if (on_id_ && line.starts_with(kId))
        on_id_(std::string_view(line).substr(kId.size()));
    }
  }

 private:
  Heard on_data_;
  Heard on_id_;
  std::string rest_;  // a line that has not ended yet
};

}  // namespace fusewire::cli
