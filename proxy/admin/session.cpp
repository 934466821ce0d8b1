// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/session.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>

#include "config/addresses.hpp"
#include "proxy/admin/dashboard/viewer.hpp"
#include "proxy/admin/logged_events.hpp"
#include "proxy/admin/response_text.hpp"
#include "proxy/admin/thread.hpp"
#include "proxy/net/clock.hpp"
#include "proxy/observe/log.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using namespace std::chrono_literals;

using Parser = http::request_parser<http::string_body>;
using Stream = Session::Stream;

constexpr auto kWriteLimit = 10s;             // an answer, or a piece of a stream
constexpr auto kLingerLimit = 1s;             // reading on after a refusal, so that the client can read our answer
constexpr auto kStreamComment = 15s;          // keeps a quiet stream alive through proxies
constexpr int kViewerSendBuffer = 16 * 1024;  // the kernel takes twice that, for what it adds to each packet
constexpr int kMaxUnread = 24 * 1024;         // of a stream, in the kernel, before more is written
constexpr auto kUnreadPoll = 50ms;
constexpr std::size_t kLingerBytes = 2 * kMaxBody;
constexpr std::size_t kBodyPiece = 64 * 1024;  // a body is read by way of a buffer of this size

std::vector<std::string> all_of(const Parser::value_type& message, http::field field) {
  std::vector<std::string> values;
  for (auto [at, end] = message.equal_range(field); at != end; ++at) values.emplace_back(at->value());
  return values;
}

std::optional<std::string> first_of(const Parser::value_type& message, std::string_view field) {
  const auto found = message.find(beast::string_view(field.data(), field.size()));
  return found == message.end() ? std::nullopt : std::optional(std::string(found->value()));
}

// Several fields are one list (RFC 9110 §5.3): no origin that is known.
std::optional<std::string> origin_of(const Parser::value_type& message) {
  const std::vector<std::string> all = all_of(message, http::field::origin);
  if (all.empty()) return std::nullopt;
  std::string list = all.front();
  for (std::size_t i = 1; i < all.size(); ++i) list += ", " + all[i];
  return list;
}

Request head_of(const Parser::value_type& message, std::string peer) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  request.hosts = all_of(message, http::field::host);
  request.authorizations = all_of(message, http::field::authorization);
  request.accepts = all_of(message, http::field::accept);
  request.origin = origin_of(message);
  request.last_event_id = first_of(message, "Last-Event-ID");
  request.if_none_match = first_of(message, "If-None-Match");
  request.peer = std::move(peer);
  request.http_1_0 = message.version() < 11;
  return request;
}

void ask_scrape(AdminThread& thread, const Request& request, std::function<void(Reply)> answer) {
  const Exposition wanted = preferred_exposition(request.accepts);
  thread.ask_scrape(wanted.form, [wanted, answer = std::move(answer)](const Scrape::Text& text) {
    answer(scrape_reply(text, wanted));
  });
}

// The answer to a request that could not be read; nothing when the client has gone.
std::optional<Reply> unreadable(const error_code& error, std::size_t max_head) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return problem(431, "HeadersTooLarge", "the request's head is over " + std::to_string(max_head / 1024) + " KiB");
  if (error == http::error::body_limit)
    return problem(413, "BodyTooLarge", "the request's body is larger than this call takes");
  const bool closed = error == http::error::end_of_stream || error == http::error::partial_message;
  if (closed || error.category() != http::make_error_code(http::error::bad_method).category()) return std::nullopt;
  return problem(400, "BadRequest", "the request is malformed: " + error.message());
}

AsioTask<error_code> read_head(Stream& stream, beast::flat_buffer& buffer, Parser& parser, std::size_t max_head) {
  error_code error;
  parser.header_limit(static_cast<std::uint32_t>(max_head));
  parser.body_limit(kMaxBody);
  co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(use_task, error));
  co_return error;
}

