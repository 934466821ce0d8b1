// SPDX-License-Identifier: Apache-2.0
// Whether text is well-formed UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fusewire::config {

// The offset of the first byte that is not part of well-formed UTF-8.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

}  // namespace fusewire::config
