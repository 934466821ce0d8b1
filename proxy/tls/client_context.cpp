// SPDX-License-Identifier: Apache-2.0
#include "proxy/tls/client_context.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace fusewire::proxy {

namespace {

constexpr unsigned char kProtocols[] = "\x08http/1.1";

bool is_address(const std::string& name) {
  in6_addr any{};
  return ::inet_pton(AF_INET, name.c_str(), &any) == 1 || ::inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsStream*>(SSL_get_app_data(ssl))->keep_session(SslSession(session));
  return 1;  // it is ours now
}

SslContext client_context() {
  SslContext context = new_context(TLS_client_method(), TLS1_2_VERSION);
  if (!context) return context;
  SSL_CTX* const c = context.get();
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(c, keep_session);
  SSL_CTX_set_alpn_protos(c, kProtocols, sizeof kProtocols - 1);  // 0 is success here
  return context;
}

// The operating system's authorities, read once and shared by all who trust them. SSL_CERT_FILE and SSL_CERT_DIR in the
// environment name others.
X509_STORE* system_authorities() {
  static X509_STORE* const kStore = [] {
    X509_STORE* store = X509_STORE_new();
    if (store != nullptr) X509_STORE_set_default_paths(store);
    ERR_clear_error();
    return store;
  }();
  return kStore;
}

}  // namespace

TlsClient::Made TlsClient::make(const config::UpstreamTls& section, const std::shared_ptr<TlsClient>& before,
                                std::size_t workers) {
  Made made;
  const PemFiles files = PemFiles::read({"certificate", section.certificate}, {"private_key", section.private_key},
                                        {"ca", section.ca}, made.findings);
  if (!made.findings.empty()) return made;
  if (before && before->section_ == section && before->files_ == files.digest) {
    made.context = before;
    return made;
  }
  const std::shared_ptr<TlsClient> client(new TlsClient);
  client->section_ = section;
  client->files_ = files.digest;
  client->context_ = client_context();
  SSL_CTX* const context = client->context_.get();
  if (context == nullptr) {
    made.findings.push_back({"ca", "no TLS context can be made"});
    return made;
  }
  const auto note = [&made](const char* name, std::string error) {
    if (!error.empty()) made.findings.push_back({name, std::move(error)});
  };
  if (!section.certificate.empty()) note("certificate", use_certificate(context, files.certificate));
  if (!section.private_key.empty()) note("private_key", use_private_key(context, files.private_key));
  if (!section.ca.empty())
    note("ca", add_authorities(SSL_CTX_get_cert_store(context), files.authorities));
  else if (section.verify)
    SSL_CTX_set1_cert_store(context, system_authorities());
  SSL_CTX_set_verify(context, section.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  for (std::size_t i = 0; i < workers; ++i) client->sessions_.push_back(std::make_unique<Sessions>());
  if (made.findings.empty()) made.context = client;
  return made;
}

TlsSetup TlsClient::connect(std::size_t worker, std::size_t endpoint_id, const std::string& name) {
  std::shared_ptr<SslSession>& place = (*sessions_[worker])[endpoint_id];
  if (!place) place = std::make_shared<SslSession>();
  SslSession& session = *place;
  TlsSetup setup{.ssl = Ssl(SSL_new(context_.get())), .session = &session, .keeps_it = place};
  SSL* const ssl = setup.ssl.get();
  if (ssl == nullptr) return setup;
  X509_VERIFY_PARAM* const checks = SSL_get0_param(ssl);
  // Names are those of subjectAltName (RFC 9110 §4.3.4).
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool address = is_address(name);
  const bool set = address ? X509_VERIFY_PARAM_set1_ip_asc(checks, name.c_str()) == 1
                           : SSL_set_tlsext_host_name(ssl, name.c_str()) == 1 &&
                                 X509_VERIFY_PARAM_set1_host(checks, name.c_str(), name.size()) == 1;
  if (!set) {  // a name that can't be checked is not connected to
    setup.ssl.reset();
    return setup;
  }
  if (session && section_.verify && has_expired_peer(session.get())) session.reset();
  if (session) SSL_set_session(ssl, session.get());
  SSL_set_connect_state(ssl);
  return setup;
}

void TlsClient::keep_only(std::size_t worker, const std::unordered_set<std::size_t>& endpoint_ids) {
  std::erase_if(*sessions_[worker], [&](const auto& entry) { return !endpoint_ids.contains(entry.first); });
}

}  // namespace fusewire::proxy
