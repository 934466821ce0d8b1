// SPDX-License-Identifier: Apache-2.0
// What an operator asks for, as plain values: no YAML, no I/O, no behaviour. Every member has its documented default,
// durations carry their unit in the type, and `std::nullopt` means "off". Filled by config/load.hpp, which has checked
// the bounds; they, the key and its sentence stand in a row of config/describe/.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "config/conditions.hpp"
#include "config/limits.hpp"
#include "config/load_balancing.hpp"
#include "config/probes.hpp"
#include "config/retries.hpp"
#include "config/webhook.hpp"

namespace fusewire::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

inline constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::size_t kMaxResponseHeadBytes = 256 * kKiB;
inline constexpr std::size_t kMaxHeadBytes = 48 * kKiB;  // a head and a useful piece of body share one read buffer

using FieldList = std::vector<std::pair<std::string, std::string>>;

// ---------------------------------------------------------------------------------------------- circuit breaker

// So many in a row. In a busy stream a row counts only when it is no coincidence: the expected number of such rows by
// chance alone is below `chance` (docs/configuration.md, "A row in a busy stream"); std::nullopt: plain counting.
struct Consecutive {
  std::uint32_t threshold = 5;              // 1..127
  std::optional<double> chance = 0.000001;  // above 0, up to 1
  bool operator==(const Consecutive&) const = default;
};

struct FailureCount {
  std::uint32_t threshold = 5;  // 1..127
  milliseconds window = 300s;
  bool operator==(const FailureCount&) const = default;
};

enum class Measure { head, body };

struct SlowCallRate {
  double threshold = 0.5;  // above 0, up to 1
  milliseconds slower_than = 5s;
  Measure measure = Measure::head;
  bool operator==(const SlowCallRate&) const = default;
};

enum class WindowType { time_based, count_based };

struct Window {
  WindowType type = WindowType::time_based;
  milliseconds duration = 60s;  // time_based; at least 30 ms
  std::uint32_t size = 100;     // count_based: calls; at least 1
  bool operator==(const Window&) const = default;
};

struct Detection {
  std::optional<Consecutive> consecutive_failures = Consecutive{};
  std::optional<FailureCount> failure_count;
  std::optional<double> failure_rate = 0.5;                           // above 0, up to 1
  std::optional<Consecutive> consecutive_slow_calls = Consecutive{};  // idle while slow_call_rate is off
  std::optional<SlowCallRate> slow_call_rate = SlowCallRate{};
  Window window;
  std::uint32_t minimum_calls = 10;  // at least 1; not above a count window's size
  bool operator==(const Detection&) const = default;
};

struct Backoff {
  double multiplier = 2;    // at least 1
  milliseconds max = 300s;  // an open_timeout above it wins
  double jitter = 0.1;      // 0..1, share of the interval
  bool operator==(const Backoff&) const = default;
};

struct Transitions {
  milliseconds open_timeout = 30s;
  Backoff backoff;
  bool operator==(const Transitions&) const = default;
};

// After a recovery the admitted share of calls grows linearly from 10 % to all; the rest takes the fallback chain.
struct Ramp {
  milliseconds duration = 30s;
  bool operator==(const Ramp&) const = default;
};

struct Recovery {
  std::uint32_t half_open_max_calls = 3;  // 1..127, in flight
  std::uint32_t success_threshold = 3;    // 1..127
  bool strict_mode = true;                // any failure re-opens; else the half_open_max_calls-th
  milliseconds max_half_open = 60s;
  milliseconds settle_after = 10s;
  std::optional<Ramp> ramp = std::nullopt;
  Probe probe = {};
  bool operator==(const Recovery&) const = default;
};

struct ResponseFieldMatch {
  std::string name;     // compared case-blind
  std::string matches;  // a regular expression in RE2's syntax, searched in the value
  bool operator==(const ResponseFieldMatch&) const = default;
};

enum class Cascade { failure, neutral };

