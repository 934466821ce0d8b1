// SPDX-License-Identifier: Apache-2.0
// `tls:` of a listener and of an upstream: paths, and whether their files can be read. Their content is
// checked by the code that links a TLS library.
#include <map>

#include "config/certificates.hpp"
#include "config/describe/listener.hpp"
#include "config/describe/read.hpp"
#include "config/describe/upstream.hpp"
#include "config/finish.hpp"
#include "config/judges.hpp"
#include "config/report.hpp"
#include "config/sections.hpp"

namespace fusewire::config {
namespace {

// A section with its paths is judged once, however many upstreams have it from `defaults`.
template <class Section, class Judge>
class Bench {
 public:
  Bench(const Judge& judge, Report& report) : judge_(judge), report_(report) {}

  void judge(const Node& tls, const Section& section, const std::string& identity) {
    const auto [known, added] = verdicts_.try_emplace(identity);
    if (added) known->second = judge_(section);
    for (const Finding& finding : known->second) {
      const Node* at = tls.find(finding.key);
      report_.error(at != nullptr ? *at : tls, finding.message);
    }
  }

 private:
  const Judge& judge_;
  Report& report_;
  std::map<std::string, std::vector<Finding>> verdicts_;
};

const Node* tls_of(const Node& section) {
  const Node* tls = section.kind == Node::Kind::map ? section.find("tls") : nullptr;
  return tls != nullptr && tls->kind == Node::Kind::map ? tls : nullptr;
}

// The items that have a `tls` with nothing wrong in it so far.
template <class Read, class Judge>
void for_each_section(const Node* list, Read read, Judge judge) {
  if (list == nullptr) return;
  for (const Node& item : list->children) {
    const Node* tls = tls_of(item);
    if (tls == nullptr) continue;
    Report reported_already{std::string()};
    const auto section = read(Reader(tls, reported_already));
    if (!reported_already.failed()) judge(*tls, section);
  }
}

// A webhook's authorities are judged as an upstream's are.
void judge_webhooks(const Node& root, const Judges& judges, Report& report) {
  Report reported_already{std::string()};
  for (const Node& item : Reader(&root, reported_already).below("events").items("webhooks")) {
    const Node* ca = item.kind == Node::Kind::map ? item.find("ca") : nullptr;
    if (ca == nullptr || ca->kind != Node::Kind::scalar) continue;
    UpstreamTls section;
    section.ca = ca->text;
    for (const Finding& finding : judges.upstream_tls(section)) report.error(*ca, finding.message);
  }
}

}  // namespace

void finish(const Reader& reader, UpstreamTls&) {
  if (reader.has("certificate")) reader.missing("private_key", "a PEM file with the certificate's key");
  if (reader.has("private_key")) reader.missing("certificate", "a PEM file with the key's certificate");
}

ListenerTls read_listener_tls(const Reader& reader) {
  ListenerTls tls;
  read_section(reader, tls);
  return tls;
}

UpstreamTls read_upstream_tls(const Reader& reader) {
  UpstreamTls tls;
  read_section(reader, tls);
  return tls;
}

void judge_certificates(const Node& root, const Judges& judges, Report& report) {
  if (judges.listener_tls) {
    Bench<ListenerTls, decltype(judges.listener_tls)> bench(judges.listener_tls, report);
    for_each_section(root.find("listeners"), read_listener_tls, [&](const Node& tls, const ListenerTls& section) {
      bench.judge(tls, section, section.certificate + '\n' + section.private_key + '\n' + section.client_ca);
    });
  }
  if (judges.upstream_tls) {
    Bench<UpstreamTls, decltype(judges.upstream_tls)> bench(judges.upstream_tls, report);
    for_each_section(root.find("upstreams"), read_upstream_tls, [&](const Node& tls, const UpstreamTls& section) {
      bench.judge(tls, section, section.certificate + '\n' + section.private_key + '\n' + section.ca);
    });
    judge_webhooks(root, judges, report);
  }
}

}  // namespace fusewire::config
