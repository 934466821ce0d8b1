// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/session.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>

#include "config/addresses.hpp"
#include "proxy/admin/json_writer.hpp"
#include "proxy/admin/response_text.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace std::chrono_literals;

using Parser = http::request_parser<http::string_body>;
using Stream = Session::Stream;

constexpr auto kReadLimit = 10s;      // a request, from its first byte (or the connection) to its last
constexpr auto kIdleLimit = 60s;      // between two requests
constexpr auto kWriteLimit = 10s;     // an answer, or a piece of a stream
constexpr auto kLingerLimit = 1s;     // reading on after a refusal, so that the client can read our answer
constexpr auto kStreamComment = 15s;  // keeps a quiet stream alive through proxies
constexpr std::size_t kLingerBytes = 2 * Session::kMaxBody;

std::vector<std::string> all_of(const Parser::value_type& message, http::field field) {
  std::vector<std::string> values;
  for (auto [at, end] = message.equal_range(field); at != end; ++at) values.emplace_back(at->value());
  return values;
}

std::optional<std::string> first_of(const Parser::value_type& message, std::string_view field) {
  const auto found = message.find(beast::string_view(field.data(), field.size()));
  return found == message.end() ? std::nullopt : std::optional(std::string(found->value()));
}

Request head_of(const Parser::value_type& message, std::string peer) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.hosts = all_of(message, http::field::host);
  request.authorizations = all_of(message, http::field::authorization);
  request.origin = first_of(message, "Origin");
  request.last_event_id = first_of(message, "Last-Event-ID");
  request.peer = std::move(peer);
  return request;
}

// The answer to what could not be read; nothing when there is nobody to answer.
std::optional<Reply> unreadable(const error_code& error) {
  if (error == http::error::header_limit) return problem(431, "HeadersTooLarge", "the request's head is over 16 KiB");
  if (error == http::error::body_limit) return problem(413, "BodyTooLarge", "the request's body is over 1 MiB");
  const bool closed = error == http::error::end_of_stream || error == http::error::partial_message;
  if (closed || error.category() != http::make_error_code(http::error::bad_method).category()) return std::nullopt;
  return problem(400, "BadRequest", "the request is malformed: " + error.message());
}

AsioTask<error_code> read_head(Stream& stream, beast::flat_buffer& buffer, Parser& parser) {
  error_code error;
  parser.header_limit(Session::kMaxHead);
  parser.body_limit(Session::kMaxBody);
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(use_task, error));
  co_return error;
}

AsioTask<error_code> read_body(Stream& stream, beast::flat_buffer& buffer, Parser& parser) {
  error_code error;
  if (parser.is_done()) co_return error;
  if (iequals(first_of(parser.get(), "Expect").value_or(""), "100-continue")) {
    const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream, asio::buffer(go_on), asio::redirect_error(use_task, error));
  }
  if (!error) co_await http::async_read(stream, buffer, parser, asio::redirect_error(use_task, error));
  co_return error;
}

// The same address, where it is one of TCP.
std::optional<asio::ip::tcp::endpoint> tcp_endpoint(const Protocol::endpoint& endpoint) {
  asio::ip::tcp::endpoint tcp;
  const int family = endpoint.protocol().family();
  if ((family != AF_INET && family != AF_INET6) || endpoint.size() > tcp.capacity()) return std::nullopt;
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.resize(endpoint.size());
  return tcp;
}

Reply too_many_streams() {
  return problem(503, "TooManyStreams",
                 std::to_string(Connections::kMaxStreams) +
                     " event streams are open on this address, which is all it serves at once; close one, or poll "
                     "/admin/events?since=ID");
}

std::string event_text(const LoggedEvent& event) {
  const boost::json::object view = event_view(event);
  std::string text = "id: " + std::to_string(event.id) + "\nevent: ";
  text += std::string_view(view.at("event").as_string());
  text += "\ndata: " + to_text(view) + "\n\n";
  return text;
}

}  // namespace

Session::Session(std::shared_ptr<Connections> connections, Socket socket)
    : connections_(std::move(connections)),
      stream_(std::move(socket)),
      buffer_(kMaxHead + kMaxBody),
      wait_(connections_->io()) {
  connections_->add(*this);
}

Session::~Session() { connections_->remove(*this); }

void Session::close() {
  gone_ = true;
  waiting_since_.reset();
  stream_.close();
  wait_.cancel();
}

void Session::wake() { wait_.cancel(); }

void Session::begin_wait() { waiting_since_ = std::chrono::steady_clock::now(); }

