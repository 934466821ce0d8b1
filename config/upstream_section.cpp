// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "config/addresses.hpp"
#include "config/describe/read.hpp"
#include "config/describe/upstream.hpp"
#include "config/finish.hpp"
#include "config/messages.hpp"
#include "config/report.hpp"
#include "config/scalars.hpp"
#include "config/section_parts.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

constexpr std::string_view kEndpoints = "a list of http://HOST[:PORT], https://HOST[:PORT] or unix:/path";
constexpr std::string_view kBareEndpoint =
    "http://HOST[:PORT], https://HOST[:PORT] or unix:/path, without a path or user";
constexpr std::size_t kLargestBodyFile = 16 * kMiB;

void check_name(const Node& upstream, Report& report) {
  const auto lower_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const std::string& name = upstream.key;
  bool good = !name.empty() && lower_or_digit(name[0]);
  for (char c : name) good = good && (lower_or_digit(c) || c == '.' || c == '_' || c == '-');
  if (!good)
    report.error(
        upstream.key_mark, upstream.path,
        "an upstream's name is made of a-z, 0-9, '.', '_' and '-' and begins with a letter or a digit, found " +
            describe_key(upstream));
  if (name == "health" || name == "reset")
    report.error(upstream.key_mark, upstream.path, "an upstream cannot be named 'health' or 'reset'");
}

void read_endpoints(const Reader& reader, std::vector<Endpoint>& endpoints) {
  reader.missing("endpoints", kEndpoints);
  const Node* list = reader.find("endpoints");
  if (list == nullptr) return;
  if (list->children.empty()) reader.error(*list, "expected " + std::string(kEndpoints) + " with at least one");
  std::set<std::string> seen;
  for (const Node& item : list->children) {
    if (item.kind == Node::Kind::invalid) continue;
    const Reader endpoint(&item, reader.report());
    Endpoint written;
    read_section(endpoint, written);
    const Node* url = endpoint.find("url");
    if (url == nullptr) continue;
    Parsed<Endpoint> parsed = parse_endpoint(url->text);
    // The parser's own words may repeat a part of the URL.
    if (!parsed.value && !url->from.empty())
      reader.error(*url, expected(kBareEndpoint, *url));
    else if (!parsed.value)
      reader.error(*url, parsed.error + "; found " + describe(*url));
    else if (!seen.insert(parsed.value->url).second)
      reader.error(*url, "duplicate endpoint " + describe(*url));
    else {
      parsed.value->weight = written.weight;
      parsed.value->backup = written.backup;
      endpoints.push_back(*std::move(parsed.value));
    }
  }
  const auto is_unused = [](const Endpoint& endpoint) { return endpoint.weight == 0; };
  if (!endpoints.empty() && std::all_of(endpoints.begin(), endpoints.end(), is_unused))
    reader.error(*list, "every endpoint has weight 0: no request could be sent");
}

std::optional<FallbackStep> read_step(const Node& item, Report& report) {
  const Reader reader(&item, report);
  if (item.children.size() != 1) {
    report.error(item, "expected one step: cache, upstream or static");
    return std::nullopt;
  }
  StepKeys step;
  read_section(reader, step);
  if (step.cache) return *step.cache;
  if (step.fixed) return *std::move(step.fixed);
  if (reader.find("upstream") != nullptr) return UpstreamStep{std::move(step.upstream)};
  return std::nullopt;
}

}  // namespace

void finish(const Reader& reader, AdaptiveTimeout& adaptive) {
  if (adaptive.min > adaptive.max)
    reader.error(*reader.map(),
                 "min, " + format_duration(adaptive.min) + ", is above max, " + format_duration(adaptive.max));
}

void finish(const Reader& reader, AdaptiveConcurrency& adaptive) {
  const auto check = [&reader](const char* low, std::uint32_t lower, const char* high, std::uint32_t upper) {
    if (lower <= upper) return;
    const auto text = [&reader](const char* key, std::uint32_t value) {
      return std::string(key) + ", " + shown(reader.find(key), std::to_string(value));
    };
    reader.error(*reader.map(), text(low, lower) + ", is above " + text(high, upper));
  };
  check("min_limit", adaptive.min_limit, "max_limit", adaptive.max_limit);
  if (adaptive.min_limit > adaptive.max_limit) return;
  check("min_limit", adaptive.min_limit, "initial_limit", adaptive.initial_limit);
  check("initial_limit", adaptive.initial_limit, "max_limit", adaptive.max_limit);
}

void finish(const Reader& reader, LoadBalancing& balancing) {
  const Reader hash = reader.below("hash");
  if (balancing.policy != BalancingPolicy::hash || balancing.hash.by == HashKey::By::ip) return;
  if (balancing.hash.by == HashKey::By::header) balancing.hash.name = to_lower(balancing.hash.name);
  if (!balancing.hash.name.empty()) return;
  const std::string by(name_of(kHashKeys, balancing.hash.by));
  reader.error(hash.map() != nullptr ? *hash.map() : *reader.map(),
               "hash by " + by + " needs its name: hash: {by: " + by + ", name: …}");
}

void finish(const Reader& reader, StaticStep& step) {
  if (const Node* file = reader.find("body_file")) {
    if (reader.has("body"))
      reader.error(*file, "body and body_file exclude each other");
    else
      step.body = read_file(*file, kLargestBodyFile, reader.report()).value_or("");
  }
  if ((step.status == 204 || step.status == 304) && !step.body.empty())
    reader.error(*reader.map(), "a " + std::to_string(step.status) + " has no body");
}

void finish(const Reader& reader, Fallback& fallback) {
  if (reader.find("chain") == nullptr) return;
  fallback.chain.clear();
  for (const Node& item : reader.items("chain")) {
    if (item.kind == Node::Kind::invalid) continue;
    if (std::optional<FallbackStep> step = read_step(item, reader.report())) fallback.chain.push_back(*std::move(step));
  }
}

Upstream read_upstream(const Node& node, Report& report) {
  Upstream upstream;
  upstream.name = node.key;
  check_name(node, report);
  const Reader reader(&node, report);
  read_endpoints(reader, upstream.endpoints);
  read_section(reader, upstream);
  return upstream;
}

}  // namespace fusewire::config
