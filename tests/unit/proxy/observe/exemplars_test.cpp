// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/exemplars.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "proxy/observe/cells.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace std::chrono_literals;

namespace {

// All of it follows from one number, so that a mixture of two shows.
Exemplar of_number(std::uint64_t n) {
  Exemplar made{
      .trace_id = {}, .span = n, .taken = std::chrono::nanoseconds(n), .at = WallTime(std::chrono::nanoseconds(n))};
  made.trace_id.fill(static_cast<char>('a' + n % 26));
  return made;
}
bool is_whole(const Exemplar& read) {
  const Exemplar wanted = of_number(read.span);
  return read.trace_id == wanted.trace_id && read.taken == wanted.taken && read.at == wanted.at;
}

}  // namespace

TEST_CASE("an exemplar is kept for the bucket that its duration was counted in, and the latest stays") {
  DurationCells cells;
  for (std::size_t i = 0; i <= DurationCells::kBounds.size(); ++i) CHECK_FALSE(cells.exemplar(i).has_value());
  cells.keep_exemplar(of_number(1'000'000));  // 1 ms, the second bound itself
  cells.keep_exemplar(of_number(1'000'001));
  cells.keep_exemplar(of_number(2'000'000));
  CHECK_FALSE(cells.exemplar(0).has_value());
  REQUIRE(cells.exemplar(1).has_value());
  CHECK(cells.exemplar(1)->span == 1'000'000);
  REQUIRE(cells.exemplar(2).has_value());
  CHECK(cells.exemplar(2)->span == 2'000'000);
  CHECK(is_whole(*cells.exemplar(2)));
  CHECK(cells.bucket(2) == 0);  // counting is observe()'s
}

TEST_CASE("a reader never sees a mixture of two exemplars, and sees new ones") {
  ExemplarCell cell;
  CHECK_FALSE(cell.get().has_value());
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (std::uint64_t n = 1; !over.load(std::memory_order_relaxed); ++n) cell.set(of_number(n));
  });
  std::uint64_t last = 0;
  int seen = 0, mixed = 0, older = 0;
  for (int tries = 0; seen < 20'000 && tries < 50'000'000; ++tries) {
    const auto read = cell.get();
    if (!read) continue;
    ++seen;
    if (!is_whole(*read)) ++mixed;
    if (read->span < last) ++older;
    last = read->span;
  }
  over = true;
  writer.join();
  CHECK(seen > 0);
  CHECK(mixed == 0);
  CHECK(older == 0);
}
