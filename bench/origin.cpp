// SPDX-License-Identifier: Apache-2.0
// The benchmark's origin: HTTP/1.1 with keep-alive on one thread, and as little else as possible.
//   bench_origin PORT...   GET /b/N answers N bytes; GET /c/N the same, storable for a minute; POST reads the body
// It trusts its clients (the proxies under test) to speak correctly.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <vector>

#include "bench/tcp.hpp"

namespace {

using bench::is_transient;
using bench::watch;
using std::string_view;

constexpr std::size_t kPiece = 64 * 1024;

struct Connection {
  explicit Connection(int socket) : fd(socket) {}

  int fd;
  std::string in;        // an unfinished head, or the line of a chunk
  string_view out;       // of an answer, what the kernel has not taken yet
  std::size_t body = 0;  // of the request's body or chunk, bytes still to come
  bool chunked = false;  // between chunks
  bool blocked = false;  // waits for room
};

// Answers live as long as the program, so that what is being written can be a view.
string_view answer_of(string_view path) {
  static std::map<std::string, std::string, std::less<>> answers;
  if (const auto known = answers.find(path); known != answers.end()) return known->second;
  const auto slash = path.rfind('/') + 1;
  std::size_t size = 2;
  std::from_chars(path.data() + slash, path.data() + path.size(), size);
  std::string text = "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n";
  if (path.starts_with("/c/")) text += "Cache-Control: max-age=60\r\n";
  text += "Content-Type: application/octet-stream\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  text.append(size, 'x');
  return answers.emplace(path, std::move(text)).first->second;
}

// The value of a field whose name is given in lower case, empty where there is none.
string_view field(string_view head, string_view name) {
  const auto same = [](char wanted, char c) { return (c >= 'A' && c <= 'Z' ? c + 32 : c) == wanted; };
  for (auto line = head.find("\r\n") + 2; line < head.size(); line = head.find("\r\n", line) + 2) {
    const string_view rest = head.substr(line);
    if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
    if (!std::equal(name.begin(), name.end(), rest.begin(), same)) continue;
    const auto value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
    return value.substr(std::min(value.size(), value.find_first_not_of(' ')));
  }
  return {};
}

void begin_body(Connection& connection, string_view head) {
  const auto length = field(head, "content-length");
  std::from_chars(length.data(), length.data() + length.size(), connection.body);
  connection.chunked = !field(head, "transfer-encoding").empty();
}

// Takes what it can from `in`, and says how much; answers at the end of each request.
std::size_t take(Connection& connection, string_view in) {
  if (connection.body > 0) {
    const std::size_t taken = std::min(connection.body, in.size());
    connection.body -= taken;
    if (connection.body == 0 && !connection.chunked) connection.out = answer_of("/b/2");
    return taken;
  }
  if (connection.chunked) {
    const auto line = in.find("\r\n");
    if (line == string_view::npos) return 0;
    std::size_t size = 0;
    std::from_chars(in.data(), in.data() + line, size, 16);
    if (size == 0 && in.size() < line + 4) return 0;
    connection.chunked = size > 0;
    if (size == 0) connection.out = answer_of("/b/2");
    connection.body = size > 0 ? size + 2 : 0;  // with the line end behind it
    return size > 0 ? line + 2 : line + 4;
  }
  const auto end = in.find("\r\n\r\n");
  if (end == string_view::npos) return 0;
  const string_view head = in.substr(0, end + 2);
  if (head.starts_with("POST")) begin_body(connection, head);
  if (connection.body == 0 && !connection.chunked) {
    const auto path = head.substr(head.find(' ') + 1);
    connection.out = answer_of(path.substr(0, path.find(' ')));
  }
  return end + 4;
}

// False when the connection has failed.
bool flush(Connection& connection) {
  while (!connection.out.empty()) {
    const auto n = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (n < 0) return is_transient(errno);
    connection.out.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool serve(Connection& connection, string_view in) {
  if (!connection.in.empty()) in = connection.in.append(in);
  while (!in.empty() && connection.out.empty()) {
    const std::size_t taken = take(connection, in);
    if (taken == 0) break;
    in.remove_prefix(taken);
    if (!flush(connection)) return false;
  }
  connection.in = std::string(in);
  return true;
}

bool on_event(int epoll, Connection& connection, std::uint32_t events) {
  static std::array<char, kPiece> piece;
  if ((events & EPOLLOUT) != 0 && (!flush(connection) || !serve(connection, {}))) return false;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !connection.blocked) {
    const auto n = ::recv(connection.fd, piece.data(), piece.size(), 0);
    if (n == 0 || (n < 0 && !is_transient(errno))) return false;
    if (n > 0 && !serve(connection, {piece.data(), static_cast<std::size_t>(n)})) return false;
  }
  const bool blocked = !connection.out.empty();
  if (blocked != connection.blocked)
    watch(epoll, EPOLL_CTL_MOD, connection.fd, blocked ? EPOLLOUT : EPOLLIN, &connection);
  connection.blocked = blocked;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::fputs("usage: bench_origin PORT...\n", stderr), 2;
  const int epoll = bench::must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::vector<int> listeners;
  for (int i = 1; i < argc; ++i) {
    listeners.push_back(bench::listen_on(bench::port_of(argv[i])));
    bench::watch(epoll, EPOLL_CTL_ADD, listeners.back(), EPOLLIN, nullptr);
  }
  std::array<epoll_event, 256> events;
  while (true) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* const connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection == nullptr) {
        for (const int listener : listeners)
          for (int fd = bench::accept_from(listener); fd >= 0; fd = bench::accept_from(listener))
            bench::watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, new Connection(fd));
      } else if (!on_event(epoll, *connection, events[static_cast<std::size_t>(i)].events)) {
        ::close(connection->fd);
        delete connection;
      }
    }
  }
}
