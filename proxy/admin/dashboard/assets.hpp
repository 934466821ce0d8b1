// SPDX-License-Identifier: Apache-2.0
// The files of the dashboard, as CMake has put them into the program (embed.cmake). Immutable.
#pragma once

#include <span>
#include <string_view>

namespace fusewire::proxy::admin::dashboard {

struct Asset {
  std::string_view name;  // "index.html"
  std::string_view content_type;
  std::string_view etag;  // quoted: a hash of the bytes
  std::string_view bytes;
};

std::span<const Asset> assets();  // generated
// nullptr: there is none of that name.
const Asset* find_asset(std::string_view name);

}  // namespace fusewire::proxy::admin::dashboard
