// SPDX-License-Identifier: Apache-2.0
// What client and endpoints read of a message's head. It is a test's parser: it trusts what it finds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace chaos {

// The value of a field, whose name is given in lower case; nothing where there is none.
std::optional<std::string_view> field(std::string_view head, std::string_view name);

// The same, as a number; `otherwise` where there is none, or another thing.
std::uint64_t number_field(std::string_view head, std::string_view name, std::uint64_t otherwise);

}  // namespace chaos
