// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cmath>

#include "proxy/admin/dashboard/history.hpp"

using namespace std::chrono_literals;
using fusewire::proxy::admin::dashboard::append_figure;
using fusewire::proxy::admin::dashboard::Counters;
using fusewire::proxy::admin::dashboard::History;
using fusewire::proxy::admin::dashboard::Sample;

namespace {

struct Book {
  History history;
  History::Time now{};

  // The next round, an interval after the last.
  void round(const Counters& orders) {
    REQUIRE(history.begin(now));
    history.add("orders", orders);
    history.end();
    now += History::kInterval;
  }
  float last(Sample::Figure figure) const { return history.latest("orders")->figures[figure]; }
};

std::string text(float figure) {
  std::string out;
  append_figure(out, figure);
  return out;
}

}  // namespace

TEST_CASE("a sample is what happened between two readings, a second") {
  Book book;
  Counters counters;
  counters.failures = 100;  // of the time before
  book.round(counters);
  CHECK_FALSE(book.history.latest("orders"));
  counters.failures += 4;
  counters.rejected += 10;
  counters.stale += 6;
  counters.fallbacks += 8;
  counters.durations[1] += 20;  // above 0.5 ms, up to 1 ms
  book.round(counters);
  CHECK(book.last(Sample::requests) == doctest::Approx(15));
  CHECK(book.last(Sample::failures) == doctest::Approx(2));
  CHECK(book.last(Sample::rejected) == doctest::Approx(5));
  CHECK(book.last(Sample::stale) == doctest::Approx(3));
  CHECK(book.last(Sample::fallbacks) == doctest::Approx(4));
  CHECK(book.last(Sample::p50) == doctest::Approx(0.75));
  CHECK(book.history.number() == 2);
}

TEST_CASE("where no call has ended there is no percentile, and it is written as null") {
  Book book;
  book.round({});
  book.round({});
  CHECK(std::isnan(book.last(Sample::p99)));
  CHECK(text(book.last(Sample::p99)) == "null");
  CHECK(text(0) == "0");
  CHECK(text(12.345F) == "12.3");
}

TEST_CASE("a counter that has become smaller counts nothing: a part of the sum has gone") {
  Book book;
  Counters counters;
  counters.rejected = 50;
  book.round(counters);
  counters.rejected = 20;
  book.round(counters);
  CHECK(book.last(Sample::rejected) == 0);
}

TEST_CASE("ten minutes are kept, and no more") {
  Book book;
  Counters counters;
  for (std::size_t i = 0; i < History::kSamples + 10; ++i) {
    counters.rejected = 2 * i * i;  // grows by another amount in each round
    book.round(counters);
  }
  const std::vector<Sample> samples = book.history.of("orders");
  REQUIRE(samples.size() == History::kSamples);
  for (std::size_t i = 1; i < samples.size(); ++i)
    REQUIRE(samples[i].figures[Sample::rejected] > samples[i - 1].figures[Sample::rejected]);
  CHECK(samples.back().figures[Sample::rejected] == book.last(Sample::rejected));
  CHECK(History::kSamples * History::kInterval == 10min);
}

TEST_CASE("a round that comes too early is none, and the next one counts what it would have counted") {
  Book book;
  Counters counters;
  book.round(counters);
  CHECK_FALSE(book.history.begin(book.now - 1s));
  counters.rejected = 10;
  book.round(counters);
  CHECK(book.last(Sample::rejected) == doctest::Approx(5));
}

TEST_CASE("an upstream that is no longer configured is forgotten") {
  Book book;
  book.round({});
  REQUIRE(book.history.begin(book.now));
  book.history.add("users", {});
  book.history.end();
  REQUIRE(book.history.after("") != nullptr);
  CHECK(*book.history.after("") == "users");
  CHECK(book.history.after("users") == nullptr);
  CHECK(book.history.of("orders").empty());
}