AsioTask<error_code> read_body(Stream& stream, beast::flat_buffer& buffer, Parser& parser, std::size_t max) {
  error_code error;
  if (parser.is_done()) co_return error;
  if (parser.content_length().value_or(0) > max) co_return http::make_error_code(http::error::body_limit);
  parser.body_limit(max);
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

Reply too_many_streams(std::size_t max) {
  return problem(503, "TooManyStreams",
                 std::to_string(max) +
                     " event streams are open on this address, which is all it serves at once; close one, or poll "
                     "/admin/events?since=ID");
}

Reply answer_safely(Control& control, Interface interface, const Request& request) {
  const Moment now{steady_now(), std::chrono::system_clock::now()};
  try {
    return answer(control, interface, request, now);
  } catch (const std::exception& error) {
    log::error("admin request failed", {{"path", request.target}, {"error", error.what()}});
    return problem(500, "InternalError", "the request failed; the log says why");
  }
}

const auto kStillHere = std::make_shared<const std::string>(": still here\n\n");

// An answer that another thread makes: written there, and done on this one.
struct Awaited {
  Reply reply;
  bool done = false;
};

}  // namespace

Session::Session(std::shared_ptr<Connections> connections, Socket socket)
    : connections_(std::move(connections)),
      stream_(std::move(socket)),
      buffer_(connections_->limits().head + (connections_->interface() == Interface::admin ? kBodyPiece : 0)),
      wait_(connections_->thread().io()) {
  connections_->add(*this);
}

Session::~Session() { connections_->remove(*this); }

bool Session::has_unread() {
  error_code error;
  return stream_.socket().available(error) > 0 && !error;
}

void Session::close() {
  gone_ = true;
  waiting_since_.reset();
  stream_.close();
  wait_.cancel();
}

void Session::wake() { wait_.cancel(); }

void Session::begin_wait() { waiting_since_ = steady_now(); }

AsioTask<void> Session::run() {
  Next next = Next::keep;
  for (bool first = true; next == Next::keep && !gone_; first = false) next = co_await serve_one(first);
}

AsioTask<Session::Next> Session::serve_one(bool first) {
  const ClientLimits limits = connections_->limits();
  Parser parser;
  begin_wait();
  stream_.expires_after(first ? limits.read : limits.idle);
  error_code error = co_await read_head(stream_, buffer_, parser, limits.head);
  if (gone_) co_return Next::close;
  if (error) co_return co_await send_unreadable(error);

  const auto request = std::make_shared<Request>(head_of(parser.get(), peer()));
  request->has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
  const auto refusal = refuse(connections_->thread().control(), connections_->interface(), *request);
  // A body that was not read cannot be distinguished from the next request.
  const bool keep = parser.get().keep_alive() && (!refusal || parser.is_done());
  if (refusal) co_return co_await send(*refusal, *request, keep);

  begin_wait();
  stream_.expires_after(limits.read);
  error = co_await read_body(stream_, buffer_, parser, handling(connections_->interface(), *request).max_body);
  if (gone_) co_return Next::close;
  if (error) co_return co_await send_unreadable(error);
  request->body = std::move(parser.get().body());
  co_return co_await respond(request, keep);
}

AsioTask<Session::Next> Session::respond(std::shared_ptr<const Request> request, bool keep) {
  answering_ = true;
  const Reply reply = co_await reply_to(request);
  if (gone_) co_return Next::close;
  if (!reply.is_stream() || request->method == "HEAD") {
    const Next next = co_await send(reply, *request, keep);
    answering_ = false;
    co_return next;
  }
  answering_ = false;
  if (!connections_->has_room_for_stream())
    co_return co_await send(too_many_streams(connections_->limits().streams), *request, keep);
  streaming_ = true;
  waiting_since_.reset();
  co_await stream(source_of(reply));
  co_return Next::close;
}

