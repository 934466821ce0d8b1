// SPDX-License-Identifier: Apache-2.0
// Listening sockets that nothing looks at but where the test says so: acceptor and workers run on its thread.
#include "proxy/server/acceptor.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "tests/unit/proxy/control/control_rig.hpp"
#include "tests/unit/proxy/net/few_descriptors.hpp"

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

std::string path_of(const std::string& name) {
  return "/tmp/fusewire-acceptor-" + std::to_string(::getpid()) + "-" + name;
}
bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}
int listen_at(const std::string& path) {
  const sockaddr_un where = unix_address(path);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::unlink(path.c_str());
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(socket, 64) == 0);
  return socket;
}

// What a client asks for at /busy keeps its connection in use; it is answered 404 at once about all else.
constexpr std::string_view kBusy = "GET /busy HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kUnknown = "GET /unknown HTTP/1.1\r\nHost: h\r\n\r\n";

// One client's connection, which is made at once: by the kernel.
class Client {
 public:
  explicit Client(const std::string& path, std::string_view says = {})
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const sockaddr_un where = unix_address(path);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
    if (!says.empty()) say(says);
  }
  ~Client() { leave(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void say(std::string_view bytes) {
    REQUIRE(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  void leave() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  bool is_connected() const { return connected_; }
  // The first line of what it has got since it was asked last, without its version; empty: it has got nothing.
  std::string answer() {
    char bytes[4096];
    const ssize_t n = ::recv(socket_, bytes, sizeof bytes, 0);
    const std::string_view got(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
    return std::string(got.substr(std::min<std::size_t>(9, got.size()), 3));
  }
  bool is_hung_up_on() const {
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_PEEK) == 0 || errno == ECONNRESET;
  }

 private:
  int socket_;
  bool connected_ = false;
};

// One configuration. Its upstream takes connections and never answers.
struct Setting {
  struct Listener {
    std::string name;
    std::string address;
    std::string limits = {};
  };
  Setting(std::initializer_list<Listener> listeners) : rig(text(listeners)), snapshot(rig.control.snapshot()) {}

  static std::string text(std::initializer_list<Listener> listeners) {
    std::string all = "log: {level: off, access: off}\nlisteners:\n";
    for (const Listener& one : listeners)
      all += "  - {name: " + one.name + ", address: \"" + one.address + "\", limits: {" + one.limits +
             "}, routes: [{match: {path: /busy}, upstream: orders}]}\n";
    return all + "upstreams:\n  orders: {endpoints: [\"unix:" + path_of("upstream") + "\"]}\n";
  }
  // By all workers, of clients of that listener.
  std::uint64_t answered(std::size_t listener = 0) const {
    return snapshot->listeners[listener]->unrouted_cells->sum(
        [](const TrafficCells& cells) { return cells.by_class[3].value(); });
  }

  testing::ControlRig rig;
  std::shared_ptr<const Snapshot> snapshot;
};

struct Rig {
  Rig() {
    for (std::size_t i = 0; i < cells.size(); ++i) workers.push_back(std::make_unique<Worker>(i, cells.of(i), dns));
  }
  ~Rig() {
    acceptor.close();
    clients.clear();
    settle();
    for (const auto& worker : workers) CHECK(worker->context().connections().empty());
    dns.stop();
    ::close(upstream);
    ::unlink(path_of("upstream").c_str());
  }

  std::string prepare(const Setting& next) { return acceptor.prepare(*next.snapshot, names, passed); }
  void publish(const Setting& next) {
    for (const auto& worker : workers) worker->publish(next.snapshot);
  }
  // All that the server does to take a configuration.
  void take(const Setting& next) {
    REQUIRE(prepare(next) == "");
    acceptor.hold();
    publish(next);
    acceptor.commit(*next.snapshot);
    settle();
  }
  void settle() {
    for (int rounds = 0; rounds < 10; ++rounds) {
      acceptor.turn();
      for (const auto& worker : workers) worker->context().loop().turn(Time{});
    }
  }
  Client& comes(const std::string& where, std::string_view says = {}) {
    Client& client = clients.emplace_back(where, says);
    settle();
    return client;
  }
  void leaves(Client& client) {
    client.leave();
    settle();
  }
  std::size_t open(std::size_t worker) { return workers[worker]->context().connections().size(); }
  std::size_t open() { return open(0) + open(1); }

  const int upstream = listen_at(path_of("upstream"));
  const std::string path = path_of("in");
  PerWorker<WorkerCells> cells{2};
  DnsCache dns{resolve, [](const ResolvedName&) {}};
  asio::io_context control;
  ListenNames names{control};
  PassedSockets passed;
  std::vector<std::unique_ptr<Worker>> workers;
  Acceptor acceptor{workers};
  std::deque<Client> clients;
};

}  // namespace

// ------------------------------------------------------------------------------------------------------ accepting

TEST_CASE("what comes to a new listener waits until its configuration is taken, and is served then") {
  Rig rig;
  const Setting setting{{"main", "unix:" + rig.path}};
  REQUIRE(rig.prepare(setting) == "");
  Client& client = rig.comes(rig.path, kUnknown);
  CHECK(client.is_connected());
  CHECK(rig.open() == 0);
  rig.acceptor.hold();
  rig.publish(setting);
  rig.acceptor.commit(*setting.snapshot);
  rig.settle();
  CHECK(client.answer() == "404");
}

TEST_CASE("connections go to the workers in turn") {
  Rig rig;
  const Setting setting{{"main", "unix:" + rig.path}};
  rig.take(setting);
  for (int i = 0; i < 6; ++i) rig.comes(rig.path);
  CHECK(rig.open(0) == 3);
  CHECK(rig.open(1) == 3);
}

TEST_CASE("a listener's address is shown with the port that the kernel has given it") {
  Rig rig;
  const Setting setting{{"main", "127.0.0.1:0"}, {"local", "unix:" + rig.path}};
  rig.take(setting);
  const std::uint16_t port = rig.acceptor.port("main");
  CHECK(port != 0);
  CHECK(rig.acceptor.port("local") == 0);
  CHECK(rig.acceptor.port("unknown") == 0);
  CHECK(rig.acceptor.addresses() == std::vector<std::pair<std::string, std::string>>{
                                        {"local", "unix:" + rig.path}, {"main", "127.0.0.1:" + std::to_string(port)}});
}

// ------------------------------------------------------------------------------------------------------ no room

TEST_CASE("clients beyond a listener's limit hear that it is full, and beyond some of these they are hung up on") {
  Rig rig;
  const Setting setting{{"main", "unix:" + rig.path, "max_connections: 1, when_full: refuse"}};
  rig.take(setting);
  rig.comes(rig.path, kBusy);
  for (int i = 0; i < 16; ++i) CHECK_FALSE(rig.comes(rig.path).is_hung_up_on());
  CHECK(rig.open() == 17);
  CHECK(rig.comes(rig.path).is_hung_up_on());
  rig.clients[1].say(kUnknown);
  rig.settle();
  CHECK(rig.clients[1].answer() == "503");
}

TEST_CASE("where clients are to wait at a full listener, each that leaves lets one in") {
  Rig rig;
  const Setting setting{{"main", "unix:" + rig.path, "max_connections: 1, when_full: wait"}};
  rig.take(setting);
  Client& first = rig.comes(rig.path, kBusy);
  Client& second = rig.comes(rig.path, kUnknown);
  Client& third = rig.comes(rig.path, kUnknown);
  CHECK(rig.open() == 1);
  CHECK(second.answer() == "");
  rig.leaves(first);
  CHECK(second.answer() == "404");
  rig.leaves(second);
  CHECK(third.answer() == "404");
}

TEST_CASE("at a full listener an idle client gives way to one that comes") {
  Rig rig;
  const Setting setting{{"main", "unix:" + rig.path, "max_connections: 2, when_full: refuse"}};
  rig.take(setting);
  Client& busy = rig.comes(rig.path, kBusy);
  Client& idle = rig.comes(rig.path, kUnknown);
  CHECK(idle.answer() == "404");
  Client& next = rig.comes(rig.path, kUnknown);
  CHECK(idle.is_hung_up_on());
  CHECK(next.answer() == "404");
  CHECK_FALSE(busy.is_hung_up_on());
}

TEST_CASE("a full listener keeps no client of another one waiting") {
  Rig rig;
  const std::string other = path_of("other");
  const Setting setting{{"main", "unix:" + rig.path, "max_connections: 1, when_full: wait"},
                        {"other", "unix:" + other}};
  rig.take(setting);
  rig.comes(rig.path, kBusy);
  rig.comes(rig.path, kUnknown);
  CHECK(rig.comes(other, kUnknown).answer() == "404");
}

TEST_CASE("where no descriptor is left, the idle client that has waited longest gives way, of whichever listener") {
  Rig rig;
  const std::string other = path_of("other");
  const Setting setting{{"main", "unix:" + rig.path}, {"other", "unix:" + other}};
  rig.take(setting);
  Client& longest = rig.comes(other, kUnknown);
  Client& shorter = rig.comes(rig.path, kUnknown);
  CHECK(longest.answer() == "404");
  CHECK(shorter.answer() == "404");
  Client& next = rig.clients.emplace_back(rig.path, kUnknown);
  {
    const testing::FewDescriptors none(0);
    rig.settle();
  }
  CHECK(longest.is_hung_up_on());
  CHECK(next.answer() == "404");
  CHECK_FALSE(shorter.is_hung_up_on());
}

// ------------------------------------------------------------------------------------------------------ a reload

TEST_CASE("a socket goes on under another name, and what comes meanwhile is served under that") {
  Rig rig;
  const Setting before{{"before", "unix:" + rig.path}};
  const Setting after{{"after", "unix:" + rig.path}};
  rig.take(before);
  CHECK(rig.acceptor.is_open(*after.snapshot->listeners.front()->config));
  REQUIRE(rig.prepare(after) == "");
  rig.acceptor.hold();
  Client& client = rig.comes(rig.path, kUnknown);
  CHECK(rig.open() == 0);
  rig.publish(after);
  rig.acceptor.commit(*after.snapshot);
  rig.settle();
  CHECK(client.answer() == "404");
  CHECK(before.answered() == 0);
  CHECK(after.answered() == 1);
}

TEST_CASE("what is queued at a socket that goes is served by the old configuration, and nobody else gets in") {
  Rig rig;
  const std::string gone = path_of("gone");
  const Setting before{{"main", "unix:" + rig.path}, {"gone", "unix:" + gone}};
  const Setting after{{"main", "unix:" + rig.path}};
  rig.take(before);
  Client& queued = rig.clients.emplace_back(gone, kUnknown);
  REQUIRE(rig.prepare(after) == "");
  rig.acceptor.hold();
  CHECK_FALSE(exists(gone));
  rig.publish(after);
  rig.acceptor.commit(*after.snapshot);
  rig.settle();
  CHECK(queued.answer() == "404");
  CHECK(before.answered(1) == 1);
  CHECK_FALSE(rig.comes(gone).is_connected());
  CHECK(rig.comes(rig.path, kUnknown).answer() == "404");
}

TEST_CASE("where one socket can't be opened, one line says which, and all stay as they were") {
  Rig rig;
  const std::string fine = path_of("fine");
  const Setting before{{"main", "unix:" + rig.path}};
  const Setting after{{"fine", "unix:" + fine}, {"impossible", "unix:/nowhere/in.sock"}};
  rig.take(before);
  CHECK(rig.prepare(after) == "listener impossible: cannot listen on unix:/nowhere/in.sock: No such file or directory");
  CHECK_FALSE(exists(fine));
  CHECK(rig.comes(rig.path, kUnknown).answer() == "404");
}

TEST_CASE("a configuration that is not taken after all leaves nothing open of what was new in it") {
  Rig rig;
  const std::string fine = path_of("fine");
  const Setting before{{"main", "unix:" + rig.path}};
  const Setting after{{"main", "unix:" + rig.path}, {"fine", "unix:" + fine}};
  rig.take(before);
  REQUIRE(rig.prepare(after) == "");
  CHECK(exists(fine));
  rig.acceptor.discard();
  CHECK_FALSE(exists(fine));
  CHECK(rig.comes(rig.path, kUnknown).answer() == "404");
}

TEST_CASE("a listener on any port keeps its port as long as it keeps its name") {
  Rig rig;
  const Setting before{{"main", "127.0.0.1:0"}};
  const Setting same{{"main", "127.0.0.1:0"}, {"local", "unix:" + rig.path}};
  const Setting renamed{{"other", "127.0.0.1:0"}};
  rig.take(before);
  const std::uint16_t port = rig.acceptor.port("main");
  rig.take(same);
  CHECK(rig.acceptor.port("main") == port);
  rig.take(renamed);
  CHECK(rig.acceptor.port("main") == 0);
  CHECK(rig.acceptor.port("other") != port);
}

TEST_CASE("a listener that moves to another address of its port takes it over before the old socket goes") {
  Rig rig;
  const Setting before{{"main", "127.0.0.1:0"}};
  rig.take(before);
  const std::uint16_t port = rig.acceptor.port("main");
  const Setting after{{"main", "0.0.0.0:" + std::to_string(port)}};
  rig.take(after);
  CHECK(rig.acceptor.port("main") == port);
  CHECK(rig.acceptor.addresses().front().second == "0.0.0.0:" + std::to_string(port));
}

TEST_CASE("clients that wait at a full listener are let in by a configuration with more room") {
  Rig rig;
  const Setting before{{"main", "unix:" + rig.path, "max_connections: 1, when_full: wait"}};
  const Setting after{{"main", "unix:" + rig.path, "max_connections: 2, when_full: wait"}};
  rig.take(before);
  rig.comes(rig.path, kBusy);
  Client& waits = rig.comes(rig.path, kUnknown);
  CHECK(waits.answer() == "");
  rig.take(after);
  CHECK(waits.answer() == "404");
}

// ------------------------------------------------------------------------------------------------------ the end

TEST_CASE("when the acceptor closes, those who wait at a full listener are served, beyond its limit") {
  Rig rig;
  const Setting setting{{"main", "unix:" + rig.path, "max_connections: 1, when_full: wait"}};
  rig.take(setting);
  rig.comes(rig.path, kBusy);
  std::vector<Client*> wait;
  for (int i = 0; i < 30; ++i) wait.push_back(&rig.comes(rig.path, kUnknown));
  rig.acceptor.close();
  rig.settle();
  for (Client* const client : wait) CHECK(client->answer() == "404");
  CHECK_FALSE(exists(rig.path));
}

TEST_CASE("those beyond a full listener's limit take no descriptor that others need when the acceptor closes") {
  Rig rig;
  const Setting setting{{"main", "unix:" + rig.path, "max_connections: 1, when_full: wait"}};
  rig.take(setting);
  rig.comes(rig.path, kBusy);
  std::vector<Client*> wait;
  for (int i = 0; i < 10; ++i) wait.push_back(&rig.comes(rig.path, kUnknown));
  {
    const testing::FewDescriptors few(15);
    rig.acceptor.close();
    rig.settle();
  }
  const auto heard = [](Client* client) { return client->answer() == "503"; };
  CHECK(std::count_if(wait.begin(), wait.end(), heard) >= 9);  // it is the first that shows that few are left
}

TEST_CASE("a socket that was passed serves what is queued, and stays as it is for the next process") {
  Rig rig;
  const int manager = listen_at(rig.path);
  PassedSockets passed({.pid = std::to_string(::getpid()), .fds = "1", .names = ""}, ::dup(manager));
  const Setting setting{{"main", "unix:" + rig.path}};
  REQUIRE(rig.acceptor.prepare(*setting.snapshot, rig.names, passed) == "");
  CHECK(passed.empty());
  rig.acceptor.hold();
  rig.publish(setting);
  rig.acceptor.commit(*setting.snapshot);
  rig.settle();
  Client& queued = rig.clients.emplace_back(rig.path, kUnknown);
  rig.acceptor.close();
  Client& later = rig.comes(rig.path, kUnknown);
  CHECK(queued.answer() == "404");
  CHECK(later.is_connected());
  CHECK(later.answer() == "");
  ::close(manager);
  ::unlink(rig.path.c_str());
}
