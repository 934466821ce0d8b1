// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/passed_sockets.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

using namespace fusewire::proxy;
using Tcp = boost::asio::ip::tcp;
using Unix = boost::asio::local::stream_protocol;

namespace {

// Descriptors one behind the other, as a service manager passes them; those that nobody has taken are closed here.
class Row {
 public:
  Row() : first_(::fcntl(STDIN_FILENO, F_DUPFD, 300)) { ::close(first_); }
  ~Row() {
    for (int i = 0; i < count_; ++i) ::close(first_ + i);
  }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

  void add(int fd) {
    ::dup2(fd, first_ + count_++);
    ::close(fd);
  }
  int first() const { return first_; }
  PassedVariables variables(const std::string& names = {}) const {
    return {.pid = std::to_string(::getpid()), .fds = std::to_string(count_), .names = names};
  }
  PassedSockets passed(const std::string& names = {}) const { return PassedSockets(variables(names), first_); }

 private:
  const int first_;
  int count_ = 0;
};

int stream(const sockaddr* address, std::size_t size, bool listens = true) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM, 0);
  REQUIRE(::bind(fd, address, static_cast<socklen_t>(size)) == 0);
  if (listens) REQUIRE(::listen(fd, 8) == 0);
  return fd;
}
int on_ipv4(bool listens = true) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return stream(reinterpret_cast<const sockaddr*>(&address), sizeof address, listens);
}
// The kernel's name of it is as long as its binder has made it: with the closing 0 (as systemd), or all of the struct.
int on_path(const std::string& path, bool whole_struct) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  const std::size_t size = whole_struct ? sizeof address : offsetof(sockaddr_un, sun_path) + path.size() + 1;
  return stream(reinterpret_cast<const sockaddr*>(&address), size);
}
Protocol::endpoint name_of(int fd) {
  Tcp::endpoint name;
  auto size = static_cast<socklen_t>(name.capacity());
  REQUIRE(::getsockname(fd, name.data(), &size) == 0);
  name.resize(size);
  return name;
}
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
bool closes_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

