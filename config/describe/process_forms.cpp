// SPDX-License-Identifier: Apache-2.0
#include "config/describe/process_forms.hpp"

#include <algorithm>

#include "config/addresses.hpp"
#include "config/messages.hpp"

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

void CollectorUrl::read(const Reader& reader, std::string_view key, Endpoint& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  auto parsed = parse_endpoint(node->text);
  if (parsed.value && parsed.value->address.kind == Address::Kind::tcp) {
    out = std::move(*parsed.value);
    return;
  }
  // The parser's own words may repeat a part of the URL.
  const bool plain = parsed.value || !node->from.empty();
  reader.error(*node, plain ? expected("http://HOST[:PORT] or https://HOST[:PORT]", *node)
                            : parsed.error + "; found " + describe(*node));
}

bool is_service_name(std::string_view text) {
  constexpr std::size_t kMaxName = 255;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; };
  return !text.empty() && text.size() <= kMaxName && std::none_of(text.begin(), text.end(), is_control);
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
