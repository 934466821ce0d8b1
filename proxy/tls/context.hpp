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

}  // namespace fusewire::proxy
