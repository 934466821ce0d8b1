// SPDX-License-Identifier: Apache-2.0
// Socket activation: the program gets listening sockets from the service manager that starts it, such as systemd.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;
using namespace std::chrono_literals;

namespace {

// A listening socket on a port that the kernel chose, or at a path; open here as in the service manager until
// release().
class Held {
 public:
  Held() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  explicit Held(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    bind(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  ~Held() { release(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  int fd() const { return fd_; }
  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void release() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  void bind(int family, const sockaddr* address, std::size_t size) {
    fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd_, address, static_cast<socklen_t>(size)) == 0);
    REQUIRE(::listen(fd_, 64) == 0);
  }
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

// One listener for each address; they are called l0, l1, …
std::string text(const std::vector<std::string>& addresses, const std::string& admin,
                 const ScriptedUpstream& upstream) {
  std::string all = "runtime: {workers: 3}\nadmin: {address: \"" + admin +
                    "\", token: secret}\n"
                    "upstreams:\n  orders: http://127.0.0.1:" +
                    std::to_string(upstream.port()) + "\nlisteners:\n";
  for (std::size_t i = 0; i < addresses.size(); ++i)
    all += "  - {name: l" + std::to_string(i) + ", address: \"" + addresses[i] + "\", routes: [{upstream: orders}]}\n";
  return all;
}

template <class Where>
Connection asked(const Where& where, const std::string& target = "/") {
  Connection client = Connection::to(where);
  client.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return client;
}

bool is_refused(std::uint16_t port) {
  try {
    const Connection client = Connection::to(port);
    return false;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::connection_refused;
  }
}

bool closes_on_exec(const Process& process, int fd) {
  std::ifstream info("/proc/" + std::to_string(process.pid()) + "/fdinfo/" + std::to_string(fd));
  for (std::string word; info >> word;)
    if (word == "flags:" && info >> word) return (std::stoul(word, nullptr, 8) & O_CLOEXEC) != 0;
  return false;
}

}  // namespace

TEST_CASE("process: connections that are queued on passed sockets before the start are served") {
  ScriptedUpstream upstream;
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "in.sock").string();
  const Held web, local(path), admin, probes;
  const std::string file = folder.write(
      "fusewire.yaml",
      "runtime: {workers: 3}\nadmin: {address: \"" + admin.address() + "\", probes: \"" + probes.address() +
          "\"}\nupstreams:\n  orders: http://127.0.0.1:" + std::to_string(upstream.port()) +
          "\nlisteners:\n  - {address: \"" + web.address() +
          "\", routes: [{upstream: orders}]}\n  - {name: local, mode: \"0600\", address: \"unix:" + path +
          "\", routes: [{upstream: orders}]}\n");
  const auto permissions = std::filesystem::status(path).permissions();
  std::vector<Connection> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(asked(web.port()));
  clients.push_back(asked(path));
  clients.push_back(asked(admin.port(), "/admin/health"));
  clients.push_back(asked(probes.port(), "/admin/health"));
  Process process({"run", "-c", file}, false, {},
                  {.descriptors = {admin.fd(), web.fd(), local.fd(), probes.fd()}, .names = "admin:web:local:probes"});
  for (Connection& client : clients) CHECK_MESSAGE(read_response(client).status == 200, process.output());
  CHECK(upstream.request_count() == 9);
  for (int fd = 3; fd < 7; ++fd) CHECK(closes_on_exec(process, fd));
  // The socket's file is its owner's: neither changed nor removed.
  CHECK(std::filesystem::status(path).permissions() == permissions);
  process.signal(SIGTERM);
  CHECK(process.wait() == 0);
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("process: a restart refuses no connection to a passed socket, and what comes meanwhile is served after it") {
  ScriptedUpstream upstream;
  const TemporaryFolder folder;
  const Held web;
  const std::string file = folder.write("fusewire.yaml", text({web.address()}, "127.0.0.1:0", upstream));
  std::optional<Connection> between;
  for (int start = 0; start < 3; ++start) {
    Process process({"run", "-c", file}, false, {}, {.descriptors = {web.fd()}});
    if (between) CHECK(read_response(*between).status == 200);
    Connection client = asked(web.port());
    CHECK(read_response(client).status == 200);
    process.signal(SIGTERM);
    CHECK(process.wait() == 0);
    between.emplace(asked(web.port()));
  }
  CHECK(upstream.request_count() == 5);
}

TEST_CASE("process: clients that a drain has no room for are served by the next process") {
  ScriptedUpstream upstream(scripts::delayed(300ms, scripts::ok()));
  const TemporaryFolder folder;
  const Held web;
  std::string one_place = text({web.address()}, "127.0.0.1:0", upstream);
  one_place.insert(one_place.find(", routes:"), ", limits: {max_connections: 1, when_full: wait}");
  const std::string file = folder.write("fusewire.yaml", one_place);
  std::vector<Connection> waiting;
  {
    Process process({"run", "-c", file}, false, {}, {.descriptors = {web.fd()}});
    Connection client = asked(web.port());
    CHECK(eventually([&] { return upstream.request_count() == 1; }));
    for (int i = 0; i < 20; ++i) waiting.push_back(asked(web.port()));
    process.signal(SIGTERM);
    CHECK(read_response(client).status == 200);
    CHECK(process.wait() == 0);
  }
  const std::string roomy = folder.write("roomy.yaml", text({web.address()}, "127.0.0.1:0", upstream));
  Process next({"run", "-c", roomy}, false, {}, {.descriptors = {web.fd()}});
  for (Connection& client : waiting) CHECK(read_response(client).status == 200);
  CHECK(upstream.request_count() == 21);
}

TEST_CASE("process: sockets that were passed to another process are not taken") {
  ScriptedUpstream upstream;
  const TemporaryFolder folder;
  const Held web, other;
  const std::string file = folder.write("fusewire.yaml", text({web.address()}, "127.0.0.1:0", upstream));
  Process at_its_address({"run", "-c", file}, false, {}, {.descriptors = {web.fd()}, .pid = "1"});
  CHECK(at_its_address.wait() == 1);
  CHECK(at_its_address.output().find("cannot listen on " + web.address() + ": Address already in use") !=
        std::string::npos);
  // One that nothing would serve is nobody's concern either.
  const ReservedPort free;
  folder.write("fusewire.yaml", text({"127.0.0.1:" + std::to_string(free.number())}, "127.0.0.1:0", upstream));
  Process elsewhere({"run", "-c", file}, false, {}, {.descriptors = {other.fd()}, .pid = "1"});
  CHECK(eventually([&] { return !is_refused(free.number()); }));
  Connection client = asked(free.number());
  CHECK(read_response(client).status == 200);
}

TEST_CASE("process: a passed socket that nothing would serve ends the start with its address and name") {
  ScriptedUpstream upstream;
  const TemporaryFolder folder;
  const Held web, extra;
  const std::string file = folder.write("fusewire.yaml", text({web.address()}, "127.0.0.1:0", upstream));
  Process process({"run", "-c", file}, false, {},
                  {.descriptors = {web.fd(), extra.fd()}, .names = "fusewire.socket:extra.socket"});
  CHECK(process.wait() == 1);
  CHECK(process.output().find(
            "fusewire: the service manager has passed a socket that nothing would serve: " + extra.address() +
            ", descriptor 4 (extra.socket); expected the address of a listener") != std::string::npos);
}

TEST_CASE("process: a reload keeps a passed socket with its listener, opens others, and closes it with it") {
  ScriptedUpstream upstream;
  const TemporaryFolder folder;
  Held web;
  const Held admin, kept;  // these stay open here
  const ReservedPort second;
  const std::string other = "127.0.0.1:" + std::to_string(second.number());
  const std::string file =
      folder.write("fusewire.yaml", text({web.address(), kept.address()}, admin.address(), upstream));
  Process process({"run", "-c", file}, false, {}, {.descriptors = {web.fd(), admin.fd(), kept.fd()}});
  const auto reloaded = [&](const std::vector<std::string>& addresses) {
    folder.write("fusewire.yaml", text(addresses, admin.address(), upstream));
    Connection client = Connection::to(admin.port());
    client.send("POST /admin/config/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\n\r\n");
    return read_response(client).status;
  };
  const auto served = [](std::uint16_t port) {
    Connection client = asked(port);
    return read_response(client).status;
  };
  CHECK(served(web.port()) == 200);
  web.release();  // whatever is refused from here on has been closed by the program
  CHECK(reloaded({other, web.address(), kept.address()}) == 200);  // and has another name now
  CHECK(served(web.port()) == 200);
  CHECK(served(second.number()) == 200);
  CHECK(reloaded({other}) == 200);
  CHECK(is_refused(web.port()));
  const auto queued = upstream.request_count();
  const Connection nobodys = asked(kept.port());  // what happens there is not the program's any more
  CHECK(served(second.number()) == 200);
  CHECK(served(second.number()) == 200);
  CHECK(upstream.request_count() == queued + 2);
  process.signal(SIGTERM);
  CHECK(process.wait() == 0);
}
