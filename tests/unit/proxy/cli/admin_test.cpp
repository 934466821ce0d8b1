// SPDX-License-Identifier: Apache-2.0
// Commands that ask a running admin API.
#include <doctest/doctest.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "tests/unit/proxy/admin/rig.hpp"
#include "tests/unit/proxy/cli/run.hpp"

using namespace fusewire;
using namespace fusewire::testing;

namespace {

// What a command has flushed, to be waited for by another thread.
class Subscriber : public std::stringbuf {
 public:
  bool wait_for(std::string_view part) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return has(flushed_, part); });
  }
  std::string flushed() const {
    const std::lock_guard lock(mutex_);
    return flushed_;
  }
  // As a pipe whose reader has gone.
  void leave() { left_ = true; }

 private:
  int sync() override {
    const std::lock_guard lock(mutex_);
    flushed_ = str();
    changed_.notify_all();
    return left_ ? -1 : 0;
  }
  std::atomic<bool> left_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string flushed_;
};

// Answers every connection with the same text, and ends it.
class OneAnswer {
 public:
  explicit OneAnswer(std::string text) : text_(std::move(text)) {
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    over_ = true;
    asio::io_context io;
    asio::ip::tcp::socket(io).connect(acceptor_.local_endpoint());
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::string heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void serve() {
    while (true) {
      asio::ip::tcp::socket socket = acceptor_.accept();
      if (over_) return;
      boost::system::error_code ignored;
      std::string request;
      read_request(socket, request);
      {
        const std::lock_guard lock(mutex_);
        heard_ += request;
      }
      asio::write(socket, asio::buffer(text_), ignored);
    }
  }

  // Its head; of a TLS client what comes first.
  static void read_request(asio::ip::tcp::socket& socket, std::string& request) {
    boost::system::error_code error;
    std::array<char, 4096> piece;
    while (!error && !has(request, "\r\n\r\n") && !request.starts_with('\x16'))
      request.append(piece.data(), socket.read_some(asio::buffer(piece), error));
  }

  const std::string text_;
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::atomic<bool> over_{false};
  mutable std::mutex mutex_;
  std::string heard_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("status shows the breakers; status --ready says it by a word and its exit status") {
  AdminRig rig;
  const Ran table = fusewire_cli({"status", "--admin", rig.url()});
  CHECK(table.status == 0);
  CHECK(has(table.out, "NAME"));
  CHECK(has(table.out, "orders"));
  CHECK(has(table.out, "users"));
  const Ran ready = fusewire_cli({"status", "--ready", "--admin", rig.url()});
  CHECK(ready.status == 0);
  rig.on_control([&] { rig.control.drain(); });
  const Ran draining = fusewire_cli({"status", "--ready"}, {{"FUSEWIRE_ADMIN", rig.url()}});
  CHECK(draining.status == 1);
  CHECK(ready.out == "ready\n");
  CHECK(draining.out == "not ready: draining\n");
  CHECK((ready.err + draining.err).empty());
}

TEST_CASE("status says which faults are injected, of one breaker those of its upstream") {
  AdminRig rig;
  const auto asked = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "status");
    arguments.insert(arguments.end(), {"--admin", rig.url()});
    return fusewire_cli(arguments).out;
  };
  CHECK_FALSE(has(asked({}), "injected"));
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  rig.on_control([&] {
    rig.control.snapshot()->upstream("orders")->state->faults.set({.abort = 503, .abort_percent = 5, .until = until});
  });
  CHECK(has(asked({}), "faults are injected into orders (status 503 for 5 %; "));
  CHECK(has(asked({"orders"}), "injected"));
  CHECK_FALSE(has(asked({"users"}), "injected"));
  CHECK_FALSE(has(asked({"--json"}), "injected"));
}

