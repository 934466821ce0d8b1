// SPDX-License-Identifier: Apache-2.0
// Files of an authority and a certificate, and the lines of a configuration that name them.
#pragma once

#include <string>

#include "tests/support/connection.hpp"
#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

namespace fusewire::testing {

inline constexpr int kTls12 = 0x0303;
inline constexpr int kTls13 = 0x0304;

// ca.pem, cert.pem and key.pem in a folder.
struct TlsFiles {
  explicit TlsFiles(const Wanted& wanted = {}) : identity(authority.issue(wanted)) {
    folder.write("ca.pem", authority.certificate());
    install(identity);
  }
  void install(const Identity& one) const {
    folder.write("cert.pem", one.certificate);
    folder.write("key.pem", one.private_key);
  }
  std::string at(const std::string& name) const { return (folder.path() / name).string(); }

  // Under a listener, four spaces deep; `more`: further keys of the section, each after a comma.
  std::string listener(const std::string& more = {}) const {
    return "    tls: {certificate: " + at("cert.pem") + ", private_key: " + at("key.pem") + more + "}\n";
  }
  // Under an upstream.
  std::string upstream(const std::string& more = {}) const { return "    tls: {ca: " + at("ca.pem") + more + "}\n"; }

  // What a client that trusts the authority wishes.
  TlsWishes client() const { return {.ca = authority.certificate()}; }
  TlsWishes server() const { return {.identity = identity}; }

  Authority authority;
  Identity identity;
  TemporaryFolder folder;
};

// Clients over TLS, a plain upstream.
struct TlsListenerRig {
  explicit TlsListenerRig(Script script = scripts::ok(), const std::string& tls_keys = {},
                          const std::string& listener_lines = {})
      : rig(std::move(script), kNoBreaker, files.listener(tls_keys) + listener_lines) {}

  Connection connect() const { return rig.proxy.connect(); }
  // A connection after its handshake; fails the test where there is none.
  Connection secured(TlsEnd& end, bool resume = false) const {
    Connection connection = connect();
    const bool good = connection.secure(end, resume);
    CHECK_MESSAGE(good, connection.tls().failure());
    return connection;
  }
  double handshakes(const std::string& result) const {
    return rig.proxy.metric("fusewire_tls_handshakes_total{result=\"" + result + "\"}");
  }

  TlsFiles files;
  TlsEnd client{TlsEnd::Role::client, files.client()};
  Rig rig;
};

inline Response ask(Connection& connection, const std::string& target = "/", const std::string& field_lines = {}) {
  connection.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + field_lines + "\r\n");
  return read_response(connection);
}

// A plain client, an upstream over TLS, which is named `host` in its URL.
struct TlsUpstreamRig {
  explicit TlsUpstreamRig(Script script = scripts::ok(), const std::string& tls_keys = {},
                          const std::string& host = "localhost", const Wanted& wanted = {})
      : files(wanted), rig(files.server(), std::move(script), "https://" + host, files.upstream(tls_keys)) {}

  // The same with another server's wishes and lines of the upstream.
  struct Pair {
    Pair(TlsWishes wishes, Script script, const std::string& url, const std::string& lines,
         const std::string& route_lines = {})
        : server(TlsEnd::Role::server, std::move(wishes)),
          upstream(std::move(script), &server),
          proxy("listeners:\n  - name: main\n    address: 127.0.0.1:0\n    routes:\n      - upstream: orders\n" +
                    route_lines + "upstreams:\n  orders:\n    endpoints: [\"" + url + ":${ORDERS}\"]\n" + lines +
                    kNoBreaker + "    fallback: {chain: []}\n",
                {{"ORDERS", upstream.port()}}) {}

    double handshakes(const std::string& result) const {
      return proxy.metric("fusewire_upstream_tls_handshakes_total{upstream=\"orders\",result=\"" + result + "\"}");
    }

    TlsEnd server;
    ScriptedUpstream upstream;
    TestProxy proxy;
  };

  TlsFiles files;
  Pair rig;
};

}  // namespace fusewire::testing
