// SPDX-License-Identifier: Apache-2.0
#include "tests/chaos/conversation.hpp"

#include <array>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <ctime>

#include "tests/chaos/endpoint.hpp"
#include "tests/chaos/head.hpp"
#include "tests/chaos/vanish.hpp"

namespace chaos {
namespace {

namespace asio = boost::asio;
using std::string_view;

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kBody = 256;                  // bytes of a good answer's body
constexpr std::chrono::milliseconds kPace{50};      // between two bytes of a trickle or drip
constexpr std::chrono::milliseconds kDarkLook{10};  // how often what is to be sent looks whether the cable is back

std::string date() {
  const std::time_t now = std::time(nullptr);
  std::tm broken{};
  ::gmtime_r(&now, &broken);
  std::array<char, 64> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &broken)};
}

}  // namespace

Conversation::Conversation(asio::ip::tcp::socket socket, Endpoint& endpoint)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), endpoint_(endpoint) {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  port_ = socket_.remote_endpoint(ignored).port();
  endpoint_.joins(*this);
}

Conversation::~Conversation() { endpoint_.leaves(*this); }

asio::awaitable<void> Conversation::run() {
  const auto self = shared_from_this();
  try {
    co_await converse();
  } catch (const boost::system::system_error&) {  // either side has closed, or what came is too large
  }
  close();
}

asio::awaitable<void> Conversation::converse() {
  while (!retired_) {
    busy_ = false;
    const Request request = co_await read();
    co_await answer(request);
  }
}

void Conversation::retire() {
  retired_ = true;
  if (!busy_) close();
}

void Conversation::crash() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void Conversation::vanish() { drop_what_arrives(socket_.native_handle(), true); }

void Conversation::reappear() { drop_what_arrives(socket_.native_handle(), false); }

void Conversation::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

// A whole request. It has arrived, for the log, when its head has.
asio::awaitable<Conversation::Request> Conversation::read() {
  auto buffer = asio::dynamic_buffer(in_, kMaxHead);
  const std::size_t size = co_await asio::async_read_until(socket_, buffer, "\r\n\r\n", asio::use_awaitable);
  busy_ = true;
  const string_view head = string_view(in_).substr(0, size);
  const auto space = head.find(' ');
  Request request{std::string(head.substr(0, space)),
                  std::string(head.substr(space + 1, head.find(' ', space + 1) - space - 1))};
  request.id = number_field(head, "x-chaos-id", 0);
  const auto kind = request.id != 0 ? Arrival::Kind::request : Arrival::Kind::check;
  request.arrival = endpoint_.arrivals().add(
      {kind, request.method.front(), Arrival::End::none, endpoint_.index(), port_, request.id, Clock::now()});
  const std::size_t whole = size + number_field(head, "content-length", 0);
  while (in_.size() < whole) {
    std::array<char, 4096> piece;
    const std::size_t n = co_await socket_.async_read_some(asio::buffer(piece), asio::use_awaitable);
    in_.append(piece.data(), n);
  }
  in_.erase(0, whole);
  co_return request;
}

asio::awaitable<void> Conversation::answer(const Request& request) {
  if (endpoint_.state().mode != Mode::ok && endpoint_.suffers())
    co_await suffer(endpoint_.state().mode, request);
  else
    co_await serve(request);
}

asio::awaitable<void> Conversation::serve(const Request& request) {
  co_await sleep_until(endpoint_.served_at(Clock::now()));
  const std::string answer = good_answer(request);
  co_await write(answer);
  endpoint_.arrivals().end(request.arrival, Arrival::End::well);
}

asio::awaitable<void> Conversation::suffer(Mode mode, const Request& request) {
  const std::string whole = good_answer(request);
  const string_view answer = whole;
  const auto body = answer.find("\r\n\r\n") + 4;
  switch (mode) {
    case Mode::hang:
      co_return co_await hang();
    case Mode::error:
      co_return co_await fail(request, "500 Internal Server Error", "");
    case Mode::unavailable:
      co_return co_await fail(request, "503 Service Unavailable", "Retry-After: 5\r\n");
    case Mode::reset:
      co_return crash();
    case Mode::close:
      co_return close();
    case Mode::garbage:
      co_await write("\x16\x03\x01 this is no HTTP\r\n\r\n");
      co_return close();
    case Mode::break_off:
      co_await write(answer.substr(0, body + kBody / 2));
      co_return close();
    case Mode::trickle:
      co_return co_await byte_by_byte("", answer, request);
    case Mode::drip:
      co_return co_await byte_by_byte(answer.substr(0, body), answer.substr(body), request);
    case Mode::ok:
    case Mode::refuse:  // a request that was under way
    case Mode::dies:
    case Mode::black_hole:
      break;
  }
  co_await serve(request);
}

// Reads on, so that a client that gives up is seen.
asio::awaitable<void> Conversation::hang() {
  std::array<char, 4096> piece;
  while (true) co_await socket_.async_read_some(asio::buffer(piece), asio::use_awaitable);
}

asio::awaitable<void> Conversation::fail(const Request& request, string_view status, string_view fields) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\nDate: ").append(date()).append("\r\nCache-Control: no-store\r\nX-Chaos-Endpoint: ");
  text.append(std::to_string(endpoint_.index()))
      .append("\r\n")
      .append(fields)
      .append("Content-Length: 6\r\n\r\nbroken");
  co_await write(text);
  endpoint_.arrivals().end(request.arrival, Arrival::End::error);
}

asio::awaitable<void> Conversation::byte_by_byte(string_view whole, string_view slow, const Request& request) {
  co_await write(whole);
  for (std::size_t i = 0; i < slow.size(); ++i) {
    co_await sleep_until(Clock::now() + kPace);
    co_await write(slow.substr(i, 1));
  }
  endpoint_.arrivals().end(request.arrival, Arrival::End::well);
}

// Behind a dead cable what is sent waits, as it would in TCP's retransmission.
asio::awaitable<void> Conversation::write(string_view bytes) {
  while (endpoint_.state().mode == Mode::black_hole) co_await sleep_until(Clock::now() + kDarkLook);
  co_await asio::async_write(socket_, asio::buffer(bytes), asio::use_awaitable);
}

asio::awaitable<void> Conversation::sleep_until(Clock::time_point time) {
  timer_.expires_at(time);
  co_await timer_.async_wait(asio::use_awaitable);
}

std::string Conversation::good_answer(const Request& request) const {
  std::string body = request.target + ' ' + std::to_string(request.id) + ' ';
  body.resize(std::max(kBody, body.size()), '.');
  std::string text = "HTTP/1.1 200 OK\r\nDate: " + date() + "\r\nContent-Type: text/plain\r\nX-Chaos-Endpoint: ";
  text += std::to_string(endpoint_.index());
  text += request.target.starts_with("/c/") ? "\r\nCache-Control: max-age=1" : "\r\nCache-Control: no-store";
  return text + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace chaos
