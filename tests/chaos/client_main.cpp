// SPDX-License-Identifier: Apache-2.0
// An open-loop client: it sends what its plan says when the plan says so.
//   chaos_client PLAN LOG START_NS
// START_NS is the moment, of CLOCK_MONOTONIC, from which the plan counts. The log has a line for each request:
//   q STREAM ID METHOD KEY DUE_US SENT_US HEAD_US DONE_US STATUS RESULT CACHED ENDPOINT
#include <sys/prctl.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/chaos/caller.hpp"
#include "tests/chaos/stalls.hpp"

namespace {

namespace asio = boost::asio;

void raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void write(std::ostream& out, const chaos::Planned& planned, const chaos::Ending& ending) {
  out << "q " << planned.stream << ' ' << planned.id << ' ' << (planned.is_get ? 'G' : 'P') << ' ' << planned.key << ' '
      << planned.due.count() << ' ' << ending.sent << ' ' << ending.head << ' ' << ending.done << ' ' << ending.status
      << ' ' << static_cast<char>(ending.result) << ' ' << ending.is_cached << ' ' << ending.endpoint << '\n';
}

void run(const char* plan, const char* log, const char* start_ns) {
  std::ifstream in(plan);
  if (!in) throw std::runtime_error(std::string("cannot read ") + plan);
  const chaos::Caller::Clock::time_point start{std::chrono::nanoseconds(std::stoll(start_ns))};
  asio::io_context context(1);
  chaos::Caller caller(context, chaos::read_streams(in), start);
  chaos::Stalls stalls;
  asio::co_spawn(context, stalls.watch(context.get_executor()), asio::detached);
  asio::co_spawn(context, caller.run(), asio::detached);
  context.run();
  std::ofstream out(log);
  for (std::size_t i = 0; i < caller.plan().size(); ++i) write(out, caller.plan()[i], caller.endings()[i]);
  stalls.write(out, start);
  out << "m " << caller.most_connections() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::cerr << "usage: chaos_client PLAN LOG START_NS\n", 2;
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // ns; the default of 50 µs would be a part of each latency
  raise_file_limit();
  try {
    run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    std::cerr << "chaos_client: " << error.what() << '\n';
    return 1;
  }
}
