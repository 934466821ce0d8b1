// SPDX-License-Identifier: Apache-2.0
// The request fields that a response was chosen by, as the upstream has seen them (Vary, RFC 9111 §4.1). What the proxy
// drops on its way counts as absent; Host selects nothing, for the URI has it.
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/message.hpp"

namespace fusewire::cache {

// One such field: its value, all lines of it joined and normalised, or its absence.
struct Selecting {
  std::string name;
  std::optional<std::string> value;
};

// The limit for all selecting fields of one entry together. A response with more is not stored, so no look-up compares
// more.
inline constexpr std::size_t kMaxSelectingBytes = 2048;

// Vary: *, one that can't be read, and one that names a field which the proxy writes itself, `deadline_header` too: the
// client's own says nothing of what the upstream has seen.
bool varies_by_anything(const Fields& response, std::string_view deadline_header) noexcept;
std::size_t selecting_bytes(const Fields& response, const Fields& request) noexcept;

std::vector<Selecting> selecting_fields(const Fields& response, const Fields& request);

// A request held against what is stored for one URI: each of its fields is read once, whatever the number of variants.
// Memory comes from the stack unless much is compared.
class Presented {
 public:
  explicit Presented(const Fields& request) noexcept : request_(request) {}
  Presented(const Presented&) = delete;

  bool is_selecting(const std::vector<Selecting>&);

 private:
  struct Value {
    std::pmr::string name;  // its own: the entry that named it may be gone when the next one is looked at
    std::optional<std::pmr::string> text;
    bool is_long;  // selects nothing, and is not read
  };
  const Value& value_of(std::string_view name);

  const Fields& request_;
  std::array<std::byte, 1024> buffer_;
  std::pmr::monotonic_buffer_resource pool_{buffer_.data(), buffer_.size()};
  std::pmr::vector<Value> values_{&pool_};
};

}  // namespace fusewire::cache
