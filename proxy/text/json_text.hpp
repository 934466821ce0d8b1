// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace fusewire::proxy {

// Appends `text` as a JSON string with quotes; control characters and invalid UTF-8 are escaped. Whatever the bytes
// are, the result is one line of valid JSON.
void append_json(std::string& out, std::string_view text);
// Whether `text` is printable ASCII without quotes and backslashes: append_json adds its quotes and changes nothing.
bool is_plain_json(std::string_view text);
// Copies a text that is plain in that sense to `to`; false: it is not, and what is at `to` now means nothing.
bool copy_plain_json(std::string_view text, char* to);

}  // namespace fusewire::proxy
