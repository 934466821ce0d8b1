// SPDX-License-Identifier: Apache-2.0
#include "config/keys.hpp"

#include <algorithm>

namespace fusewire::config {
namespace {

using Kind = Shape::Kind;

constexpr Key later(std::string_view name, std::string_view accepts = {}) { return {name, nullptr, accepts}; }

// Takes only the value that says what is done today anyway: it passes, and is named nowhere.
constexpr Key unnamed(std::string_view name, const Shape& shape) { return {name, &shape, {}, false}; }

constexpr Shape kScalar{};
constexpr Shape kPath{.path = true};
constexpr Shape kScalars{.kind = Kind::list, .item = &kScalar};
constexpr Shape kTexts{.kind = Kind::names, .item = &kScalar};

// circuit_breaker

constexpr Key kThresholdKeys[] = {{"threshold", &kScalar}};
constexpr Shape kThreshold{.kind = Kind::map, .keys = kThresholdKeys, .off = true, .usual = "threshold"};

constexpr Key kConsecutiveKeys[] = {{"threshold", &kScalar}, {"chance", &kScalar}};
constexpr Shape kConsecutive{.kind = Kind::map, .keys = kConsecutiveKeys, .off = true, .usual = "threshold"};

constexpr Key kFailureCountKeys[] = {{"threshold", &kScalar}, {"window", &kScalar}};
constexpr Shape kFailureCount{.kind = Kind::map, .keys = kFailureCountKeys, .off = true, .usual = "threshold"};

constexpr Key kSlowCallRateKeys[] = {{"threshold", &kScalar}, {"slower_than", &kScalar}, {"measure", &kScalar}};
constexpr Shape kSlowCallRate{.kind = Kind::map, .keys = kSlowCallRateKeys, .off = true, .usual = "threshold"};

constexpr Key kWindowKeys[] = {{"type", &kScalar}, {"duration", &kScalar}, {"size", &kScalar}};
constexpr Shape kWindow{.kind = Kind::map, .keys = kWindowKeys, .usual = "duration"};

constexpr Key kDetectionKeys[] = {{"consecutive_failures", &kConsecutive},
                                  {"consecutive_slow_calls", &kConsecutive},
                                  {"failure_count", &kFailureCount},
                                  {"failure_rate", &kThreshold},
                                  {"slow_call_rate", &kSlowCallRate},
                                  {"window", &kWindow},
                                  {"minimum_calls", &kScalar}};
constexpr Shape kDetection{.kind = Kind::map, .keys = kDetectionKeys};

constexpr Key kBackoffKeys[] = {{"multiplier", &kScalar}, {"max", &kScalar}, {"jitter", &kScalar}};
constexpr Shape kBackoff{.kind = Kind::map, .keys = kBackoffKeys, .usual = "multiplier"};

constexpr Key kTransitionsKeys[] = {{"open_timeout", &kScalar}, {"backoff", &kBackoff}};
constexpr Shape kTransitions{.kind = Kind::map, .keys = kTransitionsKeys, .usual = "open_timeout"};

constexpr Key kProbeKeys[] = {unnamed("type", kScalar), later("path"), later("interval"), later("timeout"),
                              later("expect")};
constexpr Shape kProbe{.kind = Kind::map, .keys = kProbeKeys};

constexpr Key kRecoveryKeys[] = {{"half_open_max_calls", &kScalar},
                                 {"success_threshold", &kScalar},
                                 {"strict_mode", &kScalar},
                                 {"max_half_open", &kScalar},
                                 {"settle_after", &kScalar},
                                 unnamed("probe", kProbe),
                                 later("ramp", "off")};
constexpr Shape kRecovery{.kind = Kind::map, .keys = kRecoveryKeys};

constexpr Key kFieldMatchKeys[] = {{"name", &kScalar}, {"matches", &kScalar}};
constexpr Shape kFieldMatch{.kind = Kind::map, .keys = kFieldMatchKeys};
constexpr Shape kFieldMatches{.kind = Kind::list, .item = &kFieldMatch};

constexpr Key kClassifyKeys[] = {
    {"failure", &kScalars}, {"ignore", &kScalars}, {"response_headers", &kFieldMatches}, {"cascade", &kScalar}};
constexpr Shape kClassify{.kind = Kind::map, .keys = kClassifyKeys};

constexpr Key kCircuitBreakerKeys[] = {
    {"mode", &kScalar},         unnamed("scope", kScalar),      {"preset", &kScalar},
    {"detection", &kDetection}, {"transitions", &kTransitions}, {"recovery", &kRecovery},
    {"classify", &kClassify}};
constexpr Shape kCircuitBreaker{.kind = Kind::map, .keys = kCircuitBreakerKeys, .usual = "mode"};

// shared by upstreams and routes

constexpr Key kTimeoutsKeys[] = {{"connect", &kScalar},    {"response", &kScalar},       {"idle", &kScalar},
                                 {"keep_alive", &kScalar}, {"total", &kScalar},          {"tunnel_idle", &kScalar},
                                 later("adaptive", "off"), {"deadline_header", &kScalar}};
constexpr Shape kTimeouts{.kind = Kind::map, .keys = kTimeoutsKeys, .usual = "total"};

constexpr Key kRetriesKeys[] = {later("attempts", "0"), later("on"),     later("methods"),  later("per_try_timeout"),
                                later("backoff"),       later("budget"), later("max_body"), later("hedge", "off")};
constexpr Shape kRetries{.kind = Kind::map, .keys = kRetriesKeys};

constexpr Key kCacheStepKeys[] = {{"max_stale", &kScalar}};
constexpr Shape kCacheStep{.kind = Kind::map, .keys = kCacheStepKeys, .usual = "max_stale"};

constexpr Key kStaticStepKeys[] = {
    {"status", &kScalar}, {"headers", &kTexts}, {"body", &kScalar}, {"body_file", &kPath}};
constexpr Shape kStaticStep{.kind = Kind::map, .keys = kStaticStepKeys, .usual = "status"};

constexpr Key kStepKeys[] = {{"cache", &kCacheStep}, {"upstream", &kScalar}, {"static", &kStaticStep}, later("queue")};
constexpr Shape kStep{.kind = Kind::map, .keys = kStepKeys, .word_is_key = true};
constexpr Shape kSteps{.kind = Kind::list, .item = &kStep};

constexpr Key kFallbackKeys[] = {{"on", &kScalars}, {"chain", &kSteps}};
constexpr Shape kFallback{.kind = Kind::map, .keys = kFallbackKeys, .usual = "chain"};

// listeners

constexpr Key kListenerLimitsKeys[] = {{"max_connections", &kScalar}, {"max_request_line", &kScalar},
                                       {"max_head_bytes", &kScalar},  {"max_fields", &kScalar},
                                       {"max_body", &kScalar},        {"head_timeout", &kScalar},
                                       {"body_timeout", &kScalar},    {"idle_timeout", &kScalar},
                                       {"send_timeout", &kScalar},    {"when_full", &kScalar}};
constexpr Shape kListenerLimits{.kind = Kind::map, .keys = kListenerLimitsKeys};

constexpr Key kMatchKeys[] = {{"host", &kScalar},  {"path_prefix", &kScalar}, {"path", &kScalar},
                              later("path_regex"), {"methods", &kScalars},    {"headers", &kTexts}};
constexpr Shape kMatch{.kind = Kind::map, .keys = kMatchKeys, .usual = "path_prefix"};

constexpr Key kFieldEditsKeys[] = {later("set", "{}"), later("add", "{}"), later("remove", "[]")};
constexpr Shape kFieldEdits{.kind = Kind::map, .keys = kFieldEditsKeys};

constexpr Key kRewriteKeys[] = {later("strip_prefix"), {"host", &kScalar}};
constexpr Shape kRewrite{.kind = Kind::map, .keys = kRewriteKeys, .usual = "host"};

constexpr Key kRouteKeys[] = {{"name", &kScalar},
                              {"match", &kMatch},
                              {"upstream", &kScalar},
                              later("split"),
                              later("rollout", "off"),
                              later("requires", "[]"),
                              {"rewrite", &kRewrite},
                              unnamed("request_headers", kFieldEdits),
                              unnamed("response_headers", kFieldEdits),
                              {"upgrades", &kScalars},
                              {"normalize", &kScalar},
                              {"timeouts", &kTimeouts},
                              unnamed("retries", kRetries),
                              {"fallback", &kFallback},
                              later("circuit_breaker")};
constexpr Shape kRoute{.kind = Kind::map, .keys = kRouteKeys};
constexpr Shape kRoutes{.kind = Kind::list, .item = &kRoute};

constexpr Key kListenerTlsKeys[] = {
    {"certificate", &kPath}, {"private_key", &kPath}, {"client_ca", &kPath}, {"min_version", &kScalar}};
constexpr Shape kListenerTls{.kind = Kind::map, .keys = kListenerTlsKeys};

constexpr Key kListenerKeys[] = {{"name", &kScalar},           {"address", &kScalar},
                                 {"mode", &kScalar},           {"client_half_close", &kScalar},
                                 {"tls", &kListenerTls},       {"trust_forwarded", &kScalars},
                                 {"limits", &kListenerLimits}, {"routes", &kRoutes}};
constexpr Shape kListener{.kind = Kind::map, .keys = kListenerKeys};
constexpr Shape kListeners{.kind = Kind::list, .item = &kListener};

// upstreams

constexpr Key kEndpointKeys[] = {{"url", &kScalar}, later("weight"), later("backup", "false")};
constexpr Shape kEndpoint{.kind = Kind::map, .keys = kEndpointKeys, .short_for = "url"};
constexpr Shape kEndpoints{.kind = Kind::list, .item = &kEndpoint};

constexpr Key kLoadBalancingKeys[] = {unnamed("policy", kScalar), later("hash"), later("slow_start", "off")};
constexpr Shape kLoadBalancing{.kind = Kind::map, .keys = kLoadBalancingKeys, .usual = "policy"};

constexpr Key kUpstreamLimitsKeys[] = {{"max_connections", &kScalar},
                                       {"max_concurrent_requests", &kScalar},
                                       {"max_head_bytes", &kScalar},
                                       {"max_fields", &kScalar},
                                       later("queue", "off"),
                                       later("rate", "off"),
                                       later("adaptive_concurrency", "off")};
constexpr Shape kUpstreamLimits{.kind = Kind::map, .keys = kUpstreamLimitsKeys};

constexpr Key kCacheKeys[] = {{"serve", &kScalar},
                              {"request_directives", &kScalar},
                              {"max_object", &kScalar},
                              {"store_set_cookie", &kScalar},
                              {"heuristic_fraction", &kScalar}};
constexpr Shape kCache{.kind = Kind::map, .keys = kCacheKeys, .usual = "serve"};

constexpr Key kUpstreamTlsKeys[] = {
    {"ca", &kPath}, {"certificate", &kPath}, {"private_key", &kPath}, {"server_name", &kScalar}, {"verify", &kScalar}};
constexpr Shape kUpstreamTls{.kind = Kind::map, .keys = kUpstreamTlsKeys};

constexpr Key kUpstreamKeys[] = {{"endpoints", &kEndpoints},
                                 {"dns_refresh", &kScalar},
                                 unnamed("load_balancing", kLoadBalancing),
                                 {"circuit_breaker", &kCircuitBreaker},
                                 {"timeouts", &kTimeouts},
                                 unnamed("retries", kRetries),
                                 {"limits", &kUpstreamLimits},
                                 {"fallback", &kFallback},
                                 {"cache", &kCache},
                                 later("health_check", "off"),
                                 {"tls", &kUpstreamTls},
                                 later("read_only_when_open", "false")};
constexpr Shape kDefaults{.kind = Kind::map, .keys = kUpstreamKeys};
constexpr Shape kUpstream{.kind = Kind::map, .keys = kUpstreamKeys, .short_for = "endpoints"};
constexpr Shape kUpstreams{.kind = Kind::names, .item = &kUpstream};

// the process

constexpr Key kAdminKeys[] = {{"address", &kScalar},        {"token", &kScalar},
                              {"token_file", &kPath},       {"read_requires_token", &kScalar},
                              {"allowed_hosts", &kScalars}, {"probes", &kScalar}};
constexpr Shape kAdmin{.kind = Kind::map, .keys = kAdminKeys, .usual = "address"};

constexpr Key kEventsKeys[] = {{"history", &kScalar}, later("webhooks", "[]")};
constexpr Shape kEvents{.kind = Kind::map, .keys = kEventsKeys, .usual = "history"};

constexpr Key kLogKeys[] = {
    {"level", &kScalar}, {"format", &kScalar}, {"access", &kScalar}, {"access_sample", &kScalar}};
constexpr Shape kLog{.kind = Kind::map, .keys = kLogKeys, .usual = "level"};

constexpr Key kShutdownKeys[] = {{"drain_timeout", &kScalar}, {"grace", &kScalar}};
constexpr Shape kShutdown{.kind = Kind::map, .keys = kShutdownKeys, .usual = "drain_timeout"};

constexpr Key kRuntimeKeys[] = {{"workers", &kScalar}};
constexpr Shape kRuntime{.kind = Kind::map, .keys = kRuntimeKeys, .usual = "workers"};

constexpr Key kFileKeys[] = {{"version", &kScalar},    {"listen", &kScalar},       {"listeners", &kListeners},
                             {"defaults", &kDefaults}, {"upstreams", &kUpstreams}, {"cache_memory", &kScalar},
                             {"via", &kScalar},        {"admin", &kAdmin},         later("state", "off"),
                             later("fleet", "off"),    later("flags", "{}"),       later("insights", "off"),
                             {"events", &kEvents},     later("tracing", "off"),    {"log", &kLog},
                             {"shutdown", &kShutdown}, {"runtime", &kRuntime}};
constexpr Shape kFile{.kind = Kind::map, .keys = kFileKeys};

}  // namespace

const Shape& file_shape() { return kFile; }

const Shape& circuit_breaker_shape() { return kCircuitBreaker; }

const Key* find_key(const Shape& shape, std::string_view name) {
  const auto it = std::find_if(shape.keys.begin(), shape.keys.end(), [&](const Key& key) { return key.name == name; });
  return it == shape.keys.end() ? nullptr : &*it;
}

}  // namespace fusewire::config