struct Classify {
  Conditions failure = {.connect_error = true,
                        .timeout = true,
                        .reset = true,
                        .protocol_error = true,
                        .incomplete = true,
                        .statuses = server_errors()};
  Conditions ignore;
  std::vector<ResponseFieldMatch> response_headers;
  Cascade cascade = Cascade::failure;
  bool operator==(const Classify&) const = default;

  static std::bitset<600> server_errors() {
    std::bitset<600> bits;
    for (std::size_t status = 500; status < 600; ++status) bits.set(status);
    return bits;
  }
};

enum class Mode { enforce, shadow, disabled };

// What has a breaker of its own. `automatic`: each address where an upstream has several, else the upstream. `route`:
// each route, by its name.
enum class Scope { automatic, upstream, endpoint, route };

struct CircuitBreaker {
  Mode mode = Mode::enforce;
  Scope scope = Scope::automatic;
  std::string preset = "default";
  Detection detection;
  Transitions transitions;
  Recovery recovery;
  Classify classify;
  bool operator==(const CircuitBreaker&) const = default;
};

// ------------------------------------------------------------------------------------------------------ upstreams

// Where a socket listens or connects. A host may be a name, an IPv4 or an IPv6 address (without brackets).
struct Address {
  enum class Kind { tcp, unix_socket };
  Kind kind = Kind::tcp;
  std::string host;
  std::uint16_t port = 0;
  std::string path;  // unix_socket only
  bool operator==(const Address&) const = default;
};

struct Endpoint {
  std::string url;  // as configured: the endpoint's identity and its label
  Address address;
  bool tls = false;          // https://
  std::string authority;     // host[:port] as written in the URL; empty for unix
  std::uint32_t weight = 1;  // share of the requests, beside the others'
  bool backup = false;       // is used only where no other endpoint can be
  bool operator==(const Endpoint&) const = default;
};

// Timeouts::response as the upstream's own latency suggests it.
struct AdaptiveTimeout {
  double percentile = 0.99;  // above 0, up to 1
  double multiplier = 2;     // of that percentile
  milliseconds min = 50ms;
  milliseconds max = 15s;
  std::uint32_t minimum_samples = 100;
  milliseconds window = 60s;
  bool operator==(const AdaptiveTimeout&) const = default;
};

struct Timeouts {
  milliseconds connect = 1s;      // DNS, TCP (and TLS)
  milliseconds response = 15s;    // from the request's last byte sent (or the permit) to the response's head
  milliseconds idle = 60s;        // between two reads or writes of a body
  milliseconds keep_alive = 60s;  // of an idle connection; the upstream's own Keep-Alive shortens it
  milliseconds total = 60s;       // from the request's head to the final response's head
  std::string deadline_header = "x-request-timeout-ms";  // lower case; empty: off
  std::optional<AdaptiveTimeout> adaptive = std::nullopt;
  milliseconds tunnel_idle = 1h;  // without a byte in either direction, once a request has been upgraded
  bool operator==(const Timeouts&) const = default;
};

struct CacheStep {
  milliseconds max_stale = 0s;  // 0: what is fresh, or what the origin's own stale-if-error allows
  bool operator==(const CacheStep&) const = default;
};
struct UpstreamStep {
  std::string upstream;
  bool operator==(const UpstreamStep&) const = default;
};
struct StaticStep {
  int status = 200;  // 200..599
  FieldList headers;
  std::string body;            // body_file has been read by the loader
  std::string body_file = {};  // where `body` came from; empty: it stands in the configuration
  bool operator==(const StaticStep&) const = default;
};
using FallbackStep = std::variant<CacheStep, UpstreamStep, StaticStep>;

struct Fallback {
  Conditions on = defaults();
  std::vector<FallbackStep> chain = {CacheStep{}};  // tried in order; empty: none
  bool operator==(const Fallback&) const = default;

