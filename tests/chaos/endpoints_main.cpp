// SPDX-License-Identifier: Apache-2.0
// Endpoints with scripted lives, on loopback, one thread for all of them.
//   chaos_endpoints SCRIPT LOG
// Says "ports P P …" and then answers. A line "start NS" on standard input sets the moment, of CLOCK_MONOTONIC, from
// which the script counts; the end of the input ends the program, which then writes its log.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <deque>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "tests/chaos/endpoint.hpp"
#include "tests/chaos/stalls.hpp"
#include "tests/chaos/wire.hpp"

namespace {

namespace asio = boost::asio;
using chaos::Clock;

class Program {
 public:
  explicit Program(std::istream& script) {
    std::uint32_t index = 0;
    for (chaos::Life& life : chaos::read_script(script))
      endpoints_.emplace_back(context_.get_executor(), index++, std::move(life), arrivals_, wire_);
  }

  void run() {
    for (chaos::Endpoint& one : endpoints_) one.open();
    std::cout << "ports";
    for (const chaos::Endpoint& one : endpoints_) std::cout << ' ' << one.port();
    std::cout << (wire_.works() ? " wire" : "") << std::endl;
    asio::co_spawn(context_, wire_.watch(), asio::detached);
    asio::co_spawn(context_, stalls_.watch(context_.get_executor()), asio::detached);
    asio::co_spawn(context_, listen_to_input(), [this](std::exception_ptr) { context_.stop(); });
    context_.run();
    for (chaos::Endpoint& one : endpoints_) one.shut();
    context_.restart();
    context_.poll();  // conversations end before their endpoints do
  }

  void write(const std::string& path) const {
    std::ofstream out(path);
    arrivals_.write(out, start_);
    stalls_.write(out, start_);
  }

 private:
  // Ends by the exception that the end of the input is.
  asio::awaitable<void> listen_to_input() {
    asio::posix::stream_descriptor input(context_, 0);
    std::string line;
    while (true) {
      const auto size = co_await asio::async_read_until(input, asio::dynamic_buffer(line), '\n', asio::use_awaitable);
      obey(line.substr(0, size));
      line.erase(0, size);
    }
  }

  void obey(const std::string& line) {
    std::istringstream in(line);
    std::string word;
    std::int64_t ns = 0;
    if (!(in >> word >> ns) || word != "start") return;
    start_ = Clock::time_point(std::chrono::nanoseconds(ns));
    for (chaos::Endpoint& one : endpoints_) asio::co_spawn(context_, one.live(start_), asio::detached);
  }

  asio::io_context context_{1};
  chaos::Arrivals arrivals_;
  chaos::Stalls stalls_;
  chaos::Wire wire_{context_.get_executor(), arrivals_};
  std::deque<chaos::Endpoint> endpoints_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: chaos_endpoints SCRIPT LOG\n", 2;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    std::ifstream script(argv[1]);
    if (!script) throw std::runtime_error(std::string("cannot read ") + argv[1]);
    Program program(script);
    program.run();
    program.write(argv[2]);
  } catch (const std::exception& error) {
    std::cerr << "chaos_endpoints: " << error.what() << '\n';
    return 1;
  }
}
