// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/admin_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <vector>

#include "config/messages.hpp"
#include "proxy/net/asio.hpp"
#include "proxy/net/https_client.hpp"

namespace fusewire::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using proxy::AsioTask;
using proxy::error_code;
using proxy::Executor;
using proxy::Protocol;
using proxy::use_task;

using Stream = beast::basic_stream<Protocol, Executor>;
using Parser = http::response_parser<http::string_body>;
using OnPiece = std::function<void(std::string_view)>;

constexpr auto kCallLimit = 5s;
constexpr auto kSilenceLimit = 45s;  // a stream says something every 15 s
constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;

std::vector<Protocol::endpoint> resolve(asio::io_context& io, const config::Address& address) {
  if (address.kind == config::Address::Kind::unix_socket) return {asio::local::stream_protocol::endpoint(address.path)};
  asio::ip::tcp::resolver resolver(io);
  std::vector<Protocol::endpoint> endpoints;
  for (const auto& found : resolver.resolve(address.host, std::to_string(address.port)))
    endpoints.emplace_back(found.endpoint());
  return endpoints;
}

AsioTask<void> connect(Stream& stream, const std::vector<Protocol::endpoint>& endpoints) {
  error_code error = asio::error::host_not_found;
  for (const Protocol::endpoint& endpoint : endpoints) {
    stream.socket().close();
    co_await stream.async_connect(endpoint, asio::redirect_error(use_task, error));
    if (!error) co_return;
  }
  throw boost::system::system_error(error);
}

// One exchange on a connection; with `on_piece`, the body of a 200 goes there as it comes. `lowest` has the deadlines.
template <class AnyStream>
AsioTask<void> exchange(AnyStream& stream, Stream& lowest, const std::string& request, const OnPiece* on_piece,
                        AdminClient::Answer& answer) {
  co_await asio::async_write(stream, asio::buffer(request), use_task);
  beast::flat_buffer buffer;
  Parser parser;
  parser.body_limit(kMaxAnswer);
  parser.eager(true);
  co_await http::async_read_header(stream, buffer, parser, use_task);
  answer.status = static_cast<int>(parser.get().result_int());
  const bool streaming = on_piece != nullptr && answer.status == 200;
  if (streaming) parser.body_limit(boost::none);
  while (!parser.is_done()) {
    if (streaming) {
      (*on_piece)(parser.get().body());
      parser.get().body().clear();
      lowest.expires_after(kSilenceLimit);
    }
    co_await http::async_read_some(stream, buffer, parser, use_task);
  }
  if (streaming)
    (*on_piece)(parser.get().body());
  else
    answer.body = std::move(parser.get().body());
}

// Something came, and it is no response; an end that comes too early is another matter.
bool is_no_http(const error_code& error) {
  if (error == http::error::end_of_stream || error == http::error::partial_message) return false;
  return error.category() == http::make_error_code(http::error::bad_version).category();
}

asio::ssl::context tls_context(const std::string& ca) {
  try {
    return proxy::verifying_context(ca);
  } catch (const boost::system::system_error& error) {
    throw Unreachable("no authorities to trust can be read from " + config::quote(ca) + ": " + error.code().message());
  }
}

AsioTask<void> exchange_over_tls(Stream& stream, const config::Endpoint& endpoint, const std::string& ca,
                                 const std::string& request, const OnPiece* on_piece, AdminClient::Answer& answer) {
  asio::ssl::context context = tls_context(ca);
  asio::ssl::stream<Stream&> tls(stream, context);
  if (!proxy::expect_name(tls.native_handle(), endpoint.address.host))
    throw Unreachable("no certificate can be checked for '" + endpoint.address.host + "'");
  error_code error;
  co_await tls.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(use_task, error));
  const std::string distrust = error ? proxy::why_not_trusted(tls.native_handle()) : "";
  if (!distrust.empty())
    throw Unreachable("the certificate of the admin at " + endpoint.url + " is not trusted: " + distrust +
                      "; --ca FILE names the authority of a private one");
  if (error) throw boost::system::system_error(error);
  co_await exchange(tls, stream, request, on_piece, answer);
}

AsioTask<void> call_endpoint(Stream& stream, const config::Endpoint& endpoint, const std::string& ca,
                             const std::string& request, const OnPiece* on_piece, AdminClient::Answer& answer) {
  stream.expires_after(kCallLimit);
  const auto endpoints = resolve(stream.get_executor().context(), endpoint.address);
  co_await connect(stream, endpoints);
  if (endpoint.tls)
    co_await exchange_over_tls(stream, endpoint, ca, request, on_piece, answer);
  else
    co_await exchange(stream, stream, request, on_piece, answer);
}

std::string request_text(const config::Endpoint& endpoint, const std::string& token, const std::string& method,
                         const std::string& target) {
  std::string text = method + ' ' + target + " HTTP/1.1\r\nHost: ";
  text += endpoint.authority.empty() ? "localhost" : endpoint.authority;
  text += "\r\nConnection: close\r\n";
  if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
  if (method != "GET") text += "Content-Length: 0\r\n";
  return text + "\r\n";
}

}  // namespace

AdminClient::Answer AdminClient::run(const std::string& request, const OnPiece* on_piece) const {
  Answer answer;
  try {
    asio::io_context io{1};
    Stream stream(io.get_executor());
    std::exception_ptr failure;
    asio::co_spawn(io, call_endpoint(stream, endpoint_, ca_, request, on_piece, answer),
                   [&failure](std::exception_ptr exception) { failure = std::move(exception); });
    io.run();
    if (failure) std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (is_no_http(error.code()))
      throw Unreachable("what listens at " + endpoint_.url + " does not answer in HTTP: it is not a Fusewire's admin");
    throw Unreachable("the admin at " + endpoint_.url + " does not answer: " + error.code().message());
  }
  return answer;
}

AdminClient::Answer AdminClient::call(const std::string& method, const std::string& target) const {
  return run(request_text(endpoint_, token_, method, target), nullptr);
}

AdminClient::Answer AdminClient::stream(const std::string& target, const OnPiece& on_piece) const {
  return run(request_text(endpoint_, token_, "GET", target), &on_piece);
}

}  // namespace fusewire::cli