TEST_CASE("status of one breaker, and an exit status that says whether something is open") {
  AdminRig rig;
  const auto asked = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "status");
    arguments.insert(arguments.end(), {"--admin", rig.url()});
    return fusewire_cli(arguments);
  };
  const Ran one = asked({"orders"});
  CHECK(one.status == 0);
  CHECK(one.out.starts_with("orders\n  state      closed\n"));
  CHECK_FALSE(has(one.out, "users"));
  const Ran unknown = asked({"nobody"});
  CHECK(unknown.status == 1);
  CHECK(unknown.err == "fusewire: there is no upstream 'nobody'; known: [\"orders\",\"users\"]\n");
  CHECK(asked({"../x"}).status == 2);
  CHECK(asked({"orders", "--ready"}).status == 2);
  CHECK(asked({"--ready", "--exit-code"}).status == 2);
  CHECK(asked({"--exit-code"}).status == 0);
  rig.on_control([&] { rig.trip("orders", std::chrono::steady_clock::now()); });
  CHECK(asked({}).status == 0);
  CHECK(asked({"--exit-code"}).status == 3);
  CHECK(asked({"orders", "--exit-code"}).status == 3);
  CHECK(asked({"users", "--exit-code"}).status == 0);
}

TEST_CASE("status --json prints what the admin API says, with the same exit statuses") {
  AdminRig rig;
  const auto asked = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"status", "--json"});
    arguments.insert(arguments.end(), {"--admin", rig.url()});
    return fusewire_cli(arguments);
  };
  const auto all = boost::json::parse(asked({}).out);
  REQUIRE(all.at("circuit_breakers").as_array().size() == 2);
  CHECK(boost::json::parse(asked({"users"}).out).at("state").as_string() == "closed");
  rig.on_control([&] { rig.trip("orders", std::chrono::steady_clock::now()); });
  const Ran open = asked({"orders", "--exit-code"});
  CHECK(open.status == 3);
  CHECK(std::count(open.out.begin(), open.out.end(), '\n') == 1);
  CHECK(boost::json::parse(open.out).at("state").as_string() == "open");
  CHECK(asked({"--exit-code"}).status == 3);
  CHECK(asked({}).status == 0);
  const Ran unknown = asked({"nobody"});
  CHECK(unknown.status == 1);
  CHECK(unknown.out.empty());
  CHECK(asked({"--ready"}).status == 2);
}

TEST_CASE("force-open of a breaker in shadow mode says that nothing is rejected, and is no success") {
  AdminRig rig(kTwoUpstreams + "defaults: {circuit_breaker: {mode: shadow}}\n");
  const Environment environment = {{"FUSEWIRE_TOKEN", "secret"}, {"FUSEWIRE_ADMIN", rig.url()}};
  const Ran open = fusewire_cli({"force-open", "orders"}, environment);
  CHECK(open.status == 1);
  CHECK(has(open.out, "override forced_open"));
  CHECK(open.err ==
        "fusewire: orders: the breaker's mode is shadow: nothing is rejected, whatever its state or override\n");
  const Ran close = fusewire_cli({"force-close", "orders"}, environment);
  CHECK(close.status == 0);
  CHECK(has(close.err, "nothing is rejected"));
}

TEST_CASE("an https:// admin hears no word of HTTP from one who can't verify it") {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  const std::string url = "https" + server.url().substr(4);
  const Ran ran = fusewire_cli({"status", "--admin", url}, {{"FUSEWIRE_TOKEN", "s3cret"}});
  CHECK(ran.status == 1);
  CHECK(ran.err.starts_with("fusewire: "));
  CHECK_FALSE(has(server.heard(), "Bearer"));
  CHECK_FALSE(has(server.heard(), "GET"));
}

TEST_CASE("--ca is for an https:// admin, and its file must be readable") {
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{"status", "--admin", "http://127.0.0.1:1", "--ca", "/etc/passwd"},
        {"status", "--admin", "https://127.0.0.1:1", "--ca", "/nonexistent"}}) {
    const Ran ran = fusewire_cli(bad);
    CHECK(ran.status == 2);
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  }
}

TEST_CASE("a token that leaves this host unencrypted is warned of") {
  const Environment token = {{"FUSEWIRE_TOKEN", "secret"}};
  const std::string warning = "fusewire: warning: the token goes to http://0.0.0.0:1 unencrypted";
  CHECK(has(fusewire_cli({"status", "--admin", "http://0.0.0.0:1"}, token).err, warning));
  CHECK_FALSE(has(fusewire_cli({"status", "--admin", "http://0.0.0.0:1"}).err, "warning"));
  CHECK_FALSE(has(fusewire_cli({"status", "--admin", "http://127.0.0.1:1"}, token).err, "warning"));
}

