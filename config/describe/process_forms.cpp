// SPDX-License-Identifier: Apache-2.0
#include "config/describe/process_forms.hpp"

#include <algorithm>

#include "config/addresses.hpp"
#include "config/messages.hpp"
#include "config/section_parts.hpp"
#include "config/token_file.hpp"
#include "config/web_url.hpp"

namespace fusewire::config {
namespace {

constexpr std::uint64_t kMaxWorkers = 1024;
constexpr std::size_t kLongestLabel = 64;

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

// No error repeats the text.
void WebUrlText::read(const Reader& reader, std::string_view key, std::string& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  out = node->text;
  if (const Parsed<WebUrl> url = parse_web_url(out); !url.value) reader.error(*node, url.error);
}

std::optional<Node> WebUrlText::print(const std::string& url) { return FreeText::print(shown_web_url(url)); }

void WebhookEventList::read(const Reader& reader, std::string_view key, std::vector<WebhookEvent>& out) {
  const Node* list = reader.find(key);
  if (list == nullptr) return;
  out.clear();
  for (const Node& item : reader.items(key)) {
    if (item.kind == Node::Kind::invalid) continue;
    const auto names = names_of(std::span<const Word<WebhookEvent>>(kWebhookEvents));
    const auto found = std::find(names.begin(), names.end(), item.text);
    if (found == names.end()) {
      reader.error(item, "unknown event " + config::describe(item) + suggestion(item.text, names));
      continue;
    }
    const WebhookEvent event = kWebhookEvents[found - names.begin()].value;
    if (std::find(out.begin(), out.end(), event) != out.end())
      reader.error(item, "named twice");
    else
      out.push_back(event);
  }
  if (list->children.empty()) reader.error(*list, "expected at least one event");
}

std::optional<Node> WebhookEventList::print(const std::vector<WebhookEvent>& events) {
  Node list = list_node();
  for (const WebhookEvent event : events) list.children.push_back(word_node(name_of(kWebhookEvents, event)));
  return list;
}

std::string WebhookEventList::schema() {
  return R"({"type": "array", "minItems": 1, "uniqueItems": true, "items": )" +
         or_variable(enumeration(names_of(std::span<const Word<WebhookEvent>>(kWebhookEvents)))) + "}";
}

namespace {

// What the file holds, if it is a secret; what is wrong is reported without it.
std::optional<std::string> secret_in(const Reader& reader, std::string_view key, std::string& path) {
  const Node* node = reader.find(key);
  if (node == nullptr) return std::nullopt;
  path = node->text;
  std::optional<std::string> secret = token_in(*node, reader.report());
  if (!secret || secret->empty()) return std::nullopt;
  if (is_bearer_token(*secret)) return secret;
  reader.error(*node, "what the file holds is not visible ASCII without spaces");
  return std::nullopt;
}

}  // namespace

void SecretPath::read(const Reader& reader, std::string_view key, std::string& out) { secret_in(reader, key, out); }

void WebUrlPath::read(const Reader& reader, std::string_view key, std::string& out) {
  const std::optional<std::string> text = secret_in(reader, key, out);
  if (!text) return;
  if (const Parsed<WebUrl> url = parse_web_url(*text); !url.value)
    reader.error(*reader.find(key), "the file's URL: " + url.error);
}

void LabelText::read(const Reader& reader, std::string_view key, std::string& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  out = node->text;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (out.empty() || out.size() > kLongestLabel || out.find_first_not_of(kAllowed) != std::string::npos)
    reader.error(*node, expected("up to 64 letters, digits and '.', '_', '-'", *node));
}

}  // namespace fusewire::config
