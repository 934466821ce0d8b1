// SPDX-License-Identifier: Apache-2.0
#include "config/describe/breaker.hpp"
#include "config/describe/read.hpp"
#include "config/finish.hpp"
#include "config/messages.hpp"
#include "config/sections.hpp"

namespace fusewire::config {

void finish(const Reader& reader, Detection& detection) {
  if (detection.window.type != WindowType::count_based || detection.minimum_calls <= detection.window.size) return;
  const Node* at = reader.find("minimum_calls");
  if (at == nullptr) at = reader.below("window").find("size");
  if (at == nullptr) at = reader.find("window");
  const std::string size = shown(reader.below("window").find("size"), std::to_string(detection.window.size));
  const std::string calls = shown(reader.find("minimum_calls"), std::to_string(detection.minimum_calls));
  reader.error(*at,
               "minimum_calls " + calls + " is above the count window's size " + size + "; expected at most " + size);
}

void finish(const Reader& reader, Probe& probe) {
  if (probe.type == ProbeType::active && probe.path.empty())
    reader.error(*reader.map(), "type active needs its path: probe: {type: active, path: /healthz}");
}

void finish(const Reader& reader, Classify& classify) {
  if (reader.find("response_headers") == nullptr) return;
  classify.response_headers.clear();
  if (reader.items("response_headers").size() > kMaxFieldMatches)
    return reader.error(*reader.find("response_headers"), "expected at most 32 fields to look for");
  for (const Node& item : reader.items("response_headers"))
    read_section(Reader(&item, reader.report()), classify.response_headers.emplace_back());
}

CircuitBreaker read_circuit_breaker(const Reader& reader) {
  CircuitBreaker breaker;
  read_section(reader, breaker);
  return breaker;
}

}  // namespace fusewire::config
