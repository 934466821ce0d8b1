// SPDX-License-Identifier: Apache-2.0
// Numbers, durations and sizes as they are written, both ways: parse(format(x)) == x.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace fusewire::config {

std::optional<std::uint64_t> parse_count(std::string_view);
// Finite numbers only.
std::optional<double> parse_number(std::string_view);
// "250ms", "1.5s", "10m", "1h"; at most ten years.
std::optional<milliseconds> parse_duration(std::string_view);
// "64KiB", "1MB", "1.5MiB", or bytes without a unit.
std::optional<std::uint64_t> parse_size(std::string_view);

std::string format_number(double);
std::string format_duration(milliseconds);
std::string format_size(std::uint64_t);
// A file's permission bits in octal: "0660", from 0000 to 0777.
std::optional<unsigned> parse_file_mode(std::string_view);
std::string format_file_mode(unsigned);

bool is_token(std::string_view);         // RFC 9110 §5.6.2
bool is_request_path(std::string_view);  // RFC 9112 §3.2.1: an absolute path, perhaps with a query
bool is_field_value(std::string_view);   // visible characters, spaces, tabs, bytes above 127
std::string to_lower(std::string_view);

}  // namespace fusewire::config
