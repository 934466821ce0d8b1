// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace fusewire::testing {

namespace {

X509* certificate_of(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  if (certificate == nullptr) throw std::runtime_error("a test's certificate is not one");
  return certificate;
}

void show(SSL_CTX* context, const Identity& identity) {
  X509* const certificate = certificate_of(identity.certificate);
  BIO* const bio = BIO_new_mem_buf(identity.private_key.data(), static_cast<int>(identity.private_key.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  const bool good = SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!good) throw std::runtime_error("a test's certificate can't be used");
}

// As it goes over the wire: each name behind its length.
std::string wire_form(const std::string& names) {
  std::string out;
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    out += static_cast<char>(end - at);
    out += names.substr(at, end - at);
    at = end + 1;
  }
  return out;
}

}  // namespace

struct TlsEnd::Impl {
  Impl(Role r, TlsWishes w) : role(r), wishes(std::move(w)), protocols(wire_form(wishes.protocols)) {}

  static int choose(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void* self) {
    const std::string& ours = static_cast<Impl*>(self)->protocols;
    unsigned char* chosen = nullptr;
    const int found = SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned int>(ours.size()), offered, offered_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  static int keep(SSL* ssl, SSL_SESSION* session) {
    auto* const self = static_cast<Impl*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::lock_guard lock(self->mutex);
    SSL_SESSION_free(std::exchange(self->session, session));
    return 1;
  }

  const Role role;
  const TlsWishes wishes;
  const std::string protocols;
  SSL_CTX* context = nullptr;
  std::mutex mutex;  // guards session
  SSL_SESSION* session = nullptr;
};

TlsEnd::TlsEnd(Role role, TlsWishes wishes) : impl_(std::make_unique<Impl>(role, std::move(wishes))) {
  std::signal(SIGPIPE, SIG_IGN);  // the library writes without MSG_NOSIGNAL
  const TlsWishes& wanted = impl_->wishes;
  SSL_CTX* const context = SSL_CTX_new(TLS_method());
  impl_->context = context;
  SSL_CTX_set_app_data(context, impl_.get());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (wanted.version != 0) SSL_CTX_set_min_proto_version(context, wanted.version);
  if (wanted.version != 0) SSL_CTX_set_max_proto_version(context, wanted.version);
  if (!wanted.identity.certificate.empty()) show(context, wanted.identity);
  if (!wanted.ca.empty()) {
    X509* const authority = certificate_of(wanted.ca);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
    X509_free(authority);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  static constexpr unsigned char kContext[] = "test";
  SSL_CTX_set_session_id_context(context, kContext, sizeof kContext);
  if (role == Role::client) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, Impl::keep);
    if (!impl_->protocols.empty())
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(impl_->protocols.data()),
                              static_cast<unsigned int>(impl_->protocols.size()));
  } else if (!impl_->protocols.empty()) {
    SSL_CTX_set_alpn_select_cb(context, Impl::choose, impl_.get());
  }
}

TlsEnd::~TlsEnd() {
  SSL_SESSION_free(impl_->session);
  SSL_CTX_free(impl_->context);
}

TlsLayer::TlsLayer(TlsEnd& end, int descriptor, bool resume) : ssl_(SSL_new(end.impl_->context)) {
  SSL_set_fd(ssl_, descriptor);
  if (end.impl_->role == TlsEnd::Role::server) {
    SSL_set_accept_state(ssl_);
    return;
  }
  SSL_set_connect_state(ssl_);
  SSL_set_tlsext_host_name(ssl_, end.impl_->wishes.server_name.c_str());
  if (!end.impl_->wishes.ca.empty()) SSL_set1_host(ssl_, end.impl_->wishes.server_name.c_str());
  const std::lock_guard lock(end.impl_->mutex);
  if (resume && end.impl_->session != nullptr) SSL_set_session(ssl_, end.impl_->session);
}

TlsLayer::~TlsLayer() {
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
}

TlsLayer::Step TlsLayer::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  return result == 1 ? Step::done : judge(result);
}

TlsLayer::Step TlsLayer::judge(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::reads;
    case SSL_ERROR_WANT_WRITE:
      return Step::writes;
    default:
      break;
  }
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  failure_ = reason != nullptr ? reason : "closed or reset";
  return Step::failed;
}

long TlsLayer::receive(char* memory, std::size_t size) {
  std::size_t n = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_, memory, size, &n);
  if (result == 1) return static_cast<long>(n);
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    errno = EAGAIN;
    return -1;
  }
  const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (judge(result) == Step::failed) errno = cut ? EPIPE : ECONNRESET;
  return -1;
}

long TlsLayer::send(std::string_view bytes) {
  std::size_t n = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &n);
  if (result == 1) return static_cast<long>(n);
  errno = judge(result) == Step::failed ? ECONNRESET : EAGAIN;
  return -1;
}

void TlsLayer::close_notify() {
  ERR_clear_error();
  if (failure_.empty()) SSL_shutdown(ssl_);
}

void TlsLayer::send_ticket() {
  SSL_new_session_ticket(ssl_);
  SSL_do_handshake(ssl_);
}

void TlsLayer::update_key() { SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED); }

bool TlsLayer::resumed() const { return SSL_session_reused(ssl_) == 1; }
std::string TlsLayer::version() const { return SSL_get_version(ssl_); }
std::string TlsLayer::cipher() const { return SSL_get_cipher_name(ssl_); }

std::string TlsLayer::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string TlsLayer::server_name() const {
  const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

std::string TlsLayer::peer_certificate() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &text));
  std::string pem(text, size);
  BIO_free(bio);
  return pem;
}

}  // namespace fusewire::testing
