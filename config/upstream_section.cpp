// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "config/addresses.hpp"
#include "config/scalars.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

constexpr std::uint64_t kMaxConnections = 1'000'000;
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
  const std::string_view what = "a list of http://HOST[:PORT], https://HOST[:PORT] or unix:/path";
  reader.missing("endpoints", what);
  const Node* list = reader.find("endpoints");
  if (list == nullptr) return;
  if (list->children.empty()) reader.error(*list, "expected " + std::string(what) + " with at least one");
  std::set<std::string> seen;
  for (const Node& item : list->children) {
    if (item.kind == Node::Kind::invalid) continue;
    const Reader endpoint(&item, reader.report());
    endpoint.missing("url", "http://HOST[:PORT], https://HOST[:PORT] or unix:/path");
    const Node* url = endpoint.find("url");
    if (url == nullptr) continue;
    Parsed<Endpoint> parsed = parse_endpoint(url->text);
    // The parser's own words may repeat a part of the URL.
    if (!parsed.value && !url->from.empty())
      reader.error(*url,
                   expected("http://HOST[:PORT], https://HOST[:PORT] or unix:/path, without a path or user", *url));
    else if (!parsed.value)
      reader.error(*url, parsed.error + "; found " + describe(*url));
    else if (!seen.insert(parsed.value->url).second)
      reader.error(*url, "duplicate endpoint " + describe(*url));
    else
      endpoints.push_back(*std::move(parsed.value));
  }
}

CacheStep read_cache_step(const Reader& reader) {
  CacheStep step;
  reader.duration("max_stale", step.max_stale, {.low = 0ms});
  return step;
}

// Fields that the proxy writes itself, from the body or for the connection.
bool is_own_field(std::string_view name) {
  static const std::set<std::string, std::less<>> kOwn = {"connection", "content-length",    "keep-alive", "te",
                                                          "trailer",    "transfer-encoding", "upgrade"};
  return kOwn.contains(to_lower(name));
}

void read_static_headers(const Reader& reader, FieldList& headers) {
  headers = read_fields(reader, "headers");
  for (const Node& field : reader.items("headers"))
    if (is_own_field(field.key))
      reader.report().error(field.key_mark, field.path, "this field is written by the proxy itself");
}

void read_static_body(const Reader& reader, StaticStep& step) {
  reader.text("body", step.body);
  const Node* file = reader.find("body_file");
  if (file == nullptr) return;
  if (reader.has("body")) return reader.error(*file, "body and body_file exclude each other");
  step.body_file = file->text;
  step.body = read_file(*file, kLargestBodyFile, reader.report()).value_or("");
}

StaticStep read_static_step(const Reader& reader) {
  StaticStep step;
  unsigned status = 200;
  reader.count("status", status, 200, 599);
  step.status = static_cast<int>(status);
  read_static_headers(reader, step.headers);
  read_static_body(reader, step);
  if ((status == 204 || status == 304) && !step.body.empty())
    reader.error(*reader.map(), "a " + std::to_string(status) + " has no body");
  return step;
}

std::optional<FallbackStep> read_step(const Node& item, Report& report) {
  const Reader reader(&item, report);
  if (item.children.size() != 1) {
    report.error(item, "expected one step: cache, upstream or static");
    return std::nullopt;
  }
  if (reader.find("cache") != nullptr) return read_cache_step(reader.below("cache"));
  if (reader.find("static") != nullptr) return read_static_step(reader.below("static"));
  if (const Node* upstream = reader.find("upstream")) return UpstreamStep{upstream->text};
  return std::nullopt;
}

}  // namespace

Timeouts read_timeouts(const Reader& reader) {
  Timeouts timeouts;
  reader.duration("connect", timeouts.connect);
  reader.duration("response", timeouts.response);
  reader.duration("idle", timeouts.idle);
  reader.duration("keep_alive", timeouts.keep_alive);
  reader.duration("total", timeouts.total);
  reader.duration("tunnel_idle", timeouts.tunnel_idle);
  if (const Node* header = reader.find("deadline_header")) {
    timeouts.deadline_header = header->is_off() ? "" : to_lower(header->text);
    if (!timeouts.deadline_header.empty() && !is_token(timeouts.deadline_header))
      reader.error(*header, expected("a header name or 'off'", *header));
  }
  return timeouts;
}

Fallback read_fallback(const Reader& reader) {
  Fallback fallback;
  read_conditions(reader, "on", fallback.on, std::size(kOutcomes));
  if (reader.find("chain") == nullptr) return fallback;
  fallback.chain.clear();
  for (const Node& item : reader.items("chain")) {
    if (item.kind == Node::Kind::invalid) continue;
    if (std::optional<FallbackStep> step = read_step(item, reader.report())) fallback.chain.push_back(*std::move(step));
  }
  return fallback;
}

Upstream read_upstream(const Node& node, Report& report) {
  Upstream upstream;
  upstream.name = node.key;
  check_name(node, report);
  const Reader reader(&node, report);
  read_endpoints(reader, upstream.endpoints);
  reader.duration("dns_refresh", upstream.dns_refresh);
  reader.below("load_balancing").only("policy", "round_robin", {"health_score", "random", "least_request", "hash"});
  upstream.circuit_breaker = read_circuit_breaker(reader.below("circuit_breaker"));
  upstream.timeouts = read_timeouts(reader.below("timeouts"));
  const Reader limits = reader.below("limits");
  limits.count("max_connections", upstream.limits.max_connections, 1, kMaxConnections);
  limits.count("max_concurrent_requests", upstream.limits.max_concurrent_requests, 1, kMaxConnections);
  limits.size("max_head_bytes", upstream.limits.max_head_bytes, kKiB, kMaxResponseHeadBytes);
  limits.count("max_fields", upstream.limits.max_fields, 1, 10'000);
  upstream.fallback = read_fallback(reader.below("fallback"));
  upstream.tls = read_upstream_tls(reader.below("tls"));
  const Reader cache = reader.below("cache");
  cache.word("serve", upstream.cache.serve, kServes);
  cache.word("request_directives", upstream.cache.request_directives, kRequestDirectives);
  cache.size("max_object", upstream.cache.max_object, 0, 1024 * kMiB);
  cache.flag("store_set_cookie", upstream.cache.store_set_cookie);
  cache.number("heuristic_fraction", upstream.cache.heuristic_fraction, {});
  return upstream;
}

}  // namespace fusewire::config