TEST_CASE("a change is made with the token of the environment, of a file, or of the configuration") {
  AdminRig rig;
  const auto overridden = [&] {
    return rig.breaker("orders").snapshot(std::chrono::steady_clock::now()).override_state;
  };
  const Ran refused = fusewire_cli({"force-open", "orders", "--admin", rig.url()});
  CHECK(refused.status == 1);
  CHECK(refused.err ==
        "fusewire: an Authorization: Bearer token is needed; give it with --token-file FILE or in FUSEWIRE_TOKEN\n");
  const Ran done =
      fusewire_cli({"force-open", "orders", "--for", "10m", "--admin", rig.url()}, {{"FUSEWIRE_TOKEN", "secret"}});
  CHECK(done.status == 0);
  CHECK(overridden() == breaker::Override::forced_open);
  const File token("secret\n");
  CHECK(fusewire_cli({"release", "orders", "--admin", rig.url(), "--token-file", token.path()}).status == 0);
  CHECK(overridden() == breaker::Override::none);
  const File config(kGood + "admin: {token: secret, address: \"127.0.0.1:" + std::to_string(rig.port) + "\"}\n");
  CHECK(fusewire_cli({"force-close", "orders", "-c", config.path()}).status == 0);
  CHECK(overridden() == breaker::Override::forced_closed);
  CHECK(fusewire_cli({"reset", "orders"}, {{"FUSEWIRE_CONFIG", config.path()}}).status == 0);
  CHECK(overridden() == breaker::Override::none);
}

TEST_CASE("what is wrong with a change is said in one line") {
  AdminRig rig;
  const Environment token = {{"FUSEWIRE_TOKEN", "secret"}, {"FUSEWIRE_ADMIN", rig.url()}};
  const Ran unknown = fusewire_cli({"reset", "nobody"}, token);
  CHECK(unknown.status == 1);
  CHECK(unknown.err == "fusewire: there is no upstream 'nobody'; known: [\"orders\",\"users\"]\n");
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"reset", "../x"},
                                              {"force-open", "orders", "--for", "soon"},
                                              {"status", "--admin", "ftp://x"},
                                              {"status", "--token-file", "/nonexistent"},
                                              {"force-open", "orders", "--for", "0s"},
                                              {"force-open", "orders", "--for", ""}}) {
    const Ran ran = fusewire_cli(bad, token);
    CHECK(ran.status == 2);
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  }
}

TEST_CASE("an admin that does not answer is one clear line") {
  std::uint16_t port = 0;
  {
    AdminRig rig;
    port = rig.port;
  }
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  const Ran ran = fusewire_cli({"status", "--admin", url});
  CHECK(ran.status == 1);
  CHECK(ran.err == "fusewire: the admin at " + url + " does not answer: Connection refused\n");
  const Ran ready = fusewire_cli({"status", "--ready", "--admin", url});
  CHECK(ready.status == 1);
  CHECK(ready.out == "not ready: the admin at " + url + " does not answer: Connection refused\n");
}

TEST_CASE("a file that has turned bad does not make a healthy proxy look ill") {
  AdminRig rig;
  const std::string address = "127.0.0.1:" + std::to_string(rig.port);
  for (const std::string& text : {"nonsense: 1\nadmin: {address: \"" + address + "\", token: secret}\n",
                                  "listen: [\nadmin:\n  address: " + address + "\n  token: secret\nupstreams: }\n"}) {
    const File bad(text);
    for (const Ran& ready : {fusewire_cli({"status", "--ready", "-c", bad.path()}),
                             fusewire_cli({"status", "--ready"}, {{"FUSEWIRE_CONFIG", bad.path()}})}) {
      CHECK(ready.status == 0);
      CHECK(ready.out == "ready\n");
      CHECK(ready.err.starts_with("fusewire: " + bad.path() + ":"));
      CHECK(ready.err.ends_with("; its admin section is used all the same\n"));
    }
    CHECK(fusewire_cli({"force-open", "orders", "-c", bad.path()}).status == 0);
    CHECK(fusewire_cli({"release", "orders"}, {{"FUSEWIRE_CONFIG", bad.path()}}).status == 0);
  }
  const File bad("nonsense: 1\n");
  const Ran given =
      fusewire_cli({"status", "--ready"}, {{"FUSEWIRE_CONFIG", bad.path()}, {"FUSEWIRE_ADMIN", rig.url()}});
  CHECK(given.status == 0);
  CHECK(given.err.empty());
}

