// SPDX-License-Identifier: Apache-2.0
// The floor: bytes from one socket to another with epoll and nothing else. It reads no HTTP.
//   bench_relay PORT ORIGIN_PORT      one connection to the origin for each client's
#include <array>
#include <memory>
#include <vector>

#include "bench/tcp.hpp"

namespace {

using bench::is_transient;

constexpr std::size_t kPiece = 64 * 1024;

// One end of a relayed connection.
struct End {
  int fd = -1;
  End* other = nullptr;
  std::string waiting;  // bytes for fd that the kernel has not taken yet; until then nothing is read from `other`
};

class Relay {
 public:
  Relay(std::uint16_t port, std::uint16_t origin)
      : listener_(bench::listen_on(port)), origin_(bench::loopback(origin)) {
    bench::watch(epoll_, EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  void run() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) on_event(events[static_cast<std::size_t>(i)]);
      gone_.clear();  // only now: an event of this turn may have named one
    }
  }

 private:
  void on_event(const epoll_event& event) {
    auto* const end = static_cast<End*>(event.data.ptr);
    if (end == nullptr) return accept_all();
    if (end->fd < 0) return;
    bool alive = true;
    if ((event.events & EPOLLOUT) != 0) alive = write_waiting(*end);
    if (alive && (event.events & ~std::uint32_t{EPOLLOUT}) != 0 && end->other->waiting.empty()) alive = pass_on(*end);
    if (!alive) close_both(*end);
  }

  void accept_all() {
    for (int fd = bench::accept_from(listener_); fd >= 0; fd = bench::accept_from(listener_)) {
      const int up = bench::must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
      bench::must(::connect(up, reinterpret_cast<const sockaddr*>(&origin_), sizeof origin_), "connect");
      bench::set_no_delay(up);
      auto* const client = new End{.fd = fd, .other = nullptr, .waiting = {}};
      client->other = new End{.fd = up, .other = client, .waiting = {}};
      bench::watch(epoll_, EPOLL_CTL_ADD, fd, EPOLLIN, client);
      bench::watch(epoll_, EPOLL_CTL_ADD, up, EPOLLIN, client->other);
    }
  }

  bool pass_on(End& from) {
    const auto n = ::recv(from.fd, piece_.data(), piece_.size(), MSG_DONTWAIT);
    if (n <= 0) return n < 0 && is_transient(errno);
    const auto size = static_cast<std::size_t>(n);
    const auto sent = ::send(from.other->fd, piece_.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && !is_transient(errno)) return false;
    const auto done = static_cast<std::size_t>(sent < 0 ? 0 : sent);
    if (done == size) return true;
    from.other->waiting.assign(piece_.data() + done, size - done);
    watch_both(from);
    return true;
  }

  bool write_waiting(End& to) {
    const auto sent = ::send(to.fd, to.waiting.data(), to.waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return is_transient(errno);
    to.waiting.erase(0, static_cast<std::size_t>(sent));
    if (to.waiting.empty()) watch_both(to);
    return true;
  }

  void watch_both(End& end) {
    for (End* one : {&end, end.other}) {
      const unsigned in = one->other->waiting.empty() ? EPOLLIN : 0U;
      const unsigned out = one->waiting.empty() ? 0U : EPOLLOUT;
      bench::watch(epoll_, EPOLL_CTL_MOD, one->fd, in | out, one);
    }
  }

  void close_both(End& end) {
    for (End* one : {&end, end.other}) {
      ::close(one->fd);
      one->fd = -1;
      gone_.emplace_back(one);
    }
  }

  int epoll_ = bench::must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  int listener_;
  sockaddr_in origin_;
  std::array<char, kPiece> piece_;
  std::vector<std::unique_ptr<End>> gone_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: bench_relay PORT ORIGIN_PORT\n", stderr), 2;
  Relay(bench::port_of(argv[1]), bench::port_of(argv[2])).run();
}
