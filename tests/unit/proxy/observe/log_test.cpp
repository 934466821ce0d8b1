// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <thread>
#include <vector>

using namespace fusewire::proxy;
using namespace fusewire;
using namespace std::chrono_literals;

namespace {

class Pipe {
 public:
  Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  int writer() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
  }
  // All that is in it; call after log::stop().
  std::string read_all() {
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t n = 0; (n = ::read(ends_[0], piece.data(), piece.size())) > 0;)
      all.append(piece.data(), static_cast<std::size_t>(n));
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

// On a busy machine the writing thread may still be giving up lines when stop() has come back.
bool dropped_becomes(std::uint64_t wanted) {
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (log::dropped() != wanted && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return log::dropped() == wanted;
}

std::vector<boost::json::object> lines_of(const std::string& text) {
  std::vector<boost::json::object> lines;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    lines.push_back(boost::json::parse(text.substr(at, end - at)).as_object());
  return lines;
}

}  // namespace

TEST_CASE("a line is a JSON object with what was said") {
  Pipe pipe;
  log::start({}, pipe.writer());
  log::info("hello", {{"name", "or\"ders"}, {"n", std::int64_t{7}}, {"ratio", 0.5}, {"on", true}});
  log::stop();
  const auto lines = lines_of(pipe.read_all());
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("level").as_string() == "info");
  CHECK(lines[0].at("message").as_string() == "hello");
  CHECK(lines[0].at("name").as_string() == "or\"ders");
  CHECK(lines[0].at("n").as_int64() == 7);
  CHECK(lines[0].at("ratio").as_double() == 0.5);
  CHECK(lines[0].at("on").as_bool());
}

TEST_CASE("level and format may change while it runs") {
  Pipe pipe;
  log::start({.level = config::LogLevel::warn}, pipe.writer());
  log::info("unheard");
  log::warn("first");
  log::configure({.level = config::LogLevel::info, .format = config::LogFormat::text});
  log::info("second");
  log::configure({.level = config::LogLevel::off});
  log::error("unheard");
  CHECK(log::write_lines("unheard\n", 1));
  log::configure({});
  log::stop();
  const std::string text = pipe.read_all();
  CHECK(text.find("unheard") == std::string::npos);
  CHECK(text.find("\"message\":\"first\"") != std::string::npos);
  CHECK(text.find("info  second\n") != std::string::npos);
}

TEST_CASE("batches keep their order among the lines and arrive whole") {
  Pipe pipe;
  log::start({}, pipe.writer());
  std::string batch;
  for (int i = 0; i < 100; ++i) batch += "{\"i\":" + std::to_string(i) + "}\n";
  CHECK(log::write_lines(std::string(batch), 100));
  log::info("after");
  log::stop();
  const auto lines = lines_of(pipe.read_all());
  REQUIRE(lines.size() == 101);
  CHECK(lines[99].at("i").as_int64() == 99);
  CHECK(lines[100].at("message").as_string() == "after");
}

TEST_CASE("a blocked standard output stops nobody: lines are dropped and counted, and stop() comes back") {
  Pipe pipe;  // 64 KiB, and nobody reads
  const std::uint64_t before = log::dropped();
  log::start({}, pipe.writer());
  const auto begin = std::chrono::steady_clock::now();
  constexpr std::uint64_t kBatches = 2000;
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < kBatches; ++i) refused += log::write_lines(std::string(8191, 'x') + '\n', 1) ? 0 : 1;
  CHECK(refused > kBatches / 2);
  CHECK(log::dropped() - before == refused);
  log::info("one more");  // dropped too: the queue is full
  CHECK(log::dropped() - before == refused + 1);
  log::stop();
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  // Every line was written or counted; the one that was cut in the middle is counted.
  const std::string written = pipe.read_all();
  const auto whole = static_cast<std::uint64_t>(std::count(written.begin(), written.end(), '\n'));
  CHECK(dropped_becomes(before + kBatches + 1 - whole));
}

TEST_CASE("a reader that goes away costs the lines, not the process") {
  const std::uint64_t before = log::dropped();
  Pipe pipe;
  pipe.close_reader();
  log::start({}, pipe.writer());
  for (int i = 0; i < 10; ++i) log::info("to nobody");
  log::stop();
  CHECK(log::dropped() - before == 10);
}

TEST_CASE("without a logger a batch is lost and counted") {
  const std::uint64_t before = log::dropped();
  CHECK_FALSE(log::write_lines("x\ny\n", 2));
  CHECK(log::dropped() - before == 2);
}

TEST_CASE("many threads may log at once, and while the level changes") {
  Pipe pipe;
  const std::uint64_t before = log::dropped();
  log::start({}, pipe.writer());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) log::info("line", {{"i", std::int64_t{i}}});
    });
  for (int i = 0; i < 100; ++i) log::configure({});
  for (auto& thread : threads) thread.join();
  log::stop();
  CHECK(lines_of(pipe.read_all()).size() + (log::dropped() - before) == 400);
}