  static Conditions defaults() {
    Conditions on{.breaker_open = true,
                  .connect_error = true,
                  .timeout = true,
                  .reset = true,
                  .protocol_error = true,
                  .incomplete = true,
                  .overload = true,
                  .statuses = {}};
    for (std::size_t status : {500U, 502U, 503U, 504U}) on.statuses.set(status);
    return on;
  }
};

// What is asked first: the upstream (the cache answers when the fallback chain runs), or the cache.
enum class Serve { on_error, normal };

// Whether no-cache, max-age and min-fresh of a request keep a fallback from it (only-if-cached and no-store always
// hold).
enum class RequestDirectives { honour, ignore };

struct Cache {
  Serve serve = Serve::on_error;
  RequestDirectives request_directives = RequestDirectives::honour;
  std::size_t max_object = kMiB;
  bool store_set_cookie = false;
  double heuristic_fraction = 0.1;  // 0..1 of the time since Last-Modified
  bool operator==(const Cache&) const = default;
};

// How https:// endpoints are spoken to.
struct UpstreamTls {
  std::string ca;           // a PEM file of authorities; empty: the system's
  std::string certificate;  // ours, a PEM file with its chain, leaf first; empty: none is shown
  std::string private_key;  // its PEM file
  std::string server_name;  // for SNI, the certificate's check and Host; empty: the endpoint's own name
  bool verify = true;
  bool operator==(const UpstreamTls&) const = default;
};

struct Upstream {
  std::string name;
  std::vector<Endpoint> endpoints;  // at least one
  milliseconds dns_refresh = 30s;
  LoadBalancing load_balancing;
  CircuitBreaker circuit_breaker;
  Timeouts timeouts;
  Retries retries;
  UpstreamLimits limits;
  Fallback fallback;
  Cache cache;
  std::optional<HealthCheck> health_check = std::nullopt;
  UpstreamTls tls;
  bool operator==(const Upstream&) const = default;
};

// ------------------------------------------------------------------------------------------------------ listeners

struct Match {
  std::string host;                  // lower case, without port; empty: any
  std::string path_prefix;           // empty: any
  std::string path;                  // exact; empty: any
  std::vector<std::string> methods;  // empty: any
  FieldList headers;                 // name (lower case) and exact value; all must match
  bool operator==(const Match&) const = default;
};

// The Host (and SNI) that an upstream sees. `automatic`: the client's, unless that is only our own address (an IP
// address, localhost) or the endpoint is https://; then the endpoint's.
struct HostRewrite {
  enum class Kind { automatic, preserve, endpoint, name };
  Kind kind = Kind::automatic;
  std::string name;  // Kind::name: host[:port]
  bool operator==(const HostRewrite&) const = default;
};

enum class Normalize { none, reject_dot_segments };

struct Route {
  std::string name;
  Match match;
  std::string upstream;
  std::optional<Timeouts> timeouts;  // already merged over the upstream's; absent: the upstream's
  std::optional<Fallback> fallback;  // likewise
  std::optional<Retries> retries;    // likewise
  HostRewrite host;
  Normalize normalize = Normalize::none;              // reject_dot_segments: 400 for a path with . or .. segments
  std::vector<std::string> upgrades = {"websocket"};  // protocols, lower case, that may be switched to; empty: none
  std::optional<CircuitBreaker> circuit_breaker = std::nullopt;  // likewise merged; its scope is `route`
  RouteLimits limits = {};                                       // beside the upstream's
  bool operator==(const Route&) const = default;
};

// What a connection beyond max_connections gets: a clear 503, or a place in the backlog until another one ends.
enum class WhenFull { refuse, wait };

struct ListenerLimits {
  std::uint32_t max_connections = 10000;
  std::size_t max_request_line = 8 * kKiB;
  std::size_t max_head_bytes = 32 * kKiB;  // up to kMaxHeadBytes
  std::uint32_t max_fields = 100;
  std::uint64_t max_body = kUnlimited;
  milliseconds head_timeout = 10s;
  milliseconds body_timeout = 60s;
  milliseconds idle_timeout = 75s;
  milliseconds send_timeout = 60s;
  WhenFull when_full = WhenFull::refuse;
  bool operator==(const ListenerLimits&) const = default;
};

