// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/trial.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>

#include "config/scalars.hpp"
#include "proxy/net/listen.hpp"
#include "proxy/net/name_lookup.hpp"
#include "proxy/tls/client_context.hpp"

namespace fusewire::cli {
namespace {

namespace asio = boost::asio;
using proxy::SocketAddress;
using Time = std::chrono::steady_clock::time_point;
using namespace std::chrono_literals;

Time now() { return std::chrono::steady_clock::now(); }

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  const int number_;
};

// Until it is readable or writable as wanted; false: the time is over.
bool wait_for(int descriptor, short events, Time until) {
  pollfd watched{descriptor, events, 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now());
  return left > 0ms && ::poll(&watched, 1, static_cast<int>(left.count())) > 0;
}

// 0, or an errno.
int connect_within(int descriptor, const SocketAddress& address, Time until) {
  if (::connect(descriptor, address.data(), static_cast<socklen_t>(address.size())) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!wait_for(descriptor, POLLOUT, until)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

proxy::Resolved resolve_within(const config::Address& address, Time until) {
  asio::io_context io{1};
  proxy::NameLookup names(io);
  proxy::Resolved found;
  asio::co_spawn(
      io, [&]() -> proxy::AsioTask<void> { found = co_await names.find(address, until); },
      [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
      });
  io.run();
  return found;
}

std::string advice_on_connect(int error, const std::string& timeout_key) {
  switch (error) {
    case ECONNREFUSED:
      return "nothing listens there: start the service, or correct the endpoint's port";
    case ETIMEDOUT:
      return "no answer within " + timeout_key +
             ": a firewall or network policy may drop the packets, or the time is too short";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "there is no way to that network from here: look at routes and network policies";
    case ENOENT:
      return "there is no such socket: start the service, or correct the path";
    case EACCES:
      return "this user may not write to the socket: look at its owner and mode";
    default:
      return "try the same from this host, as with curl -v";
  }
}

// ---------------------------------------------------------------------------------------------------------------- TLS

std::string advice_on_certificate(long verdict) {
  switch (verdict) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "name the file with its authority in `ca` (the system's authorities need the package ca-certificates), or "
             "have the server send its whole chain";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "use the name that the certificate has in the URL, or say it in tls.server_name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "renew the server's certificate, and compare this host's clock";
    default:
      return "openssl s_client -connect HOST:PORT -servername HOST shows what the server sends";
  }
}

std::string last_tls_error() {
  const unsigned long code = ERR_get_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text != nullptr ? text : "the connection was closed";
}

Trial tls_failure(SSL* ssl) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK)
    return {false, std::string("its certificate is not trusted: ") + X509_verify_cert_error_string(verdict),
            advice_on_certificate(verdict)};
  const std::string error = last_tls_error();
  if (error.find("certificate required") != std::string::npos)
    return {false, "it wants a client certificate", "name one in tls.certificate and tls.private_key"};
  if (error.find("wrong version number") != std::string::npos || error.find("packet length") != std::string::npos)
    return {false, "it does not speak TLS", "use http:// in the URL, or the port that speaks TLS"};
  return {false, "the TLS handshake failed: " + error, advice_on_certificate(verdict)};
}

// A step of the library until it is done; false: it failed, or the time is over (`late`).
template <class Step>
bool drive(SSL* ssl, int descriptor, Time until, bool& late, Step step) {
  for (;;) {
    ERR_clear_error();
    const int result = step(ssl);
    if (result > 0) return true;
    const int wants = SSL_get_error(ssl, result);
    if (wants != SSL_ERROR_WANT_READ && wants != SSL_ERROR_WANT_WRITE) return false;
    late = !wait_for(descriptor, wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until);
    if (late) return false;
  }
}

// A server that wants a certificate of ours says so after our end of a TLS 1.3 handshake.
bool is_refused_afterwards(SSL* ssl, int descriptor) {
  bool late = false;
  char byte = 0;
  const bool read = drive(ssl, descriptor, now() + 200ms, late, [&byte](SSL* s) { return SSL_peek(s, &byte, 1); });
  return !read && !late && ERR_peek_error() != 0;
}

Trial shake_hands(int descriptor, const std::string& name, const config::UpstreamTls& section, Time until) {
  const auto made = proxy::TlsClient::make(section, nullptr, 1);
  if (!made.context) return {false, "tls." + made.findings.front().key + ": " + made.findings.front().message, {}};
  const proxy::TlsSetup setup = made.context->connect(0, 0, name);
  SSL* const ssl = setup.ssl.get();
  if (ssl == nullptr) return {false, "no certificate can be checked for that name", "correct tls.server_name"};
  SSL_CTX_sess_set_new_cb(SSL_get_SSL_CTX(ssl), nullptr);  // there is no stream that would keep sessions
  SSL_set_fd(ssl, descriptor);
  bool late = false;
  const bool shaken = drive(ssl, descriptor, until, late, [](SSL* s) { return SSL_do_handshake(s); });
  if (late) return {false, "no TLS handshake in time", "does that port speak TLS?"};
  if (!shaken || is_refused_afterwards(ssl, descriptor)) return tls_failure(ssl);
  return {
      true, std::string("connected, ") + SSL_get_version(ssl) + (section.verify ? ", certificate verified" : ""), {}};
}

}  // namespace

Trial try_to_listen(const config::Address& address, const std::string& shown, bool own_runs) {
  asio::io_context io{1};
  try {
    const bool unix_socket = address.kind == config::Address::Kind::unix_socket;
    if (unix_socket && own_runs && ::access(address.path.c_str(), F_OK) == 0)
      return {true, "in use, as a Fusewire runs already", {}};
    const auto sockets = proxy::listen_on_all(io, address, {.shown = shown});
    const proxy::SocketFile file(address);
    return {true, "can be listened on", {}};
  } catch (const std::exception& error) {
    const std::string why = error.what();
    if (why.find(std::strerror(EADDRINUSE)) != std::string::npos) {
      if (own_runs) return {true, "in use, as a Fusewire runs already", {}};
      return {false, why,
              "stop what listens there (ss -ltnp shows it), or use another port; where it is systemd, with a socket "
              "unit that passes it to Fusewire, all is well"};
    }
    if (why.find(std::strerror(EACCES)) != std::string::npos)
      return {false, why, "ports below 1024 need CAP_NET_BIND_SERVICE; a unix socket's folder must be writable"};
    return {false, why, "use an address of this host, or 0.0.0.0 for all"};
  }
}

Trial try_to_connect(const config::Endpoint& endpoint, const config::UpstreamTls* tls,
                     std::chrono::milliseconds timeout, const std::string& timeout_key) {
  const Time until = now() + timeout;
  const proxy::Resolved found = resolve_within(endpoint.address, until);
  if (found.addresses.empty())
    return {false, "its name is not resolved: " + found.error,
            "correct the name, or look at /etc/resolv.conf and its search domains"};
  int error = ETIMEDOUT;
  for (const SocketAddress& address : found.addresses) {
    const Descriptor socket(::socket(address.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    error = socket.number() < 0 ? errno : connect_within(socket.number(), address, until);
    if (error != 0) continue;
    if (tls == nullptr || !endpoint.tls) return {true, "connected to " + proxy::to_string(address), {}};
    const std::string& name = tls->server_name.empty() ? endpoint.address.host : tls->server_name;
    return shake_hands(socket.number(), name, *tls, until);
  }
  return {false, std::strerror(error),
          advice_on_connect(error, timeout_key + " (" + config::format_duration(timeout) + ")")};
}

}  // namespace fusewire::cli
