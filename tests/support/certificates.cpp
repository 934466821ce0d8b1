// SPDX-License-Identifier: Apache-2.0
#include "tests/support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace fusewire::testing {

namespace {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("a test's certificate: ") + what);
}

template <class Write>
std::string pem(Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  must(write(bio.get()) == 1, "not written");
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio.get(), &text));
  return {text, size};
}

void extend(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

Certificate draft(const std::string& name, EVP_PKEY* key, std::chrono::seconds ends_in) {
  Certificate certificate(X509_new());
  X509* const c = certificate.get();
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(c, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(c), -24 * 60 * 60);
  X509_gmtime_adj(X509_getm_notAfter(c), static_cast<long>(ends_in.count()));
  X509_set_pubkey(c, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct Authority::Impl {
  Key key;
  Certificate certificate;
};

Authority::Authority(const std::string& name) : impl_(std::make_unique<Impl>()) {
  impl_->key.reset(EVP_EC_gen("P-256"));
  must(impl_->key != nullptr, "no key");
  impl_->certificate = draft(name, impl_->key.get(), std::chrono::hours(24));
  X509* const c = impl_->certificate.get();
  X509_set_issuer_name(c, X509_get_subject_name(c));
  extend(c, c, NID_basic_constraints, "critical,CA:TRUE");
  extend(c, c, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(c, c, NID_subject_key_identifier, "hash");
  must(X509_sign(c, impl_->key.get(), EVP_sha256()) != 0, "not signed");
}

Authority::~Authority() = default;

std::string Authority::certificate() const {
  return pem([this](BIO* bio) { return PEM_write_bio_X509(bio, impl_->certificate.get()); });
}

Identity Authority::issue(const Wanted& wanted) const {
  const Key key(EVP_EC_gen("P-256"));
  must(key != nullptr, "no key");
  const Certificate certificate = draft(wanted.common_name, key.get(), wanted.ends_in);
  X509* const c = certificate.get();
  X509_set_issuer_name(c, X509_get_subject_name(impl_->certificate.get()));
  extend(c, impl_->certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  if (!wanted.names.empty()) extend(c, impl_->certificate.get(), NID_subject_alt_name, wanted.names);
  must(X509_sign(c, impl_->key.get(), EVP_sha256()) != 0, "not signed");
  return {.certificate = pem([&](BIO* bio) { return PEM_write_bio_X509(bio, c); }),
          .private_key = pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace fusewire::testing
