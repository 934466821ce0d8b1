// SPDX-License-Identifier: Apache-2.0
// Values that several sections have in common.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/node.hpp"
#include "config/reader.hpp"
#include "config/report.hpp"

namespace fusewire::config {

// A list of outcomes, statuses and classes. `outcomes`: how many of kOutcomes may stand there.
void read_conditions(const Reader&, std::string_view key, Conditions& out, std::size_t outcomes);

void read_address(const Node&, Address& out, Report&);

// A map of field names to values.
FieldList read_fields(const Reader&, std::string_view key);

// Reports a file that cannot be read, or is larger. Neither opens anything where the report says so (no_files).
void check_file(const Node& path, std::size_t limit, Report&);
// What a key names: "expected a file, …" is reported when it cannot be read.
std::optional<std::string> read_file(const Node& path, std::size_t limit, Report&);

}  // namespace fusewire::config
