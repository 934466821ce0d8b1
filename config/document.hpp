// SPDX-License-Identifier: Apache-2.0
// YAML text -> Node. The only place that knows the YAML library.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/report.hpp"

namespace fusewire::config {

// What a file may ask of us at most, aliases expanded.
inline constexpr std::size_t kMaxText = 4 * kMiB;
inline constexpr std::size_t kMaxCopied = 4 * kMaxText;  // of keys and values behind anchors, aliases and `<<`
inline constexpr std::size_t kMaxNodes = 250'000;
inline constexpr std::size_t kMaxDepth = 32;
inline constexpr std::size_t kMaxKey = 256;

// The text's only document; nullopt when there is none to go on with. Duplicate keys are reported and the first is
// kept. Anchors, aliases and `<<` are expanded; tags are refused. Paths are not set.
std::optional<Node> parse_document(std::string_view text, Origin, Report&);

}  // namespace fusewire::config
