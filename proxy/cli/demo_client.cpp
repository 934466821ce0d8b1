// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/demo_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>

#include "filters/message.hpp"

namespace fusewire::cli {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::seconds kPatience{10};

// Everything up to the end of the connection; empty when it did not come in time.
std::string talk(std::uint16_t port, const std::string& request) {
  asio::io_context io;
  tcp::socket socket(io);
  std::string received;
  socket.async_connect({asio::ip::address_v4::loopback(), port}, [&](boost::system::error_code refused) {
    if (refused) return;
    asio::async_write(socket, asio::buffer(request), [&](boost::system::error_code lost, std::size_t) {
      if (lost) return;
      asio::async_read(socket, asio::dynamic_buffer(received), [](boost::system::error_code, std::size_t) {});
    });
  });
  io.run_for(kPatience);
  return received;
}

}  // namespace

std::string DemoAnswer::field(std::string_view name) const {
  for (std::size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = std::string_view(head).substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() > name.size() && line[name.size()] == ':' && iequals(line.substr(0, name.size()), name))
      return std::string(line.substr(std::min(name.size() + 2, line.size())));
  }
  return {};
}

DemoAnswer ask(std::uint16_t port, const std::string& method, const std::string& target) {
  std::string request = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (method == "POST") request += "Content-Length: 0\r\n";
  const auto start = std::chrono::steady_clock::now();
  const std::string received = talk(port, request + "\r\n");
  DemoAnswer answer;
  answer.taken = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  const std::size_t end = received.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  answer.head = received.substr(0, end + 2);
  answer.body = received.substr(end + 4);
  answer.status = std::atoi(answer.head.substr(std::min<std::size_t>(9, answer.head.size())).c_str());
  return answer;
}

}  // namespace fusewire::cli
