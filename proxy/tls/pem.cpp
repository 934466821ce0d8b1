// SPDX-License-Identifier: Apache-2.0
#include "proxy/tls/pem.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "config/file_text.hpp"

namespace fusewire::proxy {

namespace {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

Bio bio_of(const std::string& pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// The library would ask the terminal for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

Certificate next_certificate(BIO* bio) { return Certificate(PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr)); }

// The library's own words on its last failure.
std::string why(const char* what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return std::string(what) + (reason != nullptr ? std::string(": ") + reason : "");
}

// Whether the reading of a list ended where the file does, and not at something broken.
bool at_end() {
  const unsigned long error = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return end;
}

}  // namespace

PemFiles PemFiles::read(Source certificate, Source private_key, Source authorities,
                        std::vector<config::Finding>& findings) {
  const auto text = [&findings](const Source& source) {
    if (source.path.empty()) return std::string();
    auto found = config::read_regular_file(source.path, kLargestPem).text;
    if (found && found->size() <= kLargestPem) return *std::move(found);
    // Without the path, which may have come from a variable.
    findings.push_back({source.key, "cannot read the file"});
    return std::string();
  };
  PemFiles files{.certificate = text(certificate),
                 .private_key = text(private_key),
                 .authorities = text(authorities),
                 .digest = {}};
  files.digest = sha256(files.certificate + '\0' + files.private_key + '\0' + files.authorities);
  return files;
}

std::string use_certificate(SSL_CTX* context, const std::string& pem) {
  ERR_clear_error();
  const Bio bio = bio_of(pem);
  const Certificate leaf = next_certificate(bio.get());
  if (!leaf) return "holds no certificate in PEM form";
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) return why("its certificate can't be used");
  while (Certificate link = next_certificate(bio.get())) {
    if (SSL_CTX_add0_chain_cert(context, link.get()) != 1) return why("its chain can't be used");
    static_cast<void>(link.release());
  }
  return at_end() ? std::string() : "holds something broken behind its first certificate";
}

std::string use_private_key(SSL_CTX* context, const std::string& pem) {
  ERR_clear_error();
  const Bio bio = bio_of(pem);
  const PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key) return "holds no private key in PEM form that needs no passphrase";
  X509* const certificate = SSL_CTX_get0_certificate(context);
  const bool fits = certificate == nullptr || X509_check_private_key(certificate, key.get()) == 1;
  ERR_clear_error();
  if (!fits) return "is not the key of the certificate";
  return SSL_CTX_use_PrivateKey(context, key.get()) == 1 ? std::string() : why("can't be used");
}

std::string add_authorities(X509_STORE* store, const std::string& pem) {
  ERR_clear_error();
  const Bio bio = bio_of(pem);
  std::size_t count = 0;
  while (const Certificate authority = next_certificate(bio.get())) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return why("has an authority that can't be used");
    ++count;
  }
  if (count == 0) return "holds no certificate in PEM form";
  return at_end() ? std::string() : "holds something broken behind its last good certificate";
}

std::chrono::system_clock::time_point not_after(SSL_CTX* context) {
  std::tm time{};
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&time));
}

Digest sha256(const std::string& text) {
  Digest digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace fusewire::proxy
