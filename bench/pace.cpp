// SPDX-License-Identifier: Apache-2.0
// Requests at a given rate, whatever the answers do: each has its time in a plan (random gaps, the same plan in every
// run), and its latency counts from that time, also where it had to wait for a free connection. wrk, h2load and hey
// send the next one only when an answer has come: a proxy that stands still makes them stand still, and what should
// have been sent meanwhile is in no percentile.
//   bench_pace PORT PATH LENGTH RATE SECONDS CONNECTIONS      one line of JSON; LENGTH is that of an answer's body
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <deque>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/tcp.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using std::string_view;

constexpr std::chrono::seconds kPatience{5};  // with answers that have not come when all has been sent

struct Connection {
  int fd = -1;
  Time due{};  // of the request under way
  std::string in;
};

// When each request is to be sent, after the start.
std::vector<Clock::duration> make_plan(double rate, double seconds) {
  std::mt19937_64 random(20260101);
  std::exponential_distribution<double> gap(rate);
  std::vector<Clock::duration> plan;
  for (double at = gap(random); at < seconds; at += gap(random))
    plan.push_back(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at)));
  return plan;
}

// Of an answer's body, as its head says; -1 where the head is not whole yet or is not that of a 200.
long body_length(string_view head) {
  if (!head.starts_with("HTTP/1.1 200 ")) return -1;
  constexpr string_view kName = "\r\ncontent-length: ";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  const auto* const found = std::search(head.begin(), head.end(), kName.begin(), kName.end(), same);
  long length = -1;
  if (found != head.end()) std::from_chars(found + kName.size(), head.end(), length);
  return length;
}

class Pace {
 public:
  Pace(std::uint16_t port, const std::string& path, long length, std::size_t connections)
      : request_("GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n"), length_(length), connections_(connections) {
    for (Connection& one : connections_) {
      const sockaddr_in address = bench::loopback(port);
      one.fd = bench::must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
      bench::must(::connect(one.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
      bench::set_no_delay(one.fd);
      bench::watch(epoll_, EPOLL_CTL_ADD, one.fd, EPOLLIN, &one);
    }
  }

  // One request on each connection, so that none of those that count has to open one to the origin.
  void warm_up() {
    for (Connection& one : connections_) send(one, Clock::now());
    for (const Time end = Clock::now() + kPatience; free_.size() < connections_.size() && Clock::now() < end;)
      turn(end);
    latencies_.clear();
  }

  void run(const std::vector<Clock::duration>& plan) {
    latencies_.reserve(plan.size());
    lateness_.reserve(plan.size());
    const Time start = Clock::now();
    std::size_t next = 0;
    while (next < plan.size()) {
      const Time now = Clock::now();
      const Time due = start + plan[next];
      if (due > now || free_.empty()) {
        if (failed_ == connections_.size()) break;
        turn(free_.empty() ? now + kPatience : due);
        if (free_.empty() && Clock::now() > now + kPatience) break;
        continue;
      }
      lateness_.push_back(now - due);
      Connection& one = *free_.front();
      free_.pop_front();
      send(one, due);
      ++next;
    }
    const Time end = Clock::now() + kPatience;
    while (free_.size() + failed_ < connections_.size() && Clock::now() < end) turn(end);
  }

  void report(std::size_t planned, double seconds) {
    std::printf(
        "{\"planned\":%zu,\"answered\":%zu,\"rate\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"late_p99_"
        "us\":%.1f}\n",
        planned, latencies_.size(), static_cast<double>(latencies_.size()) / seconds, quantile(latencies_, 0.5),
        quantile(latencies_, 0.99), quantile(latencies_, 0.999), quantile(lateness_, 0.99));
  }

 private:
  void send(Connection& one, Time due) {
    one.due = due;
    if (::send(one.fd, request_.data(), request_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request_.size()))
      fail(one);
  }

  void fail(Connection& one) {
    ++failed_;
    ::close(std::exchange(one.fd, -1));
  }

  void turn(Time until) {
    const auto left = std::max(Clock::duration::zero(), until - Clock::now()).count();
    const timespec patience{.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
    std::array<epoll_event, 64> events;
    const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &patience, nullptr);
    for (int i = 0; i < count; ++i) receive(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  void receive(Connection& one) {
    const auto n = ::recv(one.fd, piece_.data(), piece_.size(), MSG_DONTWAIT);
    if (n < 0 && bench::is_transient(errno)) return;
    if (n <= 0) return fail(one);
    one.in.append(piece_.data(), static_cast<std::size_t>(n));
    const auto end = one.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (body_length(string_view(one.in).substr(0, end + 2)) != length_) return fail(one);
    const std::size_t whole = end + 4 + static_cast<std::size_t>(length_);
    if (one.in.size() > whole) return fail(one);
    if (one.in.size() < whole) return;
    latencies_.push_back(Clock::now() - one.due);
    one.in.clear();
    free_.push_back(&one);
  }

  // Microseconds.
  static double quantile(std::vector<Clock::duration>& all, double share) {
    if (all.empty()) return 0;
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), at, all.end());
    return std::chrono::duration<double, std::micro>(*at).count();
  }

  const int epoll_ = bench::must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  const std::string request_;
  const long length_;
  std::vector<Connection> connections_;
  std::deque<Connection*> free_;  // the one that has been free longest is next
  std::size_t failed_ = 0;
  std::array<char, 64 * 1024> piece_;
  std::vector<Clock::duration> latencies_;
  std::vector<Clock::duration> lateness_;  // between its time and its being sent
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return std::fputs("usage: bench_pace PORT PATH LENGTH RATE SECONDS CONNECTIONS\n", stderr), 2;
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // ns; the default of 50 µs would be a part of each latency
  const double seconds = std::stod(argv[5]);
  const auto plan = make_plan(std::stod(argv[4]), seconds);
  Pace pace(bench::port_of(argv[1]), argv[2], std::stol(argv[3]), std::stoul(argv[6]));
  pace.warm_up();
  pace.run(plan);
  pace.report(plan.size(), seconds);
}
