// SPDX-License-Identifier: Apache-2.0
// Parses a stream of Server-Sent Events that arrives in pieces of any size: one call for each `data` line, and before
// it one for the `id` line. Comments and other fields are passed over.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace fusewire::cli {

class EventReader {
 public:
  using Heard = std::function<void(std::string_view)>;
  explicit EventReader(Heard on_data, Heard on_id = {}) : on_data_(std::move(on_data)), on_id_(std::move(on_id)) {}

  // False: this is no stream of events, for a line in it is too long.
  [[nodiscard]] bool read(std::string_view piece) {
    for (std::size_t end = 0; (end = piece.find('\n')) != std::string_view::npos; piece.remove_prefix(end + 1)) {
      const std::string line = std::exchange(rest_, {}).append(piece.substr(0, end));
      constexpr std::string_view kData = "data: ";
      constexpr std::string_view kId = "id: ";
      if (line.starts_with(kData))
        on_data_(std::string_view(line).substr(kData.size()));
      else if (on_id_ && line.starts_with(kId))
        on_id_(std::string_view(line).substr(kId.size()));
    }
    rest_ += piece;
    return rest_.size() <= kMaxLine;
  }

 private:
  static constexpr std::size_t kMaxLine = std::size_t{1} << 20;  // bytes of a line that has not ended

  Heard on_data_;
  Heard on_id_;
  std::string rest_;  // a line that has not ended yet
};

}  // namespace fusewire::cli
