// SPDX-License-Identifier: Apache-2.0
#include "config/describe/process_forms.hpp"

#include "config/addresses.hpp"

namespace fusewire::config {
namespace {

constexpr std::uint64_t kMaxWorkers = 1024;

}  // namespace

void HostList::read(const Reader& reader, std::string_view key, std::vector<std::string>& out) {
  for (const Node& item : reader.items(key)) {
    if (item.kind == Node::Kind::invalid) continue;
    out.push_back(to_lower(item.text));
    if (!is_host(item.text)) reader.error(item, expected("a host without port", item));
  }
}

void WorkerCount::read(const Reader& reader, std::string_view key, unsigned& out) {
  const Node* node = reader.find(key);
  if (node == nullptr || node->text == "auto") return;
  const auto count = node->quoted ? std::nullopt : parse_count(node->text);
  if (count && *count >= 1 && *count <= kMaxWorkers)
    out = static_cast<unsigned>(*count);
  else
    reader.error(*node, expected("auto, or a whole number from 1 to 1024", *node));
}

std::string WorkerCount::schema() {
  return R"({"anyOf": [{"const": "auto"}, )" + Count(1, kMaxWorkers).schema() + "]}";
}

std::string WorkerCount::range() { return "auto, " + Count(1, kMaxWorkers).range(); }

}  // namespace fusewire::config
