// SPDX-License-Identifier: Apache-2.0
#include "proxy/tls/context.hpp"

namespace fusewire::proxy {

SslContext new_context(const SSL_METHOD* method, int min_version) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return context;
  SSL_CTX* const c = context.get();
  SSL_CTX_set_min_proto_version(c, min_version);
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);
  return context;
}

}  // namespace fusewire::proxy
