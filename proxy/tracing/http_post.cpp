// SPDX-License-Identifier: Apache-2.0
#include "proxy/tracing/http_post.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "config/addresses.hpp"

namespace fusewire::proxy::tracing {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

using Stream = beast::basic_stream<Protocol, Executor>;
using PostRequest = http::request<http::string_body>;

constexpr std::size_t kMaxAnswer = std::size_t{64} * 1024;

AsioTask<void> connect(Stream& stream, const std::vector<SocketAddress>& addresses) {
  error_code error = asio::error::host_not_found;
  for (const SocketAddress& address : addresses) {
    stream.socket().close();
    co_await stream.async_connect(address, asio::redirect_error(use_task, error));
    if (!error) co_return;
  }
  throw boost::system::system_error(error);
}

template <class AnyStream>
AsioTask<PostAnswer> exchange(AnyStream& stream, const PostRequest& request) {
  co_await http::async_write(stream, request, use_task);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxAnswer);
  co_await http::async_read(stream, buffer, parser, use_task);
  co_return PostAnswer{.status = static_cast<int>(parser.get().result_int()), .body = std::move(parser.get().body())};
}

// The name that the certificate must have (RFC 9110 §4.3.4), and that a server of many names is asked for.
bool expect_name(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const checks = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (config::is_ipv4(host) || config::is_ipv6(host)) return X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) == 1;
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 &&
         X509_VERIFY_PARAM_set1_host(checks, host.c_str(), host.size()) == 1;
}

AsioTask<PostAnswer> exchange_over_tls(Stream& lowest, const std::string& host, const PostRequest& request) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  context.set_verify_mode(asio::ssl::verify_peer);
  context.set_default_verify_paths();
  asio::ssl::stream<Stream&> tls(lowest, context);
  if (!expect_name(tls.native_handle(), host)) co_return PostAnswer{.error = "no certificate can be checked for it"};
  error_code error;
  co_await tls.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(use_task, error));
  if (error) {
    const long verified = SSL_get_verify_result(tls.native_handle());
    co_return PostAnswer{.error = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : error.message()};
  }
  co_return co_await exchange(tls, request);
}

PostRequest request_for(const config::Endpoint& to, std::string_view target, std::string body) {
  PostRequest request(http::verb::post, {target.data(), target.size()}, 11, std::move(body));
  request.set(http::field::host, to.authority);
  request.set(http::field::user_agent, "fusewire/" FUSEWIRE_VERSION);
  request.set(http::field::content_type, "application/json");
  request.keep_alive(false);
  request.prepare_payload();
  return request;
}

}  // namespace

AsioTask<PostAnswer> post_json(asio::io_context& io, const config::Endpoint& to, std::vector<SocketAddress> addresses,
                               std::string_view target, std::string body, std::chrono::steady_clock::duration limit) {
  PostAnswer answer;
  try {
    Stream stream(io.get_executor());
    stream.expires_after(limit);
    const PostRequest request = request_for(to, target, std::move(body));
    co_await connect(stream, addresses);
    if (to.tls)
      answer = co_await exchange_over_tls(stream, to.address.host, request);
    else
      answer = co_await exchange(stream, request);
  } catch (const boost::system::system_error& error) {
    answer.error = error.code().message();
  }
  co_return answer;
}

}  // namespace fusewire::proxy::tracing