AsioTask<void> Session::run() {
  Next next = Next::keep;
  for (bool first = true; next == Next::keep && !gone_; first = false) next = co_await serve_one(first);
}

AsioTask<Session::Next> Session::serve_one(bool first) {
  Parser parser;
  begin_wait();
  stream_.expires_after(first ? kReadLimit : kIdleLimit);
  error_code error = co_await read_head(stream_, buffer_, parser);
  if (gone_) co_return Next::close;
  if (error) co_return co_await send_unreadable(error);

  Request request = head_of(parser.get(), peer());
  const auto refusal = refuse(connections_->control(), connections_->door(), request);
  // A body that was not read can't be told from the next request.
  const bool keep = parser.get().keep_alive() && (!refusal || parser.is_done());
  if (refusal) co_return co_await send(*refusal, request, keep);

  begin_wait();
  stream_.expires_after(kReadLimit);
  error = co_await read_body(stream_, buffer_, parser);
  if (gone_) co_return Next::close;
  if (error) co_return co_await send_unreadable(error);
  request.body = std::move(parser.get().body());
  co_return co_await respond(request, keep);
}

AsioTask<Session::Next> Session::respond(const Request& request, bool keep) {
  const Reply reply = answer_safely(request);
  if (gone_) co_return Next::close;
  if (!reply.stream_after || request.method == "HEAD") co_return co_await send(reply, request, keep);
  if (!connections_->has_room_for_stream()) co_return co_await send(too_many_streams(), request, keep);
  streaming_ = true;
  waiting_since_.reset();
  co_await stream(*reply.stream_after);
  co_return Next::close;
}

AsioTask<Session::Next> Session::send_unreadable(const error_code& error) {
  const Request unknown;
  const auto reply = unreadable(error);
  if (reply) co_await send(*reply, unknown, false);
  co_return Next::close;
}

Reply Session::answer_safely(const Request& request) {
  const Moment now{std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
  try {
    return answer(connections_->control(), connections_->door(), request, now);
  } catch (const std::exception& error) {
    log::error("admin request failed", {{"path", request.target}, {"error", error.what()}});
    return problem(500, "InternalError", "the request failed; the log says why");
  }
}

AsioTask<Session::Next> Session::send(const Reply& reply, const Request& request, bool keep) {
  const std::string text = response_text(reply, std::chrono::system_clock::now(), keep, request.method == "HEAD");
  if (!co_await write(text)) co_return Next::close;
  if (keep) co_return Next::keep;
  co_await linger();
  co_return Next::close;
}

AsioTask<bool> Session::write(std::string_view text) {
  error_code error;
  if (!streaming_) begin_wait();
  stream_.expires_after(kWriteLimit);
  co_await asio::async_write(stream_, asio::buffer(text.data(), text.size()), asio::redirect_error(use_task, error));
  co_return !error && !gone_;
}

// RFC 9112 §9.6: a close with unread bytes would reset the connection under our answer.
AsioTask<void> Session::linger() {
  error_code error;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, error);
  stream_.expires_after(kLingerLimit);
  std::array<char, 4096> scrap;
  for (std::size_t read = 0; !error && !gone_ && read < kLingerBytes;)
    read += co_await stream_.async_read_some(asio::buffer(scrap), asio::redirect_error(use_task, error));
}

AsioTask<void> Session::stream(std::uint64_t after) {
  watch_client();
  bool good = co_await write(stream_head(std::chrono::system_clock::now()));
  while (good && !gone_) {
    std::string text;
    for (const LoggedEvent& event : connections_->control().events().since(after)) {
      text += event_text(event);
      after = event.id;
    }
    if (text.empty()) {
      error_code error;
      wait_.expires_after(kStreamComment);
      co_await wait_.async_wait(asio::redirect_error(use_task, error));
      if (!error) text = ": still here\n\n";
    }
    if (!text.empty() && !gone_) good = co_await write(text);
  }
}

// A reader of a stream has nothing more to say: whatever comes, even the end, means that it is gone.
void Session::watch_client() {
  stream_.expires_never();
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(1), [self = shared_from_this()](const error_code&, std::size_t) {
    self->gone_ = true;
    self->wait_.cancel();
  });
}

std::string Session::peer() const {
  error_code error;
  const auto tcp = tcp_endpoint(stream_.socket().remote_endpoint(error));
  if (error || !tcp) return "unix";
  return config::format_address(
      {.kind = config::Address::Kind::tcp, .host = tcp->address().to_string(), .port = tcp->port(), .path = {}});
}

}  // namespace fusewire::proxy::admin
