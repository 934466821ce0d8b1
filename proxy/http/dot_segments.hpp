// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace fusewire::proxy::http {

// Whether some reader of this path finds a `.` or `..` segment in it: dots and separators as they are or
// percent-encoded, a backslash for a slash, a segment's parameters (`..;x`) left out.
bool has_dot_segments(std::string_view path) noexcept;

}  // namespace fusewire::proxy::http