// A change that is under way gives way to no newcomer; a read may be asked for again.
AsioTask<Reply> Session::reply_to(std::shared_ptr<const Request> request) {
  AdminThread& thread = connections_->thread();
  Control& control = thread.control();
  const Interface interface = connections_->interface();
  const RunsOn where = handling(interface, *request).runs_on;
  if (where == RunsOn::admin_thread) co_return answer_safely(control, interface, *request);

  const auto awaited = std::make_shared<Awaited>();
  const auto work = [awaited, &control, interface, request] {
    awaited->reply = answer_safely(control, interface, *request);
  };
  const auto done = [awaited, weak = weak_from_this()] {
    awaited->done = true;
    if (const auto self = weak.lock()) self->wake();
  };
  if (request->is_read())
    begin_wait();
  else
    waiting_since_.reset();
  if (where == RunsOn::control_thread)
    thread.on_control(work, done);
  else if (where == RunsOn::reload)
    thread.reload([awaited, request](const ReloadReport& report) { awaited->reply = reload_reply(report, *request); },
                  done);
  else if (where == RunsOn::aside)
    thread.aside(work, done);
  else
    ask_scrape(thread, *request, [awaited, done](Reply reply) {
      awaited->reply = std::move(reply);
      done();
    });
  while (!awaited->done && !gone_) {
    error_code ignored;
    wait_.expires_at(std::chrono::steady_clock::time_point::max());
    co_await wait_.async_wait(asio::redirect_error(use_task, ignored));
  }
  co_return awaited->done ? std::move(awaited->reply) : Reply{};
}

AsioTask<Session::Next> Session::send_unreadable(const error_code& error) {
  const Request unknown;
  const auto reply = unreadable(error, connections_->limits().head);
  if (reply) co_await send(*reply, unknown, false);
  co_return Next::close;
}

AsioTask<Session::Next> Session::send(const Reply& reply, const Request& request, bool keep) {
  keep = keep && !connections_->retired();
  const std::string head = response_head(reply, std::chrono::system_clock::now(), keep);
  if (!co_await write(head, request.method == "HEAD" ? std::string_view{} : reply.content())) co_return Next::close;
  if (keep) co_return Next::keep;
  co_await linger();
  co_return Next::close;
}

AsioTask<bool> Session::write(std::string_view head, std::string_view body) {
  error_code error;
  if (!streaming_) begin_wait();
  stream_.expires_after(kWriteLimit);
  const std::array<asio::const_buffer, 2> both = {asio::buffer(head), asio::buffer(body)};
  co_await asio::async_write(stream_, both, asio::redirect_error(use_task, error));
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

std::unique_ptr<EventSource> Session::source_of(const Reply& reply) {
  AdminThread& thread = connections_->thread();
  if (reply.stream_after) return std::make_unique<LoggedEvents>(thread.control().events(), *reply.stream_after);
  // What a viewer that reads nothing can have the kernel hold is bounded, as the part that is being written is.
  error_code ignored;
  stream_.socket().set_option(asio::socket_base::send_buffer_size(kViewerSendBuffer), ignored);
  return std::make_unique<dashboard::Viewer>(
      thread.dashboard(), [this] { wake(); }, Moment{steady_now(), std::chrono::system_clock::now()});
}

// The send buffer alone is no bound: the kernel adds to its last packet beyond it. False: the reader has taken nothing
// for too long, or is gone.
AsioTask<bool> Session::has_been_read() {
  const auto until = steady_now() + kWriteLimit;
  for (int unread = 0; !gone_; unread = 0) {
    if (::ioctl(stream_.socket().native_handle(), SIOCOUTQ, &unread) != 0 || unread <= kMaxUnread) break;
    if (steady_now() >= until) {
      stream_.close();  // as a write that takes too long does: what watches the client ends, too
      co_return false;
    }
    error_code woken;
    wait_.expires_after(kUnreadPoll);
    co_await wait_.async_wait(asio::redirect_error(use_task, woken));
  }
  co_return !gone_;
}

AsioTask<void> Session::stream(std::unique_ptr<EventSource> source) {
  watch_client();
  bool good = co_await write(stream_head(std::chrono::system_clock::now()));
  while (good && !gone_) {
    EventSource::Text text = source->next();
    if (!text) {
      error_code error;
      wait_.expires_after(kStreamComment);
      co_await wait_.async_wait(asio::redirect_error(use_task, error));
      if (!error) text = kStillHere;
    }
    if (!text || gone_) continue;
    good = co_await has_been_read();
    if (good) good = co_await write(*text);
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
