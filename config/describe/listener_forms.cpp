// SPDX-License-Identifier: Apache-2.0
#include "config/describe/listener_forms.hpp"

#include <algorithm>
#include <set>

#include "config/messages.hpp"
#include "config/section_parts.hpp"

namespace fusewire::config {
namespace {

// Protocols as the Upgrade field names them: a token, or two with a slash (RFC 9110 §7.8).
bool is_protocol(std::string_view text) {
  const std::size_t slash = text.find('/');
  return is_token(text.substr(0, slash)) && (slash == std::string_view::npos || is_token(text.substr(slash + 1)));
}

}  // namespace

void AddressText::read(const Reader& reader, std::string_view key, Address& out) {
  if (const Node* node = reader.find(key)) read_address(*node, out, reader.report());
}

void AddressOrOff::read(const Reader& reader, std::string_view key, std::optional<Address>& out) {
  const Node* node = reader.find(key);
  if (node != nullptr && !node->is_off()) read_address(*node, out.emplace(), reader.report());
}

std::optional<Node> AddressOrOff::print(const std::optional<Address>& address) {
  return address ? text_node(format_address(*address)) : word_node("off");
}

void FileMode::read(const Reader& reader, std::string_view key, std::optional<unsigned>& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  out = parse_file_mode(node->text);
  // In the file only: other YAML tools read 0660 as a number.
  const bool plain = node->mark.origin == Origin::file && node->from.empty() && !node->quoted;
  if (!out || plain) reader.error(*node, expected("a file mode in quotes such as \"0660\"", *node));
}

std::optional<Node> FileMode::print(std::optional<unsigned> mode) {
  return mode ? std::optional(text_node(format_file_mode(*mode))) : std::nullopt;
}

void NetworkList::read(const Reader& reader, std::string_view key, std::vector<Network>& out) {
  for (const Node& item : reader.items(key)) {
    if (item.kind == Node::Kind::invalid) continue;
    Parsed<Network> parsed = parse_network(item.text);
    if (parsed.value)
      out.push_back(*parsed.value);
    else
      reader.error(item, parsed.error + "; found " + describe(item));
  }
}

std::optional<Node> NetworkList::print(const std::vector<Network>& networks) {
  Node list = list_node();
  for (const Network& network : networks) list.children.push_back(text_node(format_network(network)));
  return list;
}

void HostText::read(const Reader& reader, std::string_view key, std::string& out) {
  const Node* host = reader.find(key);
  if (host == nullptr) return;
  out = canonical_host(host->text);
  if (is_host(out)) return;
  const bool bare = is_ipv6(out);
  reader.error(*host, expected(bare ? "an IPv6 address in brackets, as in \"[::1]\"" : "a host without port", *host));
}

void RequestPath::read(const Reader& reader, std::string_view key, std::string& out) {
  reader.text(key, out);
  const Node* node = reader.find(key);
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '?' || c == '#'; };
  if (node != nullptr && (!out.starts_with('/') || std::find_if(out.begin(), out.end(), bad) != out.end()))
    reader.error(*node, expected("a path that begins with '/', without query or spaces", *node));
}

void MethodList::read(const Reader& reader, std::string_view key, std::vector<std::string>& out) {
  for (const Node& item : reader.items(key)) {
    if (item.kind == Node::Kind::invalid) continue;
    const bool lower = std::any_of(item.text.begin(), item.text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!is_token(item.text) || lower)
      reader.error(item, expected("a method in capitals, such as GET", item));
    else
      out.push_back(item.text);
  }
}

std::optional<Node> MethodList::print(const std::vector<std::string>& methods) {
  return methods.empty() ? std::nullopt : std::optional(texts_node(methods));
}

void MatchedFields::read(const Reader& reader, std::string_view key, FieldList& out) {
  out = read_fields(reader, key);
  for (auto& [name, value] : out) name = to_lower(name);
  std::set<std::string> seen;
  for (const Node& field : reader.items(key))
    if (field.kind != Node::Kind::invalid && !seen.insert(to_lower(field.key)).second)
      reader.report().error(field.key_mark, field.path,
                            "a field that comes twice matches nothing: duplicate header name " + describe_key(field));
}

std::optional<Node> MatchedFields::print(const FieldList& fields) {
  return fields.empty() ? std::nullopt : std::optional(fields_node(fields));
}

void UpgradeList::read(const Reader& reader, std::string_view key, std::vector<std::string>& out) {
  if (reader.find(key) == nullptr) return;
  out.clear();
  for (const Node& item : reader.items(key)) {
    if (item.kind == Node::Kind::invalid) continue;
    const std::string protocol = to_lower(item.text);
    if (!is_protocol(protocol))
      reader.error(item, expected("a protocol such as websocket", item));
    else if (protocol == "h2c")
      reader.error(item, "h2c is HTTP again: its requests would pass every route, limit and breaker unseen");
    else
      out.push_back(protocol);
  }
}

void HostRewriteText::read(const Reader& reader, std::string_view key, HostRewrite& out) {
  const Node* node = reader.find(key);
  if (node == nullptr) return;
  for (const auto& word : kHostRewrites) {
    if (word.name != node->text) continue;
    out.kind = word.value;
    return;
  }
  if (!is_authority(node->text))
    return reader.error(*node, expected("auto, preserve, endpoint or a name such as orders.example", *node));
  out = {.kind = HostRewrite::Kind::name, .name = node->text};
}

std::optional<Node> HostRewriteText::print(const HostRewrite& host) {
  return host.kind == HostRewrite::Kind::name ? text_node(host.name) : word_node(name_of(kHostRewrites, host.kind));
}

}  // namespace fusewire::config
