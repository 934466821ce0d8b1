// SPDX-License-Identifier: Apache-2.0
// The keys of the file itself, and of the sections that are about the process.
#pragma once

#include "config/describe/listener.hpp"
#include "config/describe/process_forms.hpp"
#include "config/describe/upstream.hpp"
#include "config/describe/visitor.hpp"

namespace fusewire::config {

inline constexpr std::size_t kMaxListeners = 64;
inline constexpr std::uint64_t kMaxEvents = 1'000'000;
inline constexpr Span kWebhookTimeout{.low = 10ms, .high = 60s};

template <class V>
void describe(V& v, Admin& admin) {
  v.usual("address");
  v.key("address", admin.address, AddressText(), "Never on a data listener; of a name, its first address");
  v.secret("token", admin.token, "Needed for every change; without one every change is refused",
           commented("\"${ADMIN_TOKEN}\""));
  v.key("token_file", admin.token_file, SecretFile(),
        "A file that holds the token, read again when it changes, within a second; while it can't be read, or holds no "
        "token, the last one stays",
        commented("/run/secrets/admin_token"));
  v.key("read_requires_token", admin.read_requires_token, Flag(), "Reading needs the token as well");
  v.key("allowed_hosts", admin.allowed_hosts, HostList(),
        "Values of Host that are answered beside IP addresses and localhost, at probes too");
  v.key(
      "probes", admin.probes, AddressOrOff(),
      "A second address, such as 0.0.0.0:9902, that serves /admin/health, /admin/ready and /metrics and nothing else");
}

template <class V>
void describe(V& v, Webhook& hook) {
  v.short_for("url");
  v.key("url", hook.url, WebUrlText(),
        "Where it is posted to: http:// or https://, whose certificate is verified. Only its host is ever shown. Of "
        "pagerduty "
        "the default is its own; alertmanager needs no path",
        live("https://hooks.example/T0/B1"));
  v.key("url_file", hook.url_file, WebUrlPath(), "A file that holds the URL, read again for each message",
        commented("/run/secrets/slack_url"));
  v.when(hook.format != WebhookFormat::custom);
  v.key("format", hook.format, OneOf(kWebhookFormats),
        "What is posted: an event as the admin API shows it, a message of a Slack incoming webhook, an event of "
        "PagerDuty's Events API v2, or alerts of Alertmanager's API v2");
  v.key("template", hook.body, FreeText(),
        "In place of a format: a JSON text whose strings may hold {{event}}, {{breaker}}, {{upstream}}, {{from}}, "
        "{{to}}, "
        "{{reason}}, {{text}}, {{at}}, {{mode}}, {{source}}, {{held_back}}, {{id}}",
        commented("'{\"content\": \"{{text}}\"}'"));
  v.key("name", hook.name, LabelText(), "Its name in logs and metrics; by default webhook- and its place in the list",
        commented("on-call"));
  v.key("token_file", hook.token_file, SecretPath(),
        "A file that holds a token for Authorization: Bearer, read likewise", commented("/run/secrets/hook_token"));
  v.key("routing_key_file", hook.routing_key_file, SecretPath(),
        "Of pagerduty: a file that holds the integration's routing key, read likewise",
        commented("/run/secrets/routing_key"));
  v.key("on", hook.on, WebhookEventList(),
        "Transitions by where they lead to: open, half_open, closed; what operators do: override_set, override_ended, "
        "reset. pagerduty and alertmanager take the first three");
  v.key("ca", hook.ca, PemFile(), "A PEM file of authorities; by default the system's", commented("/etc/ssl/ca.pem"));
  v.key("source", hook.source, FreeText(), "Who says so; by default the host's name", commented("\"${POD_NAME}\""));
  v.key("timeout", hook.timeout, Duration(kWebhookTimeout),
        "Of one attempt, from the look-up of the name to the answer");
  v.key("retries", hook.retries, Count(0, 10),
        "Further attempts after a failed connection, a timeout, a 429 or a 5xx, with back-off");
  v.key("min_interval", hook.min_interval, Duration(kFromZero),
        "Between two messages about one breaker: of what comes in between the last is sent when it is over, and says "
        "how many it stands for");
}

template <class V>
void describe(V& v, Tracing& tracing) {
  v.usual("otlp_endpoint");
  v.key("otlp_endpoint", tracing.collector, CollectorUrl(),
        "The collector: spans are posted to its /v1/traces as JSON; the certificate of an https:// one is verified by "
        "the system's authorities");
  v.key("sample_ratio", tracing.sample_ratio, Number(kShare),
        "Share of the traces that begin here; a client's own decision, in traceparent or b3, goes before it");
  v.key("service_name", tracing.service_name, TextThat(is_service_name, "a name of 1 to 255 printable characters"),
        "The resource attribute service.name of all spans");
}

template <class V>
void describe(V& v, Log& log) {
  v.usual("level");
  v.key("level", log.level, OneOf(kLogLevels), "What is logged");
  v.key("format", log.format, OneOf(kLogFormats), "One line an event; text is for people");
  v.key("access", log.access, Flag(), "A line a request");
  v.key("access_sample", log.access_sample, Number(kShare), "Share of requests that are logged");
}

template <class V>
void describe(V& v, Shutdown& shutdown) {
  v.usual("drain_timeout");
  v.key("drain_timeout", shutdown.drain_timeout, Duration(kFromZero),
        "After SIGTERM and grace, from the closing of the listeners: requests in flight may take this long");
  v.key("grace", shutdown.grace, Duration(kFromZero),
        "After SIGTERM: nothing changes for this long but readiness. Shorter than drain_timeout");
}

template <class V>
void describe(V& v, Config& config) {
  unsigned version = 1;
  v.key("version", version, Count(1, 1), "Of this format");
  v.by_hand("listen", AddressText(),
            "Short for one listener that routes everything to the only upstream or, with several, by Host = upstream "
            "name (any other Host gets 404)",
            commented("127.0.0.1:8080"));
  v.items("listeners", config.listeners, "Where clients connect", live(), {.least = 1, .most = kMaxListeners});
  v.template defaults_of<Upstream>("defaults", "Merged under every upstream, key by key");
  v.named("upstreams", config.upstreams,
          "The services behind the proxy, by name ([a-z0-9][a-z0-9._-]*, not health or reset); NAME: URL is short for "
          "one endpoint",
          "orders", "endpoints");
  v.key("cache_memory", config.cache_memory, Bytes(0, 1024 * 1024 * kMiB), "Of all upstreams' caches together");
  v.key("via", config.via, TextThat(is_token, "a pseudonym of letters, digits and '-', '.', '_'"),
        "Our pseudonym in Via, different for each instance; by default fusewire- and 8 random hex digits a process",
        commented("\"${HOSTNAME}\""));
  v.section("admin", config.admin, "The admin interface");
  for (const char* key : {"state", "fleet"}) v.later(key, "off");
  v.later("flags", "{}");
  v.later("insights", "off");
  v.section("events", config, "What happened to breakers", [](auto& inner, Config& all) {
    inner.usual("history");
    inner.key("history", all.event_history, Count(0, kMaxEvents),
              "Events that the admin API lists; its stream sends all");
    inner.items("webhooks", all.webhooks, "Where they are posted to; at most 16", {}, {.most = kMaxWebhooks});
  });
  v.switchable("tracing", config.tracing, Tracing{},
               "Traces by OTLP. While it is off, a client's traceparent and b3 pass unchanged");
  v.section("log", config.log, "Logs on stdout");
  v.section("shutdown", config.shutdown, "The end of the process");
  v.section("runtime", config, "The process", [](auto& inner, Config& all) {
    inner.usual("workers");
    inner.key("workers", all.workers, WorkerCount(), "Threads; auto: the CPU quota of the container, else the cores");
  });
}

}  // namespace fusewire::config
