// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support.hpp"

namespace fusewire::config {
namespace {

// Any file that can be read will do here: what it holds is the judges' business.
const std::string kFile = "/etc/passwd";

std::string listener_file(const std::string& tls) {
  return "upstreams: {a: http://a}\nlisteners:\n  - address: 127.0.0.1:1\n    tls: " + tls + "\n";
}
std::string upstream_with(const std::string& tls) {
  return "listen: 127.0.0.1:1\nupstreams:\n  a:\n    endpoints: [https://a]\n    tls: " + tls + "\n";
}
Lines errors_of(const std::string& text) { return lines_of(load_text(text).errors); }

LoadResult judged(const std::string& text, Judges judges) {
  return load({.name = "f", .text = text, .judges = std::move(judges)});
}

TEST_CASE("a listener's TLS has a certificate and a key; clients and versions are as they come") {
  const Config config = good(load_text(listener_file("{certificate: " + kFile + ", private_key: /etc/group}")));
  const ListenerTls& tls = config.listeners[0].tls.value();
  CHECK(tls.certificate == kFile);
  CHECK(tls.private_key == "/etc/group");
  CHECK(tls.client_ca.empty());
  CHECK(tls.min_version == TlsVersion::v1_2);
}

TEST_CASE("a listener without tls is plain") { CHECK_FALSE(good(load_with("")).listeners[0].tls); }

TEST_CASE("certificate and key are needed together") {
  CHECK(errors_of(listener_file("{}")) ==
        Lines{"f:4:5: listeners.0.tls.certificate: missing; expected a PEM file with the certificate and its chain",
              "f:4:5: listeners.0.tls.private_key: missing; expected a PEM file with the certificate's key"});
  CHECK(errors_of(upstream_with("{certificate: " + kFile + "}")) ==
        Lines{"f:5:5: upstreams.a.tls.private_key: missing; expected a PEM file with the certificate's key"});
  CHECK(errors_of(upstream_with("{private_key: " + kFile + "}")) ==
        Lines{"f:5:5: upstreams.a.tls.certificate: missing; expected a PEM file with the key's certificate"});
}

TEST_CASE("a file that can't be read is reported where it is named") {
  CHECK(errors_of(listener_file("{certificate: /nowhere/a.pem, private_key: /etc, client_ca: " + kFile + "}")) ==
        Lines{"f:4:24: listeners.0.tls.certificate: cannot read the file '/nowhere/a.pem'",
              "f:4:53: listeners.0.tls.private_key: cannot read the file '/etc'"});
  CHECK(errors_of(upstream_with("{ca: /nowhere/a.pem}")) ==
        Lines{"f:5:15: upstreams.a.tls.ca: cannot read the file '/nowhere/a.pem'"});
}

TEST_CASE("TLS is 1.2 or 1.3, quoted or not") {
  const std::string files = "{certificate: " + kFile + ", private_key: " + kFile + ", min_version: ";
  CHECK(good(load_text(listener_file(files + "1.3}"))).listeners[0].tls->min_version == TlsVersion::v1_3);
  CHECK(good(load_text(listener_file(files + "\"1.2\"}"))).listeners[0].tls->min_version == TlsVersion::v1_2);
  CHECK(errors_of(listener_file(files + "1.1}")) ==
        Lines{"f:4:76: listeners.0.tls.min_version: unknown value '1.1'; did you mean '1.2'?"});
}

TEST_CASE("an upstream is verified against the system's authorities unless it says otherwise") {
  const UpstreamTls tls = good(load_text(upstream_with("{ca: system}"))).upstreams[0].tls;
  CHECK(tls == UpstreamTls{});
  CHECK(tls.verify);
  CHECK(good(load_text(upstream_with("{ca: " + kFile + ", server_name: b.example}"))).upstreams[0].tls ==
        UpstreamTls{.ca = kFile, .certificate = {}, .private_key = {}, .server_name = "b.example", .verify = true});
}

TEST_CASE("a server name is a host") {
  CHECK(errors_of(upstream_with("{server_name: 'a b'}")) ==
        Lines{"f:5:24: upstreams.a.tls.server_name: expected a host without port, found 'a b'"});
  CHECK(errors_of(upstream_with("{server_name: a:443}")).size() == 1);
  CHECK(errors_of(upstream_with("{server_name: ''}")).size() == 1);
}

TEST_CASE("an upstream that is not verified is a trap, where it speaks TLS") {
  CHECK(lines_of(load_text(upstream_with("{verify: false}")).warnings) ==
        Lines{"f:5:19: upstreams.a.tls.verify: anyone in between can read and change everything: no certificate "
              "is checked"});
  CHECK(load_text("listen: 127.0.0.1:1\nupstreams: {a: {endpoints: [http://a], tls: {verify: false}}}\n")
            .warnings.empty());
}

TEST_CASE("a route keeps the client's Host when it says so") {
  const auto route = [](const std::string& rewrite) {
    return load_text("upstreams: {a: https://a}\nlisteners: [{address: '127.0.0.1:1', routes: [{upstream: a" + rewrite +
                     "}]}]\n");
  };
  CHECK(good(route("")).listeners[0].routes[0].host.kind != HostRewrite::Kind::preserve);
  CHECK(good(route(", rewrite: {}")).listeners[0].routes[0].host.kind != HostRewrite::Kind::preserve);
  CHECK(good(route(", rewrite: {host: preserve}")).listeners[0].routes[0].host.kind == HostRewrite::Kind::preserve);
  CHECK(lines_of(route(", rewrite: {host: 'a b'}").errors).size() == 1);
}

TEST_CASE("what the judges find is reported where the file is named") {
  const LoadResult result = judged(listener_file("{certificate: " + kFile + ", private_key: " + kFile + "}"),
                                   {.listener_tls =
                                        [](const ListenerTls&) {
                                          return std::vector<Finding>{{"private_key", "is not the key"}};
                                        },
                                    .upstream_tls = {}});
  CHECK(lines_of(result.errors) == Lines{"f:4:50: listeners.0.tls.private_key: is not the key"});
  CHECK_FALSE(result.config);
}

TEST_CASE("what a default says of all upstreams is judged once") {
  int asked = 0;
  const LoadResult result =
      judged("listen: 127.0.0.1:1\ndefaults: {tls: {ca: " + kFile + "}}\nupstreams: {a: https://a, b: https://b}\n",
             {.listener_tls = {}, .upstream_tls = [&](const UpstreamTls&) {
                ++asked;
                return std::vector<Finding>{{"ca", "is bad"}};
              }});
  CHECK(asked == 1);
  CHECK(lines_of(result.errors).size() == 1);
}

TEST_CASE("a section with an unreadable file is not judged") {
  const LoadResult result =
      judged(upstream_with("{ca: /nowhere}"), {.listener_tls = {}, .upstream_tls = [](const UpstreamTls&) {
                                                 return std::vector<Finding>{{"ca", "is bad"}};
                                               }});
  CHECK(lines_of(result.errors) == Lines{"f:5:15: upstreams.a.tls.ca: cannot read the file '/nowhere'"});
}

}  // namespace
}  // namespace fusewire::config
