// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <memory>

namespace fusewire::proxy {

struct SslContextFree {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// A context with the settings that both sides of the proxy share and that TlsStream relies on. nullptr: out of memory.
SslContext new_context(const SSL_METHOD*, int min_version);

// Whether the peer's certificate of a session is past its end. A resumed session is not asked for it again.
bool has_expired_peer(const SSL_SESSION*);

}  // namespace fusewire::proxy