TEST_CASE("where a bad file does not tell the admin, reading asks the default address and a change is refused") {
  for (const std::string text : {"nonsense: [", "admin: {address: 9901}\n"}) {
    const File bad(text);
    const Ran ready = fusewire_cli({"status", "--ready", "-c", bad.path()});
    CHECK(ready.err.ends_with("; the admin is sought at its default address\n"));
    const Ran change = fusewire_cli({"reset", "orders", "-c", bad.path()});
    CHECK(change.status == 2);
    CHECK(change.err.starts_with("fusewire: " + bad.path() + ":1:"));
    CHECK(fusewire_cli({"reset", "orders"}, {{"FUSEWIRE_CONFIG", bad.path()}}).status == 2);
  }
}

TEST_CASE("what answers and is not a Fusewire is one clear line") {
  for (const std::string body : {"<html>hello</html>", "{}", "[]", "\"x\""}) {
    for (const std::string status : {"200 OK", "404 Not Found"}) {
      OneAnswer server("HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
      const std::string expected = "fusewire: what answers at " + server.url() + " (with status " +
                                   status.substr(0, 3) + ") is not a Fusewire's admin\n";
      for (const std::vector<std::string>& command :
           {std::vector<std::string>{"status"}, {"events"}, {"events", "--follow"}, {"reset", "orders"}}) {
        std::vector<std::string> arguments = command;
        arguments.insert(arguments.end(), {"--admin", server.url()});
        const Ran ran = fusewire_cli(arguments);
        CHECK(ran.status == 1);
        CHECK(ran.err == expected);
      }
    }
  }
  OneAnswer ssh("SSH-2.0-OpenSSH_9.2\r\n");
  const Ran ran = fusewire_cli({"status", "--admin", ssh.url()});
  CHECK(ran.status == 1);
  CHECK(ran.err ==
        "fusewire: what listens at " + ssh.url() + " does not answer in HTTP: it is not a Fusewire's admin\n");
}

TEST_CASE("a change whose answer lacks something prints no half line") {
  OneAnswer half("HTTP/1.1 200 OK\r\nContent-Length: 18\r\nConnection: close\r\n\r\n{\"state\":\"closed\"}");
  const Ran ran = fusewire_cli({"reset", "orders", "--admin", half.url()});
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(has(ran.err, "is not a Fusewire's admin"));
}

TEST_CASE("what an admin refuses with steers no terminal") {
  OneAnswer sly(
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 32\r\nConnection: "
      "close\r\n\r\n{\"detail\":\"\\u001b[31m\\u009bx\\n\"}");
  const Ran ran = fusewire_cli({"status", "--admin", sly.url()});
  CHECK(has(ran.err, R"(fusewire: \u001b[31m\u009bx\u000a)"));
  CHECK_FALSE(has(ran.err, "\x1b"));
}

TEST_CASE("events are shown, and followed until nobody reads") {
  AdminRig rig;
  rig.on_control([&] { rig.trip("orders", std::chrono::steady_clock::now()); });
  const Ran kept = fusewire_cli({"events", "--admin", rig.url()});
  CHECK(kept.status == 0);
  CHECK(has(kept.out, "  orders  closed -> open: consecutive_failures (5 of 5), for "));

  Subscriber heard;
  std::ostream out(&heard);
  std::ostringstream err;
  auto follower = std::async(std::launch::async, [&] {
    return cli::execute(options({"events", "--follow", "--admin", rig.url()}), {out, err, {}});
  });
  CHECK(heard.wait_for("orders"));
  rig.on_control([&] { rig.trip("users", std::chrono::steady_clock::now()); });
  CHECK(heard.wait_for("users"));
  heard.leave();
  rig.on_control([&] { rig.breaker("users").reset(std::chrono::steady_clock::now()); });
  CHECK(follower.get() == 1);
  CHECK(err.str().empty());
}

TEST_CASE("a follower waits for an admin that goes away, and loses and repeats no event") {
  AdminRig rig;
  Subscriber heard;
  std::ostream out(&heard);
  Subscriber said;
  std::ostream err(&said);
  auto follower = std::async(std::launch::async, [&] {
    return cli::execute(options({"events", "--follow", "--json", "--admin", rig.url()}), {out, err, {}});
  });
  const auto trip = [&](const char* name) {
    rig.on_control([&, name] { rig.trip(name, std::chrono::steady_clock::now()); });
  };
  trip("orders");
  REQUIRE(heard.wait_for("orders"));
  rig.on_control([&] { rig.server.reset(); });
  REQUIRE(said.wait_for("trying again"));
  trip("users");
  config::Address same = AdminRig::any_port();
  same.port = rig.port;
  rig.on_control([&] {
    rig.server = std::make_unique<proxy::admin::AdminServer>(rig.admin_thread, same, proxy::admin::Interface::admin);
  });
  REQUIRE(heard.wait_for("users"));
  rig.on_control([&] { rig.breaker("users").reset(std::chrono::steady_clock::now()); });
  REQUIRE(heard.wait_for("reset"));
  heard.leave();
  rig.on_control([&] { rig.breaker("orders").reset(std::chrono::steady_clock::now()); });
  CHECK(follower.get() == 1);
  CHECK(has(said.flushed(), "fusewire: following again\n"));
  std::istringstream lines(heard.flushed());
  std::uint64_t expected = 0;
  for (std::string line; std::getline(lines, line);) CHECK(boost::json::parse(line).at("id") == ++expected);
  CHECK(expected >= 4);
}

TEST_CASE("a follower of an earlier process is sent all that the present one has") {
  AdminRig rig;
  const std::string instance = rig.control.events().instance();
  for (const char* name : {"orders", "users"})
    rig.on_control([&, name] { rig.trip(name, std::chrono::steady_clock::now()); });
  const auto shown = [&](const std::string& since) {
    const std::string answer = rig.ask("GET /admin/events?since=" + since + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return boost::json::parse(answer.substr(answer.find("\r\n\r\n") + 4)).at("events").as_array().size();
  };
  CHECK(instance.size() == 16);
  CHECK(shown(instance + ".1") == 1);
  CHECK(shown(instance + ".2") == 0);
  CHECK(shown("0123456789abcdef.1") == 2);
  CHECK(shown(instance + ".999") == 2);
  CHECK(has(rig.ask("GET /admin/events?since=" + instance + ". HTTP/1.1\r\nHost: localhost\r\n\r\n"), " 400 "));
}

TEST_CASE("JSON of events and of changes is the admin's own") {
  AdminRig rig;
  rig.on_control([&] { rig.trip("orders", std::chrono::steady_clock::now()); });
  const Ran events = fusewire_cli({"events", "--json", "--admin", rig.url()});
  CHECK(events.status == 0);
  CHECK(std::count(events.out.begin(), events.out.end(), '\n') == 1);
  CHECK(boost::json::parse(events.out).at("to") == "open");
  const Ran change = fusewire_cli({"reset", "orders", "--json", "--admin", rig.url()}, {{"FUSEWIRE_TOKEN", "secret"}});
  CHECK(change.status == 0);
  CHECK(boost::json::parse(change.out).at("state") == "closed");
}

TEST_CASE("status --names is for scripts and completion") {
  AdminRig rig;
  CHECK(fusewire_cli({"status", "--names", "--admin", rig.url()}).out == "orders\nusers\n");
  CHECK(fusewire_cli({"status", "--names", "--json", "--admin", rig.url()}).status == 2);
}

TEST_CASE("colours are on terminals only, and never with NO_COLOR") {
  AdminRig rig;
  rig.on_control([&] { rig.trip("orders", std::chrono::steady_clock::now()); });
  const auto shown = [&](bool terminal, const Environment& environment) {
    std::ostringstream out;
    std::ostringstream err;
    CHECK(cli::execute(options({"status", "--admin", rig.url()}), {out, err, environment, terminal}) == 0);
    return out.str();
  };
  CHECK(has(shown(true, {{"TERM", "xterm"}}), "\x1b[1;31mopen\x1b[0m"));
  CHECK_FALSE(has(shown(true, {{"NO_COLOR", "1"}}), "\x1b"));
  CHECK_FALSE(has(shown(true, {{"TERM", "dumb"}}), "\x1b"));
  CHECK_FALSE(has(shown(false, {}), "\x1b"));
}
