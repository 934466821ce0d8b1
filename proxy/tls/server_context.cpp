// SPDX-License-Identifier: Apache-2.0
#include "proxy/tls/server_context.hpp"

#include <openssl/err.h>

#include <cstring>
#include <string_view>

namespace fusewire::proxy {

namespace {

// Forward secrecy and AEAD only; AES-128 first, for it costs least and lacks nothing.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kSessionSeconds = 2 * 60 * 60;
constexpr std::size_t kTicketKeyBytes = 80;  // as the library has them: a name, a key to sign, a key to encrypt

// HTTP/1.1, or nothing that we could speak (RFC 7301 §3.2).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int size, void*) {
  for (unsigned int at = 0; at < size; at += 1U + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != "http/1.1") continue;
    *out = offered + at + 1;
    *out_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A ticket of a client whose certificate has expired since is none: the full handshake judges it.
SSL_TICKET_RETURN judge_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t, SSL_TICKET_STATUS status,
                               void*) {
  const bool good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (!good || has_expired_peer(session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

SslContext server_context(const config::ListenerTls& section) {
  const bool newest = section.min_version == config::TlsVersion::v1_3;
  SslContext context = new_context(TLS_server_method(), newest ? TLS1_3_VERSION : TLS1_2_VERSION);
  if (!context) return context;
  SSL_CTX* const c = context.get();
  SSL_CTX_set_options(c, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // tickets, which need no memory and no lock
  SSL_CTX_set_timeout(c, kSessionSeconds);
  SSL_CTX_set_session_ticket_cb(c, nullptr, judge_ticket, nullptr);
  SSL_CTX_set_alpn_select_cb(c, choose_protocol, nullptr);
  const bool good = SSL_CTX_set_cipher_list(c, kCiphers) == 1 && SSL_CTX_set_ciphersuites(c, kCiphers13) == 1 &&
                    SSL_CTX_set1_groups_list(c, kGroups) == 1;
  return good ? std::move(context) : SslContext();
}

// A client must show a certificate by one of these authorities; their names are sent to it.
std::string require_clients(SSL_CTX* context, const std::string& authorities) {
  if (std::string error = add_authorities(SSL_CTX_get_cert_store(context), authorities); !error.empty()) return error;
  STACK_OF(X509)* const all = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_num(all); ++i) SSL_CTX_add_client_CA(context, sk_X509_value(all, i));
  sk_X509_pop_free(all, X509_free);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

}  // namespace

TlsServer::Made TlsServer::make(const config::ListenerTls& section, const std::shared_ptr<const TlsServer>& before,
                                std::chrono::steady_clock::time_point now) {
  Made made;
  const PemFiles files = PemFiles::read({"certificate", section.certificate}, {"private_key", section.private_key},
                                        {"client_ca", section.client_ca}, made.findings);
  if (!made.findings.empty()) return made;

  const std::shared_ptr<TlsServer> server(new TlsServer);
  server->section_ = section;
  server->files_ = files.digest;
  server->authorities_ = sha256(section.client_ca.empty() ? std::string("none") : files.authorities);
  server->ticket_keys_made_ = now;
  const bool old_keys = before && now - before->ticket_keys_made_ >= kTicketKeys;
  if (before && !old_keys && before->section_ == section && before->files_ == server->files_) {
    made.context = before;
    return made;
  }
  server->context_ = server_context(section);
  SSL_CTX* const context = server->context_.get();
  if (context == nullptr) {
    made.findings.push_back({"certificate", "no TLS context can be made"});
    return made;
  }
  const auto note = [&made](const char* name, std::string error) {
    if (!error.empty()) made.findings.push_back({name, std::move(error)});
  };
  note("certificate", use_certificate(context, files.certificate));
  note("private_key", use_private_key(context, files.private_key));
  if (!section.client_ca.empty()) note("client_ca", require_clients(context, files.authorities));
  // A session is resumed only under the authorities that it began under.
  SSL_CTX_set_session_id_context(context, server->authorities_.data(),
                                 static_cast<unsigned int>(server->authorities_.size()));
  if (before && !old_keys && before->authorities_ == server->authorities_) server->take_ticket_keys(*before);
  server->ends_ = not_after(context);
  if (made.findings.empty()) made.context = server;
  return made;
}

void TlsServer::take_ticket_keys(const TlsServer& before) {
  unsigned char keys[kTicketKeyBytes];
  SSL_CTX* const old = before.context_.get();
  if (SSL_CTX_get_tlsext_ticket_keys(old, keys, sizeof keys) == 1 &&
      SSL_CTX_set_tlsext_ticket_keys(context_.get(), keys, sizeof keys) == 1)
    ticket_keys_made_ = before.ticket_keys_made_;
  OPENSSL_cleanse(keys, sizeof keys);
}

TlsSetup TlsServer::accept() const {
  TlsSetup setup{.ssl = Ssl(SSL_new(context_.get())), .session = nullptr, .keeps_it = nullptr};
  if (setup.ssl) SSL_set_accept_state(setup.ssl.get());
  return setup;
}

bool TlsServer::still_admits(const TlsServer& before, const TlsStream& connection) const {
  const bool known = section_.client_ca.empty() || authorities_ == before.authorities_;
  return known && (section_.min_version != config::TlsVersion::v1_3 || connection.version() >= TLS1_3_VERSION);
}

}  // namespace fusewire::proxy
