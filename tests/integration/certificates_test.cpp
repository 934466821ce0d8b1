// SPDX-License-Identifier: Apache-2.0
// Certificates that change while the proxy runs.
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "filters/breaker/classify.hpp"
#include "proxy/control/tls_contexts.hpp"
#include "proxy/tls/server_context.hpp"
#include "tests/support/tls_rig.hpp"

using namespace fusewire::testing;
namespace fs = std::filesystem;
namespace proxy = fusewire::proxy;

namespace {

// What a new connection is shown.
std::string shown(const TlsListenerRig& tls) {
  TlsEnd any(TlsEnd::Role::client, {});
  Connection client = tls.connect();
  return client.secure(any) ? client.tls().peer_certificate() : "no handshake: " + client.tls().failure();
}

bool is_shown(const TlsListenerRig& tls, const Identity& identity) {
  return eventually([&] { return shown(tls) == identity.certificate; });
}

// Reads `look` many times over: what it watches for must not come.
template <class Condition>
bool holds_for(milliseconds time, Condition condition) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until)
    if (!condition()) return false;
  return true;
}

}  // namespace

TEST_CASE("a renewed certificate is shown to new connections, and old ones live on") {
  TlsListenerRig tls;
  Connection client = tls.secured(tls.client);
  CHECK(ask(client).status == 200);
  const Identity renewed = tls.files.authority.issue({.ends_in = std::chrono::hours(20)});
  tls.files.install(renewed);
  CHECK(is_shown(tls, renewed));
  CHECK(ask(client).status == 200);
  const double ends = tls.rig.proxy.metric("fusewire_certificate_not_after_timestamp_seconds{listener=\"main\"}");
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  CHECK(ends > static_cast<double>(now.count()) + 19 * 3600);
}

TEST_CASE("a renewed certificate is shown within a second and a half") {
  TlsListenerRig tls;
  const Identity renewed = tls.files.authority.issue();
  tls.files.install(renewed);
  CHECK(time_of([&] { CHECK(is_shown(tls, renewed)); }) < 1500ms);
}

TEST_CASE("sessions of before a renewal are resumed after it") {
  TlsListenerRig tls;
  CHECK(ask(*std::make_unique<Connection>(tls.secured(tls.client))).status == 200);
  const Identity renewed = tls.files.authority.issue();
  tls.files.install(renewed);
  CHECK(is_shown(tls, renewed));
  CHECK(tls.secured(tls.client, true).tls().resumed());
}

TEST_CASE("a new certificate beside the old key changes nothing until its key is there") {
  TlsListenerRig tls;
  const Identity renewed = tls.files.authority.issue();
  tls.files.folder.write("cert.pem", renewed.certificate);
  CHECK(holds_for(1200ms, [&] { return shown(tls) == tls.files.identity.certificate; }));
  tls.files.folder.write("key.pem", renewed.private_key);
  CHECK(is_shown(tls, renewed));
}

TEST_CASE("ticket keys are due 12 hours after they were made, whatever is reloaded in between") {
  TlsFiles files;
  fusewire::config::ListenerTls section;
  section.certificate = files.at("cert.pem");
  section.private_key = files.at("key.pem");
  const auto start = std::chrono::steady_clock::now();
  proxy::Snapshot snapshot;
  for (const auto age : {0h, 3h, 11h}) {
    files.install(files.authority.issue());
    auto listener = std::make_unique<proxy::Listener>();
    const auto before = snapshot.listeners.empty() ? nullptr : snapshot.listeners.back()->tls;
    listener->tls = proxy::TlsServer::make(section, before, start + age).context;
    REQUIRE(listener->tls);
    CHECK(listener->tls != before);
    snapshot.listeners.push_back(std::move(listener));
    CHECK(proxy::ticket_keys_due(snapshot, start + age) == start + 12h);
  }
}

TEST_CASE("a broken file changes nothing, nor does a missing one") {
  TlsListenerRig tls;
  tls.files.folder.write("cert.pem", "-----BEGIN CERTIFICATE-----\nbroken\n");
  CHECK(holds_for(1000ms, [&] { return shown(tls) == tls.files.identity.certificate; }));
  fs::remove(tls.files.at("key.pem"));
  CHECK(holds_for(600ms, [&] { return shown(tls) == tls.files.identity.certificate; }));
  const Identity renewed = tls.files.authority.issue();
  tls.files.install(renewed);
  CHECK(is_shown(tls, renewed));
}

// As kubelet does it: cert.pem -> ..data/cert.pem, ..data -> a folder that is swapped.
TEST_CASE("the link that Kubernetes swaps when a Secret changes is followed") {
  TlsListenerRig tls;
  const fs::path folder = tls.files.folder.path();
  const auto lay = [&](const std::string& name, const Identity& identity) {
    fs::create_directory(folder / name);
    tls.files.folder.write(name + "/cert.pem", identity.certificate);
    tls.files.folder.write(name + "/key.pem", identity.private_key);
  };
  lay("..1", tls.files.identity);
  fs::create_directory_symlink("..1", folder / "..data");
  for (const char* name : {"cert.pem", "key.pem"}) {
    fs::remove(folder / name);
    fs::create_symlink(fs::path("..data") / name, folder / name);
  }
  CHECK(shown(tls) == tls.files.identity.certificate);
  const Identity renewed = tls.files.authority.issue();
  lay("..2", renewed);
  fs::create_directory_symlink("..2", folder / "..next");
  fs::rename(folder / "..next", folder / "..data");
  CHECK(is_shown(tls, renewed));
}