// An IPv4 or IPv6 network; `bits` counts from the most significant bit of `address` (IPv4 as ::ffff:a.b.c.d, +96).
struct Network {
  std::array<std::uint8_t, 16> address{};
  unsigned bits = 0;
  bool operator==(const Network&) const = default;
};

// What a client's FIN after a complete request means: that it is gone, or only that there will be no more requests.
enum class HalfClose { abort, answer };

enum class TlsVersion { v1_2, v1_3 };

struct ListenerTls {
  std::string certificate;  // a PEM file with its chain, leaf first
  std::string private_key;  // its PEM file
  std::string client_ca;    // a PEM file: a client must show a certificate by one of these; empty: none is asked for
  TlsVersion min_version = TlsVersion::v1_2;
  bool operator==(const ListenerTls&) const = default;
};

struct Listener {
  std::string name = "main";
  Address address;
  std::optional<unsigned> mode;    // of a unix socket's file, such as 0660; absent: by the umask
  std::optional<ListenerTls> tls;  // absent: plain
  std::vector<Network> trust_forwarded;
  HalfClose client_half_close = HalfClose::abort;
  ListenerLimits limits;
  std::vector<Route> routes;  // first match wins; `listen:` has been expanded into routes
  bool operator==(const Listener&) const = default;
};

// --------------------------------------------------------------------------------------------------- the process

struct Admin {
  Address address = {.kind = Address::Kind::tcp, .host = "127.0.0.1", .port = 9901, .path = {}};
  std::string token;       // empty: every change is refused
  std::string token_file;  // where the token was read, if in a file
  bool read_requires_token = false;
  std::vector<std::string> allowed_hosts;
  std::optional<Address> probes;
  bool operator==(const Admin&) const = default;
};

enum class LogLevel { trace, debug, info, warn, error, off };
enum class LogFormat { json, text };

struct Log {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::json;
  bool access = true;
  double access_sample = 1.0;  // 0..1
  bool operator==(const Log&) const = default;
};

struct Shutdown {
  milliseconds drain_timeout = 20s;
  milliseconds grace = 0s;
  bool operator==(const Shutdown&) const = default;
};

// Spans of requests and attempts, sent to a collector by OTLP over HTTP.
struct Tracing {
  Endpoint collector = {.url = "http://127.0.0.1:4318",
                        .address = {.kind = Address::Kind::tcp, .host = "127.0.0.1", .port = 4318, .path = {}},
                        .authority = "127.0.0.1:4318"};
  double sample_ratio = 0.01;  // 0..1: of traces that begin here
  std::string service_name = "fusewire";
  bool operator==(const Tracing&) const = default;
};

// A value that came from environment variables: where it stands in the effective configuration, and their names.
struct FromVariable {
  std::vector<std::string> path;  // keys, and positions in lists
  std::string names;              // "HOST, PORT"
  bool key_too = false;           // the last key is a part of what the variable said: a field's name
  bool operator==(const FromVariable&) const = default;
};

struct Config {
  std::vector<Listener> listeners;  // at least one; names are unique
  std::vector<Upstream> upstreams;  // at least one; in file order
  std::size_t cache_memory = 64 * kMiB;
  std::string via;  // empty: fusewire- and 8 random hex digits a process
  Admin admin;
  std::size_t event_history = 1000;
  std::vector<Webhook> webhooks;   // in file order; names are unique
  std::optional<Tracing> tracing;  // absent: off
  Log log;
  Shutdown shutdown;
  unsigned workers = 0;                      // 0: auto
  std::vector<FromVariable> from_variables;  // shown by name wherever the configuration is shown
  bool operator==(const Config&) const = default;
};

}  // namespace fusewire::config
