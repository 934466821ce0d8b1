// SPDX-License-Identifier: Apache-2.0
// Requests and answers of the admin API as text.
#pragma once

#include <string>
#include <string_view>

#include "tests/unit/proxy/admin/rig.hpp"

namespace fusewire::testing {

inline const std::string kHost = "Host: 127.0.0.1\r\n";
inline const std::string kToken = "Authorization: Bearer secret\r\n";

inline bool is(const std::string& response, int status) {
  return response.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}
inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

inline std::string get(const std::string& target) { return "GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n"; }

}  // namespace fusewire::testing
