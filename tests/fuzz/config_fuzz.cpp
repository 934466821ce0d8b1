// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file: no crash, no exception, errors or a configuration that survives printing. Text
// behind a line "%%" is taken for overrides: NAME=value for the environment, key.path=value for --set.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.hpp"
#include "config/print.hpp"

using namespace fusewire::config;

namespace {

constexpr std::string_view kSeparator = "\n%%\n";

Source source_of(std::string_view text) {
  Source source{.name = "fuzz", .text = {}, .environment = {{"NAME", "value"}, {"NUMBER", "7"}}, .set = {}};
  const std::size_t split = text.find(kSeparator);
  source.text = text.substr(0, split);
  if (split == std::string_view::npos) return source;
  text.remove_prefix(split + kSeparator.size());
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (line.starts_with("FUSEWIRE") && equals != std::string_view::npos)
      source.environment.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    else
      source.set.emplace_back(line);
  }
  return source;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const LoadResult result = load(source_of(text));
  require(result.config.has_value() == result.errors.empty());
  if (result.config && result.config->from_variables.empty()) {
    Config expected = *result.config;
    expected.admin.token.clear();
    const LoadResult again = load({.name = "printed", .text = to_yaml(*result.config)});
    require(again.config == expected);
    require(!to_json(*result.config).empty());
  }
  const BreakerResult breaker = load_circuit_breaker(std::string(text));
  require(breaker.circuit_breaker.has_value() == breaker.errors.empty());
  return 0;
}