std::string refused(const PassedVariables& variables, int first) {
  try {
    const PassedSockets passed(variables, first);
    return "(taken)";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a socket that was passed is found by its address, once, and no child inherits it") {
  const std::string own = "/tmp/fusewire-passed-" + std::to_string(::getpid()), a = own + "-a", b = own + "-b";
  Row row;
  row.add(on_ipv4());
  row.add(on_path(a, true));
  row.add(on_path(b, false));
  const Protocol::endpoint where = name_of(row.first());
  PassedSockets passed = row.passed("web::b");
  for (int i = 0; i < 3; ++i) CHECK(closes_on_exec(row.first() + i));
  CHECK_FALSE(passed.empty());
  CHECK(passed.take(Tcp::endpoint(boost::asio::ip::address_v4::any(), 1)) == -1);
  CHECK(passed.take(Unix::endpoint(b)) == row.first() + 2);
  CHECK(passed.take(Unix::endpoint(a)) == row.first() + 1);
  CHECK(passed.take(where) == row.first());
  CHECK(passed.take(where) == -1);
  CHECK(passed.empty());
  ::unlink(a.c_str());
  ::unlink(b.c_str());
}

TEST_CASE("the IPv6 wildcard is another address than the IPv4 one with the same port") {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  const int probe = ::socket(AF_INET6, SOCK_STREAM, 0);
  if (probe < 0) return;  // a host without IPv6
  ::close(probe);
  Row row;
  row.add(stream(reinterpret_cast<const sockaddr*>(&address), sizeof address));
  PassedSockets passed = row.passed();
  const Protocol::endpoint own = name_of(row.first());
  Tcp::endpoint v4(boost::asio::ip::address_v4::any(),
                   ntohs(reinterpret_cast<const sockaddr_in6*>(own.data())->sin6_port));
  CHECK(passed.take(v4) == -1);
  CHECK(passed.unwanted({v4}).find("passed a socket that nothing would serve: [::]:" + std::to_string(v4.port())) !=
        std::string::npos);
  CHECK(passed.take(own) == row.first());
}

TEST_CASE("sockets for another process are left alone") {
  Row row;
  row.add(on_ipv4());
  for (const std::string& pid : {std::string("1"), std::to_string(::getpid() + 1), std::string()}) {
    PassedVariables variables = row.variables();
    variables.pid = pid;
    CHECK(PassedSockets(variables, row.first()).empty());
  }
  CHECK(is_open(row.first()));
  CHECK_FALSE(closes_on_exec(row.first()));
  CHECK(PassedSockets(PassedVariables{.pid = std::to_string(::getpid()), .fds = "", .names = ""}).empty());
  CHECK(PassedSockets(PassedVariables{.pid = std::to_string(::getpid()), .fds = "0", .names = ""}).empty());
}

TEST_CASE("variables of socket activation that are malformed are refused with what was expected") {
  Row row;
  row.add(on_ipv4());
  const auto with = [&](const char* pid, const char* fds, const char* names) {
    PassedVariables variables = row.variables();
    if (pid != nullptr) variables.pid = pid;
    if (fds != nullptr) variables.fds = fds;
    if (names != nullptr) variables.names = names;
    return refused(variables, row.first());
  };
  CHECK(with("me", nullptr, nullptr) == "LISTEN_PID: expected the id of a process, found 'me'");
  for (const char* fds : {"-1", "1 ", "x", "1025", "99999999999999999999"})
    CHECK(with(nullptr, fds, nullptr) ==
          std::string("LISTEN_FDS: expected a number of sockets from 0 to 1024, found '") + fds + "'");
  CHECK(with(nullptr, nullptr, "a:b") == "LISTEN_FDNAMES: expected as many names as LISTEN_FDS says, 1, found 'a:b'");
  CHECK(is_open(row.first()));
}

TEST_CASE("a descriptor that is no listening stream socket is refused by its number and name") {
  const std::string unit =
      ", which the service manager has passed, is not a listening stream socket: in its .socket unit, ListenStream= "
      "and "
      "Accept=no are expected";
  const auto refusal = [](int fd, const std::string& names) {
    Row row;
    row.add(fd);
    const std::string text = refused(row.variables(names), row.first());
    const std::string number = std::to_string(row.first());
    const auto at = text.find(number);
    return at == std::string::npos ? text : std::string(text).replace(at, number.size(), "N");
  };
  CHECK(refusal(on_ipv4(false), "web") == "descriptor N (web)" + unit);
  CHECK(refusal(on_ipv4(false), "\x1b[31m") == "descriptor N (\\u001b[31m)" + unit);
  CHECK(refusal(::socket(AF_INET, SOCK_DGRAM, 0), "") == "descriptor N" + unit);
  CHECK(refusal(::open("/dev/null", O_RDONLY), "f") ==
        "descriptor N (f), which the service manager has passed, is not a socket");
  CHECK(refusal(-1, "gone") == "descriptor N (gone), which the service manager has passed, is not open");
}

TEST_CASE("sockets that nothing would serve are named, and closed with the rest") {
  Row row;
  row.add(on_ipv4());
  row.add(on_ipv4());
  const Protocol::endpoint first = name_of(row.first());
  const auto port = [&](int i) {
    const Protocol::endpoint name = name_of(row.first() + i);
    return std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(name.data())->sin_port));
  };
  const auto shown = [&](int i, const std::string& name) {
    return "127.0.0.1:" + port(i) + ", descriptor " + std::to_string(row.first() + i) + " (" + name + ")";
  };
  const std::string begin = "the service manager has passed a socket that nothing would serve: ";
  const std::string end = "; expected the address of a listener, admin.address or admin.probes";
  {
    const PassedSockets passed = row.passed("a:b");
    CHECK(passed.unwanted({first}) == begin + shown(1, "b") + end);
    CHECK(passed.unwanted({}) == begin + shown(0, "a") + ", " + shown(1, "b") + end);
    CHECK(passed.unwanted({first, name_of(row.first() + 1)}).empty());
  }
  CHECK_FALSE(is_open(row.first()));
  CHECK_FALSE(is_open(row.first() + 1));
}

TEST_CASE("of two sockets at one address nothing would serve the second") {
  Row row;
  row.add(on_ipv4());
  const Protocol::endpoint where = name_of(row.first());
  row.add(::dup(row.first()));
  const PassedSockets passed = row.passed("a:b");
  const std::string error = passed.unwanted({where});
  CHECK(error.find("(b); expected") != std::string::npos);
  CHECK(error.find("(a)") == std::string::npos);
}

TEST_CASE("what was passed is gone from the environment that children get") {
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::setenv(name, "1", 1);
  forget_passed_variables();
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) CHECK(::getenv(name) == nullptr);
}
