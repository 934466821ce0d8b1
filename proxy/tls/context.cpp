// SPDX-License-Identifier: Apache-2.0
#include "proxy/tls/context.hpp"

#include "proxy/net/tls_stream.hpp"

namespace fusewire::proxy {

namespace {

void note_message(int sent, int, int type, const void* bytes, std::size_t size, SSL* ssl, void*) {
  if (sent != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
  const unsigned char message = *static_cast<const unsigned char*>(bytes);
  TlsStream* const stream = static_cast<TlsStream*>(SSL_get_app_data(ssl));
  if (message == SSL3_MT_KEY_UPDATE) stream->note_key_update();
  if (message == SSL3_MT_NEWSESSION_TICKET) stream->note_ticket();
}

}  // namespace

SslContext new_context(const SSL_METHOD* method, int min_version) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return context;
  SSL_CTX* const c = context.get();
  SSL_CTX_set_min_proto_version(c, min_version);
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);
  SSL_CTX_set_msg_callback(c, note_message);
  return context;
}

bool has_expired_peer(const SSL_SESSION* session) {
  const X509* const peer = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));  // the library takes no const
  return peer != nullptr && X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0;
}

}  // namespace fusewire::proxy