TEST_CASE("while certificates are renewed no request fails") {
  TlsListenerRig tls;
  std::atomic<bool> stop{false};
  std::atomic<int> good{0}, bad{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i)
    clients.emplace_back([&, kept = i % 2 == 0] {
      TlsEnd end(TlsEnd::Role::client, tls.files.client());
      std::unique_ptr<Connection> client;
      while (!stop) {
        if (!client || !kept) client = std::make_unique<Connection>(tls.connect());
        const bool secure = client->is_secure() || client->secure(end);
        (secure && ask(*client).status == 200 ? good : bad) += 1;
      }
    });
  for (int i = 0; i < 3; ++i) {
    const Identity renewed = tls.files.authority.issue();
    tls.files.install(renewed);
    CHECK(is_shown(tls, renewed));
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  CHECK(bad == 0);
  CHECK(good > 10);
}

TEST_CASE("the upstream's authorities are read again when they change") {
  TlsFiles files;
  Authority other("Other");
  files.folder.write("ca.pem", other.certificate());
  TlsUpstreamRig::Pair rig(files.server(), scripts::ok(), "https://localhost", files.upstream());
  check_problem(rig.proxy.get("/"), 502, "ConnectFailed", "tls_certificate_error");
  files.folder.write("ca.pem", files.authority.certificate());
  CHECK(eventually([&] { return rig.proxy.get("/").status == 200; }));
}

TEST_CASE("a kept connection to an upstream is not used when its authorities' file holds others now") {
  TlsFiles files;
  Authority other("Other");
  TlsUpstreamRig::Pair rig(files.server(), scripts::ok(), "https://localhost", files.upstream());
  CHECK(rig.proxy.get("/").status == 200);
  CHECK(rig.proxy.get("/").status == 200);
  files.folder.write("ca.pem", other.certificate());
  REQUIRE(rig.proxy.admin_change("/admin/config/reload").status == 200);
  check_problem(rig.proxy.get("/"), 502, "ConnectFailed", "tls_certificate_error");
}

TEST_CASE("a reload with a bad certificate leaves the old configuration serving, and says where it is bad") {
  TlsListenerRig tls;
  const std::string other = tls.files.folder.write("other.pem", tls.files.authority.issue().private_key);
  const Response refused = tls.rig.proxy.reload(
      orders({}, "    tls: {certificate: " + tls.files.at("cert.pem") + ", private_key: " + other + "}\n"));
  CHECK(refused.status == 422);
  CHECK(refused.body.find("test.yaml:4:") != std::string::npos);
  CHECK(refused.body.find("listeners.0.tls.private_key: is not the key of the certificate") != std::string::npos);
  CHECK(shown(tls) == tls.files.identity.certificate);
  Connection client = tls.secured(tls.client);
  CHECK(ask(client).status == 200);
}

TEST_CASE("a reload by hand takes a renewed certificate at once") {
  TlsListenerRig tls;
  const Identity renewed = tls.files.authority.issue();
  tls.files.install(renewed);
  CHECK(tls.rig.proxy.admin_change("/admin/config/reload").status == 200);
  CHECK(shown(tls) == renewed.certificate);
}

TEST_CASE("TLS is turned on and off again on one port; earlier connections are closed") {
  TlsFiles files;
  ReservedPort port;
  ScriptedUpstream upstream;
  const auto text = [&](const std::string& tls) {
    return "listeners:\n  - name: main\n    address: 127.0.0.1:" + std::to_string(port.number()) + "\n" + tls +
           "upstreams:\n  orders:\n    endpoints: [\"http://127.0.0.1:" + std::to_string(upstream.port()) + "\"]\n";
  };
  TestProxy proxy(text(""));
  Connection plain = proxy.connect();
  CHECK(ask(plain).status == 200);
  CHECK(proxy.reload(text(files.listener())).status == 200);
  CHECK(plain.ended());
  TlsEnd end(TlsEnd::Role::client, files.client());
  Connection secure = proxy.connect();
  CHECK(secure.secure(end));
  CHECK(ask(secure).status == 200);
  CHECK(upstream.requests().back().field("X-Forwarded-Proto") == "https");
  CHECK(proxy.reload(text("")).status == 200);
  CHECK(secure.ended());
  Connection again = proxy.connect();
  CHECK(ask(again).status == 200);
  CHECK(upstream.requests().back().field("X-Forwarded-Proto") == "http");
}

TEST_CASE("the certificates of a file are checked before it is served, with every error at its place") {
  TlsFiles files;
  const std::string good = files.folder.write("good.yaml", "listeners:\n  - address: 127.0.0.1:0\n" + files.listener() +
                                                               "upstreams: {a: http://127.0.0.1:1}\n");
  Process checked({"check", "-c", good});
  CHECK(checked.wait() == 0);
  const std::string text = files.folder.write("text", "no certificate");
  const std::string bad = files.folder.write(
      "bad.yaml", "listeners:\n  - address: 127.0.0.1:0\n    tls:\n      certificate: " + text +
                      "\n      private_key: " + files.at("cert.pem") +
                      "\nupstreams: {a: {endpoints: [https://127.0.0.1:1], tls: {ca: " + text + "}}}\n");
  for (const char* command : {"check", "run"}) {
    Process refused({command, "-c", bad});
    CHECK(refused.wait() == 2);
    const std::string said = refused.output();
    CAPTURE(said);
    CHECK(said.find("bad.yaml:4:20: listeners.0.tls.certificate: holds no certificate in PEM form") !=
          std::string::npos);
    CHECK(said.find("bad.yaml:5:20: listeners.0.tls.private_key: holds no private key") != std::string::npos);
    CHECK(said.find("bad.yaml:6:61: upstreams.a.tls.ca: holds no certificate in PEM form") != std::string::npos);
  }
}
