// SPDX-License-Identifier: Apache-2.0
// Reads PEM files. Errors are sentences for the operator, and quote nothing of a key.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/judges.hpp"

namespace fusewire::proxy {

constexpr std::size_t kLargestPem = 4 * 1024 * 1024;

using Digest = std::array<unsigned char, 32>;
Digest sha256(const std::string&);

// The three files of a tls section, and a digest of their contents.
struct PemFiles {
  // A key of the section and the path that it names; empty: no such file, and no text.
  struct Source {
    const char* key;
    const std::string& path;
  };
  // A file that can't be read, or is too large to be one, is among the findings.
  static PemFiles read(Source certificate, Source private_key, Source authorities, std::vector<config::Finding>&);

  std::string certificate;
  std::string private_key;
  std::string authorities;
  Digest digest{};
};

// Each returns an error text; empty: it has succeeded.
std::string use_certificate(SSL_CTX*, const std::string& pem);  // with its chain
std::string use_private_key(SSL_CTX*, const std::string& pem);  // of the certificate, which comes first
std::string add_authorities(X509_STORE*, const std::string& pem);

// When the context's own certificate ends.
std::chrono::system_clock::time_point not_after(SSL_CTX*);

}  // namespace fusewire::proxy
