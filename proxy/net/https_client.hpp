// SPDX-License-Identifier: Apache-2.0
// One HTTP request to somebody else's server, for the threads beside the data plane (webhooks, exporters, the command
// line): a connection of its own, TLS always verified, no redirects followed, everything within one time.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "config/config.hpp"
#include "proxy/net/asio.hpp"
#include "proxy/net/name_lookup.hpp"

namespace fusewire::proxy {

// A client's context for TLS 1.2 and later that verifies its peer by the authorities in the file `ca`; empty: by the
// system's (SSL_CERT_FILE and SSL_CERT_DIR name others). Throws boost::system::system_error when they cannot be read.
asio::ssl::context verifying_context(const std::string& ca);

// The name or IP address that the peer's certificate must be for (RFC 9110 §4.3.4), and that a server of many names is
// asked for. False: that cannot be checked, so nobody must be connected to.
bool expect_name(SSL*, const std::string& host);

// Why the peer's certificate was refused; empty: it was not.
std::string why_not_trusted(SSL*);

struct HttpRequest {
  config::Endpoint endpoint;  // http:// or https://
  std::string method = "POST";
  std::string target = "/";
  config::FieldList fields = {};  // beside Host, User-Agent, Content-Length and Connection
  std::string body = {};
};

struct HttpAnswer {
  int status = 0;           // 0: there is none, and `error` says why
  std::string error = {};   // names no part of the request
  std::string retry_after;  // the field's value; empty: none
  std::string body = {};    // the first HttpsClient::max_body bytes
};

// On the thread of `io`.
class HttpsClient {
 public:
  HttpsClient(asio::io_context& io, NameLookup& names, std::size_t max_body = 0)
      : io_(io), names_(names), max_body_(max_body) {}

  // `trust` may be null where the endpoint is not https://. Throws nothing.
  AsioTask<HttpAnswer> ask(HttpRequest, asio::ssl::context* trust, std::chrono::milliseconds timeout);

 private:
  asio::io_context& io_;
  NameLookup& names_;
  const std::size_t max_body_;
};

}  // namespace fusewire::proxy
