// SPDX-License-Identifier: Apache-2.0
// docs/reference.md, "Signals and the end of the process": what SIGTERM does, without the signal.
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

// For this thread and those that it starts, as long as this lives; for a process without privileges it changes nothing.
class WithoutCapability {
 public:
  explicit WithoutCapability(unsigned number) {
    REQUIRE(::syscall(SYS_capget, &header_, had_) == 0);
    __user_cap_data_struct less[_LINUX_CAPABILITY_U32S_3] = {had_[0], had_[1]};
    less[CAP_TO_INDEX(number)].effective &= ~CAP_TO_MASK(number);
    REQUIRE(::syscall(SYS_capset, &header_, less) == 0);
  }
  ~WithoutCapability() { ::syscall(SYS_capset, &header_, had_); }
  WithoutCapability(const WithoutCapability&) = delete;
  WithoutCapability& operator=(const WithoutCapability&) = delete;

 private:
  __user_cap_header_struct header_{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct had_[_LINUX_CAPABILITY_U32S_3] = {};
};

// No request that was accepted is lost, and the status at the end is 0.
void drain_under_load() {
  Rig rig(scripts::delayed(5ms, scripts::ok()));
  std::atomic<int> served{0}, lost{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> clients;
  const std::uint16_t port = rig.proxy.port();
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, port] {
      while (!over) {
        try {
          Connection client = Connection::to(port);
          client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
          ++(read_response(client).status == 200 ? served : lost);
        } catch (const std::system_error&) {
          return;
        }
      }
    });
  const bool warm = eventually([&] { return served > 50; });
  rig.proxy.drain();
  CHECK(rig.proxy.wait() == 0);
  over = true;
  for (auto& client : clients) client.join();
  CHECK(warm);
  CHECK(lost == 0);
  CHECK(refused(port));
}

// From the beginning of a drain to its end, by a request that never ends.
auto time_to_cut_off(std::vector<std::string> set) {
  Rig rig(scripts::hang(), "", "", std::move(set));
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 1; }));
  const auto taken = time_of([&] {
    rig.proxy.drain();
    rig.proxy.wait();
  });
  CHECK(client.ended());
  return taken;
}

}  // namespace

TEST_CASE("draining under load loses no request that was accepted, and ends with status 0") { drain_under_load(); }

TEST_CASE("draining under load loses no request either where the proxy may not filter its socket's packets") {
  const WithoutCapability unprivileged(CAP_NET_ADMIN);
  drain_under_load();
}

TEST_CASE("clients that keep their connections are asked to close them and lose nothing") {
  Rig rig(scripts::delayed(5ms, scripts::ok()));
  std::atomic<int> served{0}, announced{0}, broken{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, client = rig.proxy.connect()]() mutable {
      while (true) {
        client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        const Response reply = read_response(client);
        if (reply.status != 200 || !reply.complete) ++broken;
        if (reply.field("Connection") == "close") ++announced;
        if (reply.status != 200 || reply.field("Connection") == "close") return;
        ++served;
      }
    });
  const bool warm = eventually([&] { return served > 50; });
  rig.proxy.drain();
  CHECK(rig.proxy.wait() == 0);
  for (auto& client : clients) client.join();
  CHECK(warm);
  CHECK(announced == 8);
  CHECK(broken == 0);
}

TEST_CASE("a request in flight is finished with Connection: close, idle connections end") {
  std::atomic<bool> go{false};
  Rig rig([&](Call& call) {
    if (call.request().target == "/slow") eventually([&] { return go.load() || call.stopping(); });
    call.send(response(200, "done"));
  });
  Connection idle = rig.proxy.connect();
  idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(read_response(idle).status == 200);
  Connection busy = rig.proxy.connect();
  busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return rig.upstream.request_count() == 2; }));

  const std::uint16_t port = rig.proxy.port();
  rig.proxy.drain();
  CHECK(idle.ended());
  CHECK(idle.end() == End::eof);
  CHECK(eventually([&] { return refused(port); }));
  go = true;
  const Response last = read_response(busy);
  CHECK(last.status == 200);
  CHECK(last.body == "done");
  CHECK(last.field("Connection") == "close");
  CHECK(rig.proxy.wait() == 0);
}

