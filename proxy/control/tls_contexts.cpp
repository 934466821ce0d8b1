// SPDX-License-Identifier: Apache-2.0
#include "proxy/control/tls_contexts.hpp"

#include <algorithm>
#include <map>

#include "config/from_variables.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/tls/client_context.hpp"
#include "proxy/tls/server_context.hpp"

namespace fusewire::proxy {

namespace {

bool speaks_tls(const config::Upstream& upstream) {
  return std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                     [](const config::Endpoint& endpoint) { return endpoint.tls; });
}

void refuse(const std::string& whose, const std::vector<config::Finding>& findings) {
  if (!findings.empty())
    throw BadCertificate(whose + ": tls." + findings.front().key + ": " + findings.front().message);
}

// Upstreams with the same section share a context.
class Clients {
 public:
  Clients(const Snapshot* before, std::size_t workers) : workers_(workers) {
    if (before == nullptr) return;
    for (const auto& upstream : before->upstreams) add(before_, upstream->tls);
  }

  std::shared_ptr<TlsClient> client(const config::Upstream& upstream) {
    if (auto known = find(made_, upstream.tls)) return known;
    const TlsClient::Made made = TlsClient::make(upstream.tls, find(before_, upstream.tls), workers_);
    refuse("upstream " + upstream.name, made.findings);
    add(made_, made.context);
    return made.context;
  }

 private:
  using List = std::vector<std::shared_ptr<TlsClient>>;
  static void add(List& list, const std::shared_ptr<TlsClient>& client) {
    if (client && !find(list, client->section())) list.push_back(client);
  }
  static std::shared_ptr<TlsClient> find(const List& list, const config::UpstreamTls& section) {
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const auto& one) { return one->section() == section; });
    return found == list.end() ? nullptr : *found;
  }

  const std::size_t workers_;
  List before_;
  List made_;
};

}  // namespace

config::Judges tls_judges() {
  return {
      .listener_tls = [](const config::ListenerTls& section) { return TlsServer::make(section, nullptr, {}).findings; },
      .upstream_tls = [](const config::UpstreamTls& section) { return TlsClient::make(section, nullptr, 0).findings; }};
}

void make_tls_contexts(Snapshot& next, const Snapshot* before, std::size_t workers,
                       std::chrono::steady_clock::time_point now) {
  for (const auto& listener : next.listeners) {
    if (!listener->config->tls) continue;
    const Listener* const old = before != nullptr ? before->listener(listener->config->name) : nullptr;
    const TlsServer::Made made = TlsServer::make(*listener->config->tls, old != nullptr ? old->tls : nullptr, now);
    refuse("listener " + listener->config->name, made.findings);
    listener->tls = made.context;
  }
  Clients clients(before, workers);
  for (const auto& upstream : next.upstreams)
    if (speaks_tls(*upstream->config)) upstream->tls = clients.client(*upstream->config);
}

bool same_tls_contexts(const Snapshot& a, const Snapshot& b) {
  const auto same = [](const auto& one, const auto& other) { return one->tls == other->tls; };
  return std::equal(a.listeners.begin(), a.listeners.end(), b.listeners.begin(), b.listeners.end(), same) &&
         std::equal(a.upstreams.begin(), a.upstreams.end(), b.upstreams.begin(), b.upstreams.end(), same);
}

std::chrono::steady_clock::time_point ticket_keys_due(const Snapshot& snapshot,
                                                      std::chrono::steady_clock::time_point now) {
  auto oldest = now;
  for (const auto& listener : snapshot.listeners)
    if (listener->tls) oldest = std::min(oldest, listener->tls->ticket_keys_made());
  return oldest + TlsServer::kTicketKeys;
}

CertificateWatch::CertificateWatch(const config::Config& config) {
  std::map<std::string, std::string> shown;  // by path
  const auto add = [&](std::vector<std::string> section, const char* key, const std::string& path) {
    section.insert(section.end(), {"tls", key});
    if (!path.empty()) shown.emplace(path, config::shown(config, section, path));
  };
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& tls = config.listeners[i].tls;
    if (!tls) continue;
    const std::vector<std::string> section = {"listeners", std::to_string(i)};
    add(section, "certificate", tls->certificate);
    add(section, "private_key", tls->private_key);
    add(section, "client_ca", tls->client_ca);
  }
  for (const auto& upstream : config.upstreams) {
    if (!speaks_tls(upstream)) continue;
    const std::vector<std::string> section = {"upstreams", upstream.name};
    add(section, "ca", upstream.tls.ca);
    add(section, "certificate", upstream.tls.certificate);
    add(section, "private_key", upstream.tls.private_key);
  }
  for (auto& [path, text] : shown) files_.push_back({ContentWatch(path), std::move(text)});
}

bool CertificateWatch::poll() {
  bool changed = false;
  for (auto& [content, shown] : files_) {
    const ContentWatch::Seen seen = content.poll();
    if (seen == ContentWatch::Seen::changed) changed = true;
    if (seen == ContentWatch::Seen::lost)
      log::warn("a certificate's file cannot be read, keeping what was loaded", {{"file", shown}});
    if (seen == ContentWatch::Seen::found) log::info("a certificate's file can be read again", {{"file", shown}});
  }
  return changed;
}

}  // namespace fusewire::proxy
