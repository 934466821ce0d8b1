// SPDX-License-Identifier: Apache-2.0
// The keys of a listener.
#pragma once

#include "config/describe/listener_forms.hpp"
#include "config/describe/route.hpp"
#include "config/describe/upstream_forms.hpp"
#include "config/describe/visitor.hpp"

namespace fusewire::config {

template <class V>
void describe(V& v, ListenerTls& tls) {
  v.required("certificate", "a PEM file with the certificate and its chain");
  v.required("private_key", "a PEM file with the certificate's key");
  v.key("certificate", tls.certificate, PemFile(), "A PEM file with the certificate and its chain, leaf first",
        live("/etc/tls/tls.crt"));
  v.key("private_key", tls.private_key, PemFile(), "A PEM file with the certificate's key", live("/etc/tls/tls.key"));
  v.key("client_ca", tls.client_ca, PemFile(),
        "A PEM file of authorities: a client must show a certificate by one of them; by default none is asked for",
        live("/etc/tls/ca.crt"));
  v.key("min_version", tls.min_version, OneOf(kTlsVersions), "Older versions of TLS are refused");
}

template <class V>
void describe(V& v, ListenerLimits& limits) {
  v.key("max_connections", limits.max_connections, Count(1, kMaxConnections), "Client connections");
  v.key("max_request_line", limits.max_request_line, Bytes(64, kMaxHeadBytes), "414 beyond it");
  v.key("max_head_bytes", limits.max_head_bytes, Bytes(256, kMaxHeadBytes), "431 beyond it");
  v.key("max_fields", limits.max_fields, Count(1, 10'000), "431 beyond it");
  v.key("max_body", limits.max_body, Bytes(0, kUnlimited), "413 beyond it");
  v.key("head_timeout", limits.head_timeout, Duration(),
        "From the first byte of a request's head to its last; and for a TLS handshake");
  v.key("body_timeout", limits.body_timeout, Duration(), "Between two reads of a request's body");
  v.key("idle_timeout", limits.idle_timeout, Duration(), "Between two requests");
  v.key("send_timeout", limits.send_timeout, Duration(), "The client takes no byte of its response");
  v.key("when_full", limits.when_full, OneOf(kWhenFull),
        "Beyond max_connections, when no client can give way: refuse answers 503, wait leaves the connection in the "
        "backlog until another one ends");
}

template <class V>
void describe(V& v, Listener& listener) {
  v.required("address", "HOST:PORT or unix:/path");
  v.key("name", listener.name, FreeText(), "Its name in logs and metrics");
  v.key("address", listener.address, AddressText(),
        "Where it listens: HOST:PORT (of a name, all its addresses), or unix:/path, whose file goes with the listener",
        live("127.0.0.1:8080"));
  v.key("mode", listener.mode, FileMode(), "Of a unix socket's file, in octal and in quotes; by default by the umask",
        commented("\"0660\""));
  v.key("client_half_close", listener.client_half_close, OneOf(kHalfClose),
        "A client's FIN after a complete request. abort: it is gone; answer: there will be no more requests, what is "
        "pending is answered");
  v.optional("tls", listener.tls, "Clients speak TLS to this listener. The files are read again when they change",
             commented({}));
  v.key("trust_forwarded", listener.trust_forwarded, NetworkList(),
        "Networks (CIDR, such as 10.0.0.0/8) whose X-Forwarded-* and Forwarded fields are kept");
  v.section("limits", listener.limits, "Limits of this listener");
  v.items("routes", listener.routes,
          "The first match wins; what matches none is a 404. Without the key everything goes to the only upstream or, "
          "with several, by Host = upstream name",
          live(), {.least = 1});
}

}  // namespace fusewire::config
