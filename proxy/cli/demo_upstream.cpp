// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/demo_upstream.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <utility>

#include "filters/message.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::cli {

namespace asio = proxy::asio;
using asio::ip::tcp;
using proxy::AsioTask;
using proxy::error_code;
using proxy::use_task;

namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                                         proxy::Executor>;

constexpr std::array<std::pair<Behaviour, std::string_view>, 5> kNames = {{{Behaviour::ok, "ok"},
                                                                           {Behaviour::errors, "errors"},
                                                                           {Behaviour::delay, "delay"},
                                                                           {Behaviour::hang, "hang"},
                                                                           {Behaviour::reset, "reset"}}};

auto into(error_code& failed) { return asio::redirect_error(use_task, failed); }

constexpr std::string_view kBehave = "/demo/behave?mode=";

std::string response(std::string_view status, std::string_view type, std::string_view body,
                     std::string_view field_lines = {}) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\nContent-Type: ").append(type).append("\r\nContent-Length: ");
  return text.append(std::to_string(body.size())).append("\r\n").append(field_lines).append("\r\n").append(body);
}

std::string order(std::string_view method, std::string_view target, std::uint64_t number) {
  if (method == "POST")
    return response("201 Created", "application/json", "{\"order\":\"43\",\"state\":\"accepted\"}\n");
  const std::string_view id = target.substr(target.rfind('/') + 1);
  std::string body = "{\"order\":\"";
  body.append(id.find_first_of("\"\\") == id.npos ? id : "?").append("\",\"state\":\"shipped\",\"answer\":");
  body.append(std::to_string(number)).append("}\n");
  return response("200 OK", "application/json", body, "Cache-Control: max-age=1\r\n");
}

}  // namespace

std::string_view to_string(Behaviour behaviour) {
  for (const auto& [value, name] : kNames)
    if (value == behaviour) return name;
  return "?";
}

std::optional<Behaviour> behaviour_from(std::string_view text) {
  for (const auto& [value, name] : kNames)
    if (name == text) return value;
  return std::nullopt;
}

struct DemoUpstream::Request {
  std::string_view method;
  std::string_view target;
  std::size_t content_length = 0;

  // As much of HTTP as a demo needs; the proxy before it has been stricter.
  explicit Request(std::string_view head) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    method = line.substr(0, line.find(' '));
    target = line.substr(std::min(method.size() + 1, line.size()));
    target = target.substr(0, target.find(' '));
    while (!head.empty()) {
      const std::size_t end = std::min(head.find("\r\n"), head.size());
      const std::string_view field = head.substr(0, end);
      head.remove_prefix(std::min(end + 2, head.size()));
      constexpr std::string_view kName = "content-length:";
      if (!iequals(field.substr(0, kName.size()), kName)) continue;
      const std::size_t digits = std::min(field.find_first_of("0123456789"), field.size());
      std::from_chars(field.data() + digits, field.data() + field.size(), content_length);
    }
  }
};

DemoUpstream::DemoUpstream() : acceptor_(io_.get_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  port_ = acceptor_.local_endpoint().port();
  proxy::spawn(io_, accept(), "the demo's upstream");
  thread_ = std::thread([this] { io_.run(); });
}

DemoUpstream::~DemoUpstream() {
  io_.stop();
  thread_.join();
}

AsioTask<void> DemoUpstream::accept() {
  while (true) {
    error_code failed;
    Stream stream(io_.get_executor());
    co_await acceptor_.async_accept(stream, into(failed));
    if (!failed) proxy::spawn(io_, serve(std::move(stream)), "the demo's upstream");
  }
}

AsioTask<void> DemoUpstream::serve(Stream stream) {
  std::string received;
  while (true) {
    error_code failed;
    const std::size_t head =
        co_await asio::async_read_until(stream, asio::dynamic_buffer(received), "\r\n\r\n", into(failed));
    if (failed) co_return;
    const std::size_t whole = head + Request(std::string_view(received).substr(0, head)).content_length;
    if (received.size() < whole)
      co_await asio::async_read(stream, asio::dynamic_buffer(received), asio::transfer_exactly(whole - received.size()),
                                into(failed));
    if (failed) co_return;
    const Request request(std::string_view(received).substr(0, head));
    if (!co_await answer(stream, request)) co_return;
    received.erase(0, whole);
  }
}

std::string DemoUpstream::control(const Request& request) {
  const auto wanted = behaviour_from(request.target.substr(kBehave.size()));
  if (request.method != "POST" || !wanted)
    return response("400 Bad Request", "text/plain", "POST /demo/behave?mode=ok|errors|delay|hang|reset\n");
  behave(*wanted);
  return response("200 OK", "text/plain", "the upstream's behaviour is now: " + std::string(to_string(*wanted)) + "\n");
}

AsioTask<bool> DemoUpstream::answer(Stream& stream, const Request& request) {
  std::string text;
  error_code failed;
  if (request.target.substr(0, kBehave.size()) == kBehave) {
    text = control(request);
  } else {
    const std::uint64_t number = ++requests_;
    const Behaviour behaviour = behaviour_;
    text = order(request.method, request.target, number);
    if (behaviour == Behaviour::errors)
      text = response("500 Internal Server Error", "text/plain", "the database is on fire\n");
    if (behaviour == Behaviour::delay) {
      Timer timer(io_.get_executor(), kDemoDelay);
      co_await timer.async_wait(into(failed));
    }
    if (behaviour == Behaviour::hang) {
      co_await stream.async_wait(tcp::socket::wait_read, into(failed));  // until the client gives up
      co_return false;
    }
    if (behaviour == Behaviour::reset) {
      stream.set_option(asio::socket_base::linger(true, 0), failed);
      co_return false;
    }
  }
  co_await asio::async_write(stream, asio::buffer(text), into(failed));
  co_return !failed;
}

}  // namespace fusewire::cli
