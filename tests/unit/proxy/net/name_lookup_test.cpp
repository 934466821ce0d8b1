// SPDX-License-Identifier: Apache-2.0
#include "proxy/net/name_lookup.hpp"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

// A resolver whose names beginning with "slow" hang until they are let go; it outlives the rig's threads.
struct Resolving {
  std::promise<void> go;
  std::shared_future<void> gone = go.get_future().share();
  std::mutex mutex;  // guards the rest
  std::map<std::string, int> asked;

  Resolved answer(const std::string& host) {
    {
      const std::lock_guard lock(mutex);
      ++asked[host];
    }
    if (host.starts_with("slow")) gone.wait();
    return {.addresses = {asio::ip::tcp::endpoint(asio::ip::make_address("10.0.0.1"), 80)}, .error = {}, .cut = false};
  }
  int times(const std::string& host) {
    const std::lock_guard lock(mutex);
    return asked[host];
  }
};

struct Rig {
  asio::io_context io;
  std::shared_ptr<Resolving> resolving = std::make_shared<Resolving>();
  NameLookup names{io, [how = resolving](const std::string& host, std::uint16_t) { return how->answer(host); }};
  std::map<std::string, std::vector<Resolved>> found;

  void find(const std::string& host, std::chrono::milliseconds within) {
    config::Address address;
    address.host = host;
    address.port = 80;
    asio::co_spawn(
        io,
        [](Rig& rig, config::Address wanted, std::chrono::steady_clock::time_point until) -> AsioTask<void> {
          const std::string name = wanted.host;
          rig.found[name].push_back(co_await rig.names.find(std::move(wanted), until));
        }(*this, address, std::chrono::steady_clock::now() + within),
        asio::detached);
  }
  void run() {
    io.run();
    io.restart();
  }
};

}  // namespace

TEST_CASE("a name that hangs costs one thread, however often it is asked for, and all who wait are answered") {
  Rig rig;
  for (int i = 0; i < 200; ++i) rig.find("slow", 1ms);
  rig.run();
  REQUIRE(rig.found["slow"].size() == 200);
  for (const Resolved& each : rig.found["slow"]) CHECK(each.error == "the look-up of the name takes too long");
  rig.find("quick", 1h);
  rig.find("slow", 1h);
  rig.find("slow", 1h);
  rig.io.poll();  // all three have asked
  rig.resolving->go.set_value();
  rig.run();
  CHECK(rig.found["quick"].at(0).addresses.size() == 1);
  CHECK(rig.found["slow"].at(200).addresses.size() == 1);
  CHECK(rig.found["slow"].at(201).addresses.size() == 1);
  CHECK(rig.resolving->times("slow") == 1);
  rig.find("slow", 1h);  // the last look-up has ended
  rig.run();
  CHECK(rig.resolving->times("slow") == 2);
}

TEST_CASE("there are so many look-ups at a time, and one more name is not found") {
  Rig rig;
  for (std::size_t i = 0; i < NameLookup::kMaxThreads; ++i) rig.find("slow" + std::to_string(i), 1h);
  rig.find("another", 1h);
  rig.find("slow0", 1h);  // that one is being looked up
  rig.io.poll();
  CHECK(rig.found["another"].at(0).error == "no thread is free to look it up");
  rig.resolving->go.set_value();
  rig.run();
  CHECK(rig.found["slow0"].size() == 2);
  CHECK(rig.found["slow0"].at(1).addresses.size() == 1);
}

TEST_CASE("an address is no name") {
  Rig rig;
  rig.find("10.1.2.3", 1h);
  rig.run();
  CHECK(rig.found["10.1.2.3"].at(0).addresses.size() == 1);
  CHECK(rig.resolving->times("10.1.2.3") == 0);
}

TEST_CASE("a look-up may end after those who asked, and after the one that they asked") {
  const auto resolving = std::make_shared<Resolving>();
  {
    asio::io_context io;
    NameLookup names{io, [resolving](const std::string& host, std::uint16_t) { return resolving->answer(host); }};
    config::Address address;
    address.host = "slow";
    asio::co_spawn(io, names.find(address, std::chrono::steady_clock::now() + 1h), asio::detached);
    io.poll();
  }
  CHECK(resolving.use_count() > 1);  // the thread's
  resolving->go.set_value();
  while (resolving.use_count() > 1) std::this_thread::yield();
  CHECK(resolving->times("slow") == 1);
}