TEST_CASE("readiness ends with the drain while a grace period still serves") {
  Rig rig(scripts::ok(), "", "", {"shutdown.grace=2s"});
  CHECK(rig.proxy.admin("GET", "/admin/ready").status == 200);
  CHECK(rig.proxy.admin("GET", "/admin/health").status == 200);
  REQUIRE(rig.proxy.admin_change("/admin/drain").status < 300);
  CHECK(rig.proxy.admin("GET", "/admin/ready").status == 503);
  CHECK(rig.proxy.admin("GET", "/admin/health").status == 200);
  const Response within = rig.proxy.get("/");
  CHECK(within.status == 200);
  CHECK(within.field("Connection") != "close");
  CHECK(rig.proxy.wait() == 0);
}

TEST_CASE("a request that never ends does not hold the process longer than drain_timeout") {
  const auto taken = time_to_cut_off({"shutdown.drain_timeout=300ms"});
  CHECK(taken >= 300ms);
  CHECK(taken < 10s);
}

TEST_CASE("drain_timeout runs from the closing of the listeners, after the grace") {
  const auto taken = time_to_cut_off({"shutdown.grace=300ms", "shutdown.drain_timeout=400ms"});
  CHECK(taken >= 700ms);
  CHECK(taken < 10s);
}

TEST_CASE("a response without a length that the end of the drain cuts off does not end cleanly") {
  Rig rig(
      [](Call& call) {
        call.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        call.hang();
      },
      "", "", {"shutdown.drain_timeout=100ms"});
  Connection client = rig.proxy.connect();
  client.send("GET / HTTP/1.0\r\n\r\n");
  REQUIRE(client.take_until("hello").has_value());
  rig.proxy.drain();
  rig.proxy.wait();
  CHECK(client.ended());
  CHECK(client.end() == End::reset);
}

TEST_CASE("a unix listener that is knocked at all the time can be shut") {
  ScriptedUpstream upstream;
  TemporaryFolder folder;
  const std::string path = folder.path() / "in.sock";
  TestProxy proxy("listeners: [{name: main, address: \"unix:" + path +
                      "\", routes: [{upstream: orders}]}]\nupstreams:\n  orders: \"http://127.0.0.1:${ORDERS}\"\n",
                  {{"ORDERS", upstream.port()}});
  std::atomic<bool> over{false};
  std::thread knocker([&] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    while (!over) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      static_cast<void>(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
      ::close(fd);
    }
  });
  CHECK(time_of([&] {
          proxy.drain();
          CHECK(proxy.wait() == 0);
        }) < 5s);
  over = true;
  knocker.join();
}

TEST_CASE("an upload that its upstream does not take does not hold the process longer than drain_timeout") {
  std::atomic<bool> over{false};
  Rig rig([&](Call& call) { eventually([&] { return over.load() || call.stopping(); }); }, "", "",
          {"shutdown.drain_timeout=300ms"});
  Connection client = rig.proxy.connect();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 134217728\r\n\r\n");
  const std::string piece(256 * 1024, 'x');
  while (client.send(piece, 200ms)) continue;
  const auto taken = time_of([&] {
    rig.proxy.drain();
    CHECK(rig.proxy.wait() == 0);
  });
  CHECK(taken < 800ms);  // within drain_timeout and a little, without the backstop of a second
  over = true;
}

TEST_CASE("a drain with nothing to do is over at once, and a second one does no harm") {
  Rig rig;
  rig.proxy.drain();
  rig.proxy.drain();
  CHECK(time_of([&] { CHECK(rig.proxy.wait() == 0); }) < 10s);
}
