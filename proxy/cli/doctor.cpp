// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/doctor.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <ostream>
#include <vector>

#include "config/from_variables.hpp"
#include "config/printable.hpp"
#include "config/web_url.hpp"
#include "proxy/cli/admin_client.hpp"
#include "proxy/cli/config_source.hpp"
#include "proxy/cli/paint.hpp"
#include "proxy/cli/trial.hpp"
#include "proxy/webhooks/formats.hpp"

namespace fusewire::cli {
namespace {

namespace json = boost::json;

enum class Level { ok, warning, failed };

struct Finding {
  Level level = Level::ok;
  std::string subject;
  std::string message;
  std::string advice;  // empty: there is nothing to do
};

std::string_view name_of(Level level) {
  return level == Level::ok ? "ok" : level == Level::warning ? "warning" : "failed";
}

class Doctor {
 public:
  explicit Doctor(const config::Config& config) : config_(config) {}

  std::vector<Finding> examine() {
    own_runs_ = admin_answers();
    for (std::size_t i = 0; i < config_.listeners.size(); ++i) listener(i);
    address("admin", config_.admin.address, {"admin", "address"});
    if (config_.admin.probes) address("probes", *config_.admin.probes, {"admin", "probes"});
    if (config_.admin.token.empty())
      add(Level::warning, "admin", "there is no token, so nothing can be changed: no reset, no override",
          "set admin.token_file");
    descriptors();
    for (const config::Upstream& upstream : config_.upstreams) endpoints(upstream);
    for (const config::Webhook& hook : config_.webhooks) webhook(hook);
    return std::move(findings_);
  }

 private:
  void add(Level level, std::string subject, std::string message, std::string advice = {}) {
    findings_.push_back({level, std::move(subject), std::move(message), std::move(advice)});
  }
  void add(std::string subject, Trial trial) {
    add(trial.good ? Level::ok : Level::failed, std::move(subject), std::move(trial.message), std::move(trial.advice));
  }

  // Without the token: the port may be somebody else's.
  bool admin_answers() const {
    config::Address where = config_.admin.address;
    if (where.host == "0.0.0.0") where.host = "127.0.0.1";
    if (where.host == "::") where.host = "::1";
    config::Endpoint endpoint;
    endpoint.url = config::format_address(where);
    endpoint.address = where;
    if (where.kind == config::Address::Kind::tcp) endpoint.authority = config::format_address(where);
    try {
      const auto answer = AdminClient(endpoint, {}).call("GET", "/admin/health");
      const json::object said = json::parse(answer.body).as_object();
      if (answer.status == 401) return said.at("type").as_string().starts_with("urn:fusewire:");
      return answer.status == 200 && said.contains("uptime_ms");
    } catch (const std::exception&) {  // nobody, or somebody else
      return false;
    }
  }

  void address(const std::string& what, const config::Address& wanted, const std::vector<std::string>& path) {
    const std::string shown = config::shown(config_, path, config::format_address(wanted));
    add(what + ' ' + shown, try_to_listen(wanted, shown, own_runs_));
  }
  void listener(std::size_t i) {
    address("listener " + config_.listeners[i].name, config_.listeners[i].address,
            {"listeners", std::to_string(i), "address"});
  }

  // Each request may need one for its client and one for its upstream.
  void descriptors() {
    std::uint64_t wanted = 0;
    for (const config::Listener& listener : config_.listeners)
      wanted += 2 * std::uint64_t{listener.limits.max_connections};
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted) return;
    add(Level::warning, "file descriptors",
        std::to_string(limit.rlim_max) + " at most, and max_connections of all listeners may need " +
            std::to_string(wanted),
        "raise the hard limit (LimitNOFILE= of systemd, ulimit -n), or lower max_connections");
  }

  void endpoints(const config::Upstream& upstream) {
    for (std::size_t i = 0; i < upstream.endpoints.size(); ++i) {
      const config::Endpoint& endpoint = upstream.endpoints[i];
      std::vector<std::string> path = {"upstreams", upstream.name, "endpoints", std::to_string(i)};
      std::string shown = config::shown(config_, path, endpoint.url);
      path.emplace_back("url");
      shown = config::shown(config_, path, shown);
      add("upstream " + upstream.name + ' ' + shown,
          try_to_connect(endpoint, &upstream.tls, upstream.timeouts.connect, "timeouts.connect"));
    }
  }

  void webhook(const config::Webhook& hook) {
    const std::string subject = "webhook " + hook.name;
    if (!hook.url_file.empty())
      return add(Level::warning, subject, "its URL is in a file, and was not tried", "wait for its first message");
    const std::string url = hook.url.empty() ? std::string(proxy::usual_url(hook.format)) : hook.url;
    config::UpstreamTls tls;
    tls.ca = hook.ca;
    add(subject, try_to_connect(config::parse_web_url(url).value->endpoint, &tls, hook.timeout, "its timeout"));
  }

  const config::Config& config_;
  std::vector<Finding> findings_;
  bool own_runs_ = false;
};

void print(const std::vector<Finding>& findings, const World& world) {
  const Paint paint(world.colours());
  for (const Finding& finding : findings) {
    const Tone tone = finding.level == Level::ok        ? Tone::good
                      : finding.level == Level::warning ? Tone::warning
                                                        : Tone::bad;
    std::string level(name_of(finding.level));
    level.resize(9, ' ');
    world.out << paint(tone, level) << config::printable(finding.subject + ": " + finding.message) << '\n';
    if (!finding.advice.empty()) world.out << std::string(9, ' ') << "-> " << config::printable(finding.advice) << '\n';
  }
}

json::array as_json(const std::vector<Finding>& findings) {
  json::array list;
  for (const Finding& finding : findings) {
    json::object one = {{"level", name_of(finding.level)}, {"subject", finding.subject}, {"message", finding.message}};
    if (!finding.advice.empty()) one["advice"] = finding.advice;
    list.push_back(std::move(one));
  }
  return list;
}

std::vector<Finding> of_file(const std::vector<config::Diagnostic>& diagnostics, Level level) {
  std::vector<Finding> findings;
  findings.reserve(diagnostics.size());
  for (const config::Diagnostic& diagnostic : diagnostics)
    findings.push_back({level, "configuration", diagnostic.to_string(), {}});
  return findings;
}

}  // namespace

int doctor(const Options& options, const World& world) {
  const std::string file = config_file(options, world);
  if (file.empty()) {
    world.err
        << "fusewire: no configuration: give -c FILE, or set FUSEWIRE_CONFIG (fusewire init writes a first one)\n";
    return kUsage;
  }
  const config::LoadResult loaded = load_file(file, options, world);
  std::vector<Finding> findings = of_file(loaded.errors, Level::failed);
  for (Finding& warning : of_file(loaded.warnings, Level::warning)) findings.push_back(std::move(warning));
  if (loaded.config)
    for (Finding& finding : Doctor(*loaded.config).examine()) findings.push_back(std::move(finding));
  const bool healthy = std::none_of(findings.begin(), findings.end(),
                                    [](const Finding& finding) { return finding.level == Level::failed; });
  if (options.json)
    world.out << config::printable(json::serialize(json::object{{"healthy", healthy}, {"findings", as_json(findings)}}))
              << '\n';
  else
    print(findings, world);
  if (!loaded.config) return kUsage;
  return healthy ? kOk : kFailed;
}

}  // namespace fusewire::cli
