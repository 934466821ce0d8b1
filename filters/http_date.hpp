// SPDX-License-Identifier: Apache-2.0
// HTTP-date (RFC 9110 §5.6.7): read in all three forms, written as IMF-fixdate.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "filters/time.hpp"

namespace fusewire {

// In whole seconds, so that the year 9999 and differences of any two dates fit.
using HttpTime = std::chrono::sys_seconds;

// Case-blind, GMT only (RFC 9111 §4.2). `now` decides the century of the two-digit years of RFC 850.
std::optional<HttpTime> parse_http_date(std::string_view, HttpTime now) noexcept;

// "Sun, 06 Nov 1994 08:49:37 GMT": always 29 characters. Years 0 to 9999.
std::array<char, 29> format_http_date(HttpTime) noexcept;
std::array<char, 29> format_http_date(WallTime) noexcept;

}  // namespace fusewire
