// SPDX-License-Identifier: Apache-2.0
// Read buffers: what is held stays where it is, no byte is lost.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "proxy/net/buffer.hpp"

using namespace fusewire::proxy;

namespace {

void read(ReadBuffer& buffer, std::string_view text) {
  const auto [memory, room] = buffer.begin_read();
  REQUIRE(room >= text.size());
  std::memcpy(memory, text.data(), text.size());
  buffer.end_read(text.size());
}

}  // namespace

TEST_CASE("bytes come out in the order they came in") {
  BufferPool pool;
  ReadBuffer buffer(pool);
  CHECK(buffer.empty());
  CHECK(buffer.view() == "");
  read(buffer, "hello ");
  read(buffer, "world");
  CHECK(buffer.view() == "hello world");
  buffer.consume(6);
  CHECK(buffer.view() == "world");
  CHECK(buffer.size() == 5);
  buffer.consume(5);
  CHECK(buffer.empty());
}

TEST_CASE("buffers that were needed lately are kept, those that were not are freed but for a few") {
  constexpr std::size_t kMany = 2 * BufferPool::kKept;
  BufferPool pool;
  const auto use = [&](std::size_t count) {
    std::vector<std::unique_ptr<char[]>> taken;
    for (std::size_t i = 0; i < count; ++i) taken.push_back(pool.take());
    for (auto& memory : taken) pool.give_back(std::move(memory));
  };
  use(kMany);
  pool.trim();
  CHECK(pool.free() == kMany);
  use(kMany - 10);
  pool.trim();
  CHECK(pool.free() == kMany - 10);
  use(1);
  pool.trim();
  CHECK(pool.free() == BufferPool::kKept);
  pool.trim();
  CHECK(pool.free() == BufferPool::kKept);
}

TEST_CASE("what is held keeps its place while the rest comes and goes") {
  BufferPool pool;
  ReadBuffer buffer(pool);
  read(buffer, "HEADbody1");
  const std::string_view head = buffer.view().substr(0, 4);
  buffer.hold(4);
  CHECK(buffer.view() == "body1");
  for (int i = 0; i < 100'000; ++i) {
    buffer.consume(buffer.size());
    read(buffer, "body2");
  }
  CHECK(head == "HEAD");
  CHECK(buffer.view() == "body2");
  buffer.consume(2);
  buffer.compact();
  CHECK(head == "HEAD");
  CHECK(buffer.view() == "dy2");
  CHECK(buffer.data() == head.data() + 4);
  buffer.release();
  CHECK(buffer.view() == "dy2");
  buffer.compact();
  CHECK(buffer.data() == head.data());
  CHECK(buffer.view() == "dy2");
}

TEST_CASE("a second hold extends the first") {
  BufferPool pool;
  ReadBuffer buffer(pool);
  read(buffer, "HEADbodynext");
  const std::string_view message = buffer.view().substr(0, 8);
  buffer.hold(4);
  buffer.hold(4);
  buffer.compact();
  read(buffer, " one");
  CHECK(message == "HEADbody");
  CHECK(buffer.view() == "next one");
}

TEST_CASE("room that was made is there when the read comes, whatever was used meanwhile") {
  BufferPool pool;
  ReadBuffer buffer(pool);
  read(buffer, "abcdef");
  REQUIRE(buffer.make_room());
  const char* const before = buffer.data();
  buffer.consume(3);
  read(buffer, "ghi");
  CHECK(buffer.data() == before + 3);
  CHECK(buffer.view() == "defghi");
}

TEST_CASE("a full buffer has no room, and gets it back as its bytes are used") {
  BufferPool pool;
  ReadBuffer buffer(pool);
  read(buffer, std::string(BufferPool::kSize, 'x'));
  CHECK_FALSE(buffer.make_room());
  buffer.consume(100);
  CHECK(buffer.make_room());
  const auto [memory, room] = buffer.begin_read();
  CHECK(room == 100);
  buffer.end_read(0);
  CHECK(buffer.size() == BufferPool::kSize - 100);
  buffer.hold(1000);
  buffer.consume(buffer.size());
  CHECK(buffer.begin_read().second == BufferPool::kSize - 1000);
  buffer.end_read(0);
}

TEST_CASE("memory goes back to the pool when there is nothing in it, and the next buffer takes it") {
  BufferPool pool;
  ReadBuffer first(pool);
  read(first, "x");
  const char* const memory = first.data();
  first.shrink();
  CHECK(first.view() == "x");
  first.consume(1);
  first.shrink();
  first.shrink();
  ReadBuffer second(pool);
  read(second, "y");
  CHECK(second.data() == memory);
  read(first, "z");
  CHECK(first.data() != memory);
  second.hold(1);
  second.shrink();
  CHECK(second.data() == memory + 1);
}

TEST_CASE("a buffer grows with what is in it, and is one of the pool's again when it is empty") {
  BufferPool pool;
  ReadBuffer buffer(pool);
  const std::string text(BufferPool::kSize, 'x');
  read(buffer, text);
  CHECK(buffer.grow(2 * BufferPool::kSize));
  CHECK(pool.free() == 1);
  CHECK(buffer.view() == text);
  CHECK_FALSE(buffer.grow(2 * BufferPool::kSize));
  REQUIRE(buffer.make_room());
  read(buffer, text);
  CHECK(buffer.view() == text + text);
  CHECK_FALSE(buffer.make_room());
  buffer.consume(buffer.size());
  buffer.shrink();
  CHECK(pool.free() == 1);
  CHECK(buffer.begin_read().second == BufferPool::kSize);
  buffer.end_read(0);
}

TEST_CASE("a random walk of reads, holds and uses loses and invents nothing") {
  std::mt19937 dice(7);
  const auto below = [&](std::size_t n) { return dice() % n; };
  BufferPool pool;
  ReadBuffer buffer(pool);
  std::string expected;
  std::string held;
  std::string_view held_view;
  char next = 'a';
  for (int step = 0; step < 20'000; ++step) {
    switch (below(6)) {
      case 0:
      case 1: {
        std::string text(below(5000), next = static_cast<char>(next == 'z' ? 'a' : next + 1));
        if (!buffer.make_room()) break;
        const auto [memory, room] = buffer.begin_read();
        text.resize(std::min(text.size(), room));
        if (!text.empty()) std::memcpy(memory, text.data(), text.size());
        buffer.end_read(text.size());
        expected += text;
        break;
      }
      case 2: {
        const std::size_t used = below(buffer.size() + 1);
        buffer.consume(used);
        expected.erase(0, used);
        break;
      }
      case 3:
        buffer.compact();
        break;
      case 4:
        if (held.empty() && !buffer.empty()) {
          buffer.compact();
          const std::size_t n = 1 + below(buffer.size());
          held_view = buffer.view().substr(0, n);
          held = held_view;
          buffer.hold(n);
          expected.erase(0, n);
        }
        break;
      default:
        buffer.release();
        held.clear();
        held_view = {};
        if (below(2) == 0) buffer.shrink();
        break;
    }
    REQUIRE(held_view == held);
    REQUIRE(buffer.view() == expected);
  }
}
