// SPDX-License-Identifier: Apache-2.0
// The demo's upstream: a shop's order service that misbehaves on command. One thread of its own; every member may be
// called from any thread.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "proxy/net/asio.hpp"

namespace fusewire::cli {

enum class Behaviour : std::uint8_t {
  ok,
  errors,  // answers 500
  delay,   // answers after kDemoDelay
  hang,    // reads the request and never answers
  reset,   // reads the request and resets the connection
};

inline constexpr std::chrono::milliseconds kDemoDelay{300};

std::string_view to_string(Behaviour);
std::optional<Behaviour> behaviour_from(std::string_view);

class DemoUpstream {
 public:
  DemoUpstream();   // listens on a free port of 127.0.0.1
  ~DemoUpstream();  // cuts what is still open

  std::uint16_t port() const { return port_; }
  void behave(Behaviour behaviour) { behaviour_ = behaviour; }
  // Requests so far, those of the control path aside.
  std::uint64_t requests() const { return requests_.load(); }

 private:
  struct Request;
  using Stream = proxy::asio::basic_stream_socket<proxy::asio::ip::tcp, proxy::Executor>;
  using Acceptor = proxy::asio::basic_socket_acceptor<proxy::asio::ip::tcp, proxy::Executor>;

  proxy::AsioTask<void> accept();
  proxy::AsioTask<void> serve(Stream);
  proxy::AsioTask<bool> answer(Stream&, const Request&);  // false: the connection is over
  std::string control(const Request&);                    // POST /demo/behave?mode=…

  proxy::asio::io_context io_{1};
  Acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::atomic<Behaviour> behaviour_{Behaviour::ok};
  std::atomic<std::uint64_t> requests_{0};
  std::thread thread_;
};

}  // namespace fusewire::cli
