// SPDX-License-Identifier: Apache-2.0
// The admin API on a port that the kernel chose, its two threads, and a blocking client.
#pragma once

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <future>
#include <memory>
#include <thread>

#include "proxy/admin/server.hpp"
#include "proxy/admin/thread.hpp"
#include "proxy/control/control_timer.hpp"
#include "tests/unit/proxy/control/control_rig.hpp"

namespace fusewire::testing {

namespace asio = boost::asio;

// A connection to the admin. Reads give up after 5 s, so that a fault is a failure and not a hang.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    const timeval limit{5, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(std::string_view text) { asio::write(socket_, asio::buffer(text)); }
  // Everything up to and with `end`; what was read beyond it is kept for the next call. "" when the end did not come.
  std::string take_until(std::string_view end) {
    std::size_t at = std::string::npos;
    while ((at = read_.find(end)) == std::string::npos)
      if (!read_some()) return "";
    std::string taken = read_.substr(0, at + end.size());
    read_.erase(0, taken.size());
    return taken;
  }
  // A response with its Content-Length.
  std::string take_response() {
    std::string head = take_until("\r\n\r\n");
    const std::size_t field = head.find("Content-Length: ");
    if (field == std::string::npos) return head;
    const std::size_t length = std::stoul(head.substr(field + 16));
    while (read_.size() < length && read_some()) {
    }
    head += read_.substr(0, length);
    read_.erase(0, length);
    return head;
  }
  // True when the other side has closed and nothing is left to read.
  bool ended() { return read_.empty() && !read_some(); }

 private:
  bool read_some() {
    std::array<char, 4096> piece;
    const ssize_t n = ::recv(socket_.native_handle(), piece.data(), piece.size(), 0);
    if (n > 0) read_.append(piece.data(), static_cast<std::size_t>(n));
    return n > 0;
  }

  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  std::string read_;
};

struct AdminRig : ControlRig {
  explicit AdminRig(const std::string& yaml = kTwoUpstreams,
                    proxy::admin::Interface interface = proxy::admin::Interface::admin)
      : AdminRig(yaml, {}, interface) {}
  AdminRig(const std::string& yaml, proxy::Control::Loader loader,
           proxy::admin::Interface interface = proxy::admin::Interface::admin)
      : ControlRig(yaml, std::move(loader)),
        server(std::make_unique<proxy::admin::AdminServer>(admin_thread, any_port(), interface)) {
    port = server->port();
    admin_thread.start();
    thread = std::thread([this] { io.run(); });
  }
  ~AdminRig() {
    on_control([this] {
      server.reset();
      timer.reset();
    });
    work.reset();
    thread.join();
    admin_thread.stop();
  }

  static config::Address any_port() {
    return {.kind = config::Address::Kind::tcp, .host = "127.0.0.1", .port = 0, .path = {}};
  }
  void on_control(const std::function<void()>& what) {
    // Shared: set_value() may still be at work when the waiter goes on.
    const auto done = std::make_shared<std::promise<void>>();
    asio::post(io, [&what, done] {
      what();
      done->set_value();
    });
    done->get_future().wait();
  }
  // Holds the control thread, the admin thread, or the one aside, until the result goes.
  class Held {
   public:
    explicit Held(const std::function<void(std::function<void()>)>& post) {
      post([free = free_, holds = holds_] {
        holds->set_value();
        free->get_future().wait();
      });
      holds_->get_future().wait();
    }
    ~Held() { free_->set_value(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    std::shared_ptr<std::promise<void>> free_ = std::make_shared<std::promise<void>>();
    std::shared_ptr<std::promise<void>> holds_ = std::make_shared<std::promise<void>>();
  };
  Held hold_control() {
    return Held([this](auto what) { asio::post(io, what); });
  }
  Held hold_admin() {
    return Held([this](auto what) { admin_thread.post(what); });
  }
  Held hold_aside() {
    return Held([this](auto what) { admin_thread.post([this, what] { admin_thread.aside(what, [] {}); }); });
  }
  std::string ask(std::string_view request) {
    RawClient client(port);
    client.send(request);
    return client.take_response();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  proxy::admin::AdminThread admin_thread{io, control};
  std::unique_ptr<proxy::admin::AdminServer> server;
  std::unique_ptr<proxy::ControlTimer> timer = std::make_unique<proxy::ControlTimer>(io, control);
  std::uint16_t port = 0;
  std::thread thread;
};

}  // namespace fusewire::testing
