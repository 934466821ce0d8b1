// SPDX-License-Identifier: Apache-2.0
// The files of unix listeners: made with their mode, removed with their listener, replaced when they are left over.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;
namespace fs = std::filesystem;

namespace {

std::string text(const std::vector<std::string>& listeners) {
  std::string all = "listeners:\n  - {name: main, address: \"127.0.0.1:0\", routes: [{upstream: orders}]}\n";
  for (const std::string& one : listeners)
    all += "  - {name: local" + std::to_string(all.size()) + ", routes: [{upstream: orders}], " + one + "}\n";
  return all + "upstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n";
}

std::string at(const fs::path& path, const std::string& more = {}) {
  return "address: \"unix:" + path.string() + "\"" + more;
}

int mode_of(const fs::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? static_cast<int>(found.st_mode & 0777) : -1;
}

int get(const fs::path& path) {
  Connection client = Connection::to(path.string());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  return read_response(client).status;
}

int bound(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

// A server that has a full backlog and accepts nothing.
struct Hanging {
  explicit Hanging(const fs::path& path) : listener(bound(path)) {
    REQUIRE(::listen(listener, 0) == 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    int failed = 0;
    while (failed == 0) {
      queued.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      failed = ::connect(queued.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    REQUIRE(errno == EAGAIN);
  }
  ~Hanging() {
    for (const int fd : queued) ::close(fd);
    ::close(listener);
  }
  int listener;
  std::vector<int> queued;
};

}  // namespace

TEST_CASE("a unix listener's file goes with it: by a reload, and when the process ends") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const fs::path a = folder.path() / "a.sock", b = folder.path() / "b.sock", c = folder.path() / "c.sock";
  {
    TestProxy proxy(text({at(a), at(b)}), {{"ORDERS", upstream.port()}});
    CHECK(get(a) == 200);
    CHECK(get(b) == 200);
    REQUIRE(proxy.reload(text({at(b), at(c)})).status == 200);
    CHECK_FALSE(fs::exists(a));
    CHECK(get(b) == 200);
    CHECK(get(c) == 200);
    REQUIRE(proxy.reload(text({at(a), "address: \"127.0.0.1:${ORDERS}\""})).status != 200);  // the port is taken
    CHECK_FALSE(fs::exists(a));
    CHECK(get(b) == 200);
    proxy.drain();
    CHECK(proxy.wait() == 0);
    CHECK_FALSE(fs::exists(b));
    CHECK_FALSE(fs::exists(c));
  }
}

TEST_CASE("a file that another process has put in place of a listener's stays") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const fs::path path = folder.path() / "in.sock";
  TestProxy proxy(text({at(path)}), {{"ORDERS", upstream.port()}});
  REQUIRE(get(path) == 200);
  fs::remove(path);
  const int other = bound(path);
  proxy.drain();
  CHECK(proxy.wait() == 0);
  CHECK(fs::exists(path));
  ::close(other);
}

TEST_CASE("a socket file whose owner is gone is replaced, any other file is not") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const fs::path path = folder.path() / "in.sock";
  ::close(bound(path));
  REQUIRE(fs::exists(path));
  {
    TestProxy proxy(text({at(path)}), {{"ORDERS", upstream.port()}});
    CHECK(get(path) == 200);
  }
  folder.write("in.sock", "precious");
  CHECK_THROWS(TestProxy(text({at(path)}), {{"ORDERS", upstream.port()}}));
  CHECK(folder.read("in.sock") == "precious");
}

TEST_CASE("a path whose owner hangs is in use: neither start nor reload waits for it") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const fs::path path = folder.path() / "in.sock";
  const Hanging owner(path);
  CHECK(time_of([&] { CHECK_THROWS(TestProxy(text({at(path)}), {{"ORDERS", upstream.port()}})); }) < 5s);
  TestProxy proxy(text({}), {{"ORDERS", upstream.port()}});
  CHECK(time_of([&] { CHECK(proxy.reload(text({at(path)})).status != 200); }) < 5s);
  CHECK(proxy.get("/").status == 200);
  CHECK(fs::exists(path));
}

TEST_CASE("a unix listener's file has its mode whatever the umask, and a reload changes it") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const fs::path path = folder.path() / "in.sock";
  for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
    CAPTURE(mask);
    const mode_t before = ::umask(mask);
    TestProxy proxy(text({at(path, ", mode: \"0660\"")}), {{"ORDERS", upstream.port()}});
    ::umask(before);
    CHECK(mode_of(path) == 0660);
    CHECK(get(path) == 200);
    REQUIRE(proxy.reload(text({at(path, ", mode: \"0600\"")})).status == 200);
    CHECK(mode_of(path) == 0600);
    CHECK(get(path) == 200);
  }
}

TEST_CASE("process: the line `serving` names each listener with its address") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const std::string socket = (folder.path() / "in.sock").string();
  Process process({"run", "-c",
                   folder.write("fusewire.yaml",
                                "listeners:\n  - {name: main, address: \"127.0.0.1:0\", routes: [{upstream: orders}]}\n"
                                "  - {name: local, address: \"unix:" +
                                    socket +
                                    "\", routes: [{upstream: orders}]}\nadmin: {address: \"127.0.0.1:0\"}\n"
                                    "upstreams: {orders: \"http://127.0.0.1:" +
                                    std::to_string(upstream.port()) + "\"}\n")});
  const std::string mark = "main=127.0.0.1:";
  REQUIRE(eventually([&] { return process.output().find(mark) != std::string::npos; }));
  const std::string output = process.output();
  CHECK(output.find("local=unix:" + socket) != std::string::npos);
  const auto port = static_cast<std::uint16_t>(std::stoi(output.substr(output.find(mark) + mark.size())));
  Connection client = Connection::to(port);
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(client).status == 200);
}
