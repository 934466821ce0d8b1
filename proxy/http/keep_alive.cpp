// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/keep_alive.hpp"

#include <charconv>
#include <cstdint>

#include "filters/message.hpp"
#include "proxy/http/chars.hpp"

namespace fusewire::proxy::http {

std::optional<std::chrono::seconds> keep_alive_timeout(std::string_view value) {
  constexpr std::string_view kName = "timeout=";
  while (!value.empty()) {
    const std::string_view parameter = next_element(value);
    if (!iequals(parameter.substr(0, kName.size()), kName)) continue;
    const std::string_view digits = parameter.substr(kName.size());
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return std::chrono::seconds(seconds);
  }
  return std::nullopt;
}

}  // namespace fusewire::proxy::http
