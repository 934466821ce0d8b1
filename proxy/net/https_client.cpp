// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/https_client.hpp"

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/system_error.hpp>
#include <vector>

#include "config/addresses.hpp"

namespace fusewire::proxy {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Stream = beast::basic_stream<Protocol, Executor>;
using Parser = http::response_parser<http::string_body>;

constexpr std::uint32_t kMaxHead = 16 * 1024;
constexpr unsigned kMaxInterims = 64;

// One line for a log, without any part of the request.
struct Failed {
  std::string why;
};

// Something came, and it is no response; an end that comes too early is another matter.
bool is_no_http(const error_code& error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return false;
  return error.category() == http::make_error_code(http::error::bad_version).category();
}

std::string reason(const error_code& error) {
  if (error == beast::error::timeout) return "no answer in time";
  if (error == http::error::end_of_stream || error == http::error::partial_message || error == asio::error::eof)
    return "the connection was closed before an answer";
  return is_no_http(error) ? "what listens there does not answer in HTTP" : error.message();
}

std::string request_text(const HttpRequest& request) {
  std::string text = request.method + ' ' + request.target + " HTTP/1.1\r\nHost: " + request.endpoint.authority +
                     "\r\nUser-Agent: fusewire/" FUSEWIRE_VERSION "\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.fields) text.append(name).append(": ").append(value).append("\r\n");
  if (request.method != "GET") text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text.append("\r\n").append(request.body);
}

AsioTask<void> connect(Stream& stream, const Resolved& found) {
  if (found.addresses.empty()) throw Failed{found.error};
  error_code error;
  for (const SocketAddress& address : found.addresses) {
    stream.socket().close();
    co_await stream.async_connect(address, asio::redirect_error(use_task, error));
    if (!error || error == beast::error::timeout) break;
  }
  if (error) throw boost::system::system_error(error);
}

// The head of the final response, and as much of its body as is wanted.
template <class AnyStream>
AsioTask<void> exchange(AnyStream& stream, const std::string& request, std::size_t max_body, HttpAnswer& answer) {
  co_await asio::async_write(stream, asio::buffer(request), use_task);
  beast::flat_buffer buffer(kMaxHead + 4096);
  unsigned interims = 0;  // RFC 9110 §15.2
  for (int status = 0; answer.status == 0;) {
    Parser parser;
    parser.header_limit(kMaxHead);
    parser.body_limit(boost::none);
    co_await http::async_read_header(stream, buffer, parser, use_task);
    status = static_cast<int>(parser.get().result_int());
    if (status < 200) {
      // Where bytes are always at hand no timer of the stream falls due.
      if (++interims > kMaxInterims) throw boost::system::system_error(http::error::bad_status);
      continue;
    }
    answer.status = status;
    answer.retry_after = std::string(parser.get()[http::field::retry_after]);
    error_code error;
    while (!error && !parser.is_done() && parser.get().body().size() < max_body)
      co_await http::async_read_some(stream, buffer, parser, asio::redirect_error(use_task, error));
    answer.body = parser.get().body().substr(0, max_body);
  }
}

AsioTask<void> exchange_over_tls(Stream& stream, const HttpRequest& request, const std::string& text,
                                 asio::ssl::context& trust, std::size_t max_body, HttpAnswer& answer) {
  asio::ssl::stream<Stream&> tls(stream, trust);
  if (!expect_name(tls.native_handle(), request.endpoint.address.host))
    throw Failed{"no certificate can be checked for that host"};
  error_code error;
  co_await tls.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(use_task, error));
  if (error) {
    const std::string why = why_not_trusted(tls.native_handle());
    throw Failed{why.empty() ? "the TLS handshake failed: " + reason(error) : "its certificate is not trusted: " + why};
  }
  co_await exchange(tls, text, max_body, answer);
}

AsioTask<void> call(Stream& stream, NameLookup& names, const HttpRequest& request, asio::ssl::context* trust,
                    std::chrono::steady_clock::time_point until, std::size_t max_body, HttpAnswer& answer) {
  const Resolved found = co_await names.find(request.endpoint.address, until);
  stream.expires_at(until);
  co_await connect(stream, found);
  const std::string text = request_text(request);
  if (!request.endpoint.tls)
    co_await exchange(stream, text, max_body, answer);
  else if (trust != nullptr)
    co_await exchange_over_tls(stream, request, text, *trust, max_body, answer);
  else
    throw Failed{"there are no authorities to trust"};
}

}  // namespace

asio::ssl::context verifying_context(const std::string& ca) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  context.set_verify_mode(asio::ssl::verify_peer);
  if (ca.empty())
    context.set_default_verify_paths();
  else
    context.load_verify_file(ca);
  return context;
}

bool expect_name(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const checks = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (config::is_ipv4(host) || config::is_ipv6(host)) return X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 &&
         X509_VERIFY_PARAM_set1_host(checks, host.c_str(), host.size()) == 1;
}

std::string why_not_trusted(SSL* ssl) {
  const long verdict = SSL_get_verify_result(ssl);
  return verdict == X509_V_OK ? std::string() : X509_verify_cert_error_string(verdict);
}

AsioTask<HttpAnswer> HttpsClient::ask(HttpRequest request, asio::ssl::context* trust,
                                      std::chrono::milliseconds timeout) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  HttpAnswer answer;
  Stream stream(io_.get_executor());
  try {
    co_await call(stream, names_, request, trust, until, max_body_, answer);
  } catch (const Failed& failed) {
    answer.error = failed.why;
  } catch (const boost::system::system_error& error) {
    answer.error = reason(error.code());
  } catch (const std::exception& error) {
    answer.error = error.what();
  }
  co_return answer;
}

}  // namespace fusewire::proxy
