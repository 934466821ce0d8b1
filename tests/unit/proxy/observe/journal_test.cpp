// SPDX-License-Identifier: Apache-2.0
#include "proxy/observe/journal.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/unit/proxy/observe/records.hpp"

using namespace fusewire;
using namespace fusewire::proxy;
using namespace fusewire::testing;

namespace {

std::string id(std::size_t i) { return "request-" + std::to_string(i); }

bool is_kept(const Journal& journal, const std::string& id) { return journal.find(id, 1).total > 0; }

}  // namespace

TEST_CASE("a request is read back as it was written, with its calls, notes and attempts") {
  Journal journal;
  JournalWriter writer(journal);
  Recorded request = recorded("a", 503);
  request.texts[RequestFacts::detail] = "why";
  request.facts.traced = true;
  request.trace.span = 7;
  RecordedCall call{.upstream = "orders", .notes = {{.what = Decision::retry_made, .value = 25, .at = at_us(12)}}};
  call.facts.retries_made = 1;
  RecordedAttempt attempt;
  attempt.facts.status = 503;
  attempt.facts.begun = at_us(4);
  call.attempts = {attempt, attempt};
  request.calls = {call};
  write(writer, request);
  const auto found = journal.find("a", 5).entries;
  REQUIRE(found.size() == 1);
  const JournalEntry& entry = found[0];
  CHECK(entry.facts.status == 503);
  CHECK(entry.text(RequestFacts::detail) == "why");
  CHECK(entry.text(RequestFacts::host) == "shop.test:8080");
  CHECK(entry.trace.span == 7);
  REQUIRE(entry.calls.size() == 1);
  CHECK(entry.calls[0].upstream == "orders");
  CHECK(entry.calls[0].notes == call.notes);
  CHECK(entry.calls[0].facts.retries_made == 1);
  REQUIRE(entry.calls[0].attempts.size() == 2);
  CHECK(entry.calls[0].attempts[1].facts.begun == at_us(4));
  CHECK(entry.calls[0].attempts[1].address == "10.0.0.1:80");
}

TEST_CASE("a record that has put the last names of its chunk is read, and exported, as it is") {
  Journal journal;
  JournalWriter writer(journal);
  std::vector<std::string> routes;  // each one's address is what it is known by
  for (std::size_t i = 0; i < 1'000; ++i) routes.push_back(std::string(i % 90, 'r') + std::to_string(i));
  std::size_t named = 0;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const std::string own = id(i);
    Recorded request = recorded(own);
    request.route = routes[i];
    request.calls = {{.upstream = "orders", .attempts = {RecordedAttempt{}}}};
    const std::size_t size = put(writer, request);
    const std::string exported = alone(writer.record(size), writer.names());
    writer.commit(size);
    for (const JournalEntry& entry : {unpack_alone(exported), journal.find(own, 1).entries.at(0)}) {
      REQUIRE(entry.text(RequestFacts::id) == own);
      REQUIRE((entry.route == routes[i] || entry.route.empty()));  // there may have been no room for it
      if (!entry.route.empty()) ++named;
      REQUIRE(entry.calls.size() == 1);
      REQUIRE(entry.calls[0].attempts.size() == 1);
    }
  }
  CHECK(named > routes.size());  // of two views of each
}

TEST_CASE("of several requests with one id the newest comes first") {
  Journal journal;
  JournalWriter one(journal);
  JournalWriter other(journal);
  write(one, recorded("a", 200, 30));
  write(other, recorded("a", 404, 40));
  write(one, recorded("a", 201, 20));
  const auto found = journal.find("a", 2).entries;
  REQUIRE(found.size() == 2);
  CHECK(found[0].facts.status == 404);
  CHECK(found[1].facts.status == 200);
  CHECK(journal.find("b", 2).total == 0);
}

TEST_CASE("a request whose id this process made is found before all that were sent with the same id") {
  Journal journal;
  JournalWriter writer(journal);
  Recorded victim = recorded("a", 503, 10);
  victim.facts.own_id = true;
  write(writer, victim);
  for (int i = 0; i < 30; ++i) write(writer, recorded("a", 200, 20 + i));
  const Journal::Found found = journal.find("a", 3);
  CHECK(found.total == 31);
  REQUIRE(found.entries.size() == 3);
  CHECK(found.entries[0].facts.status == 503);
  CHECK(found.entries[1].facts.wall_ns == 49);
}

TEST_CASE("a process without requests has no memory for them") {
  const Journal journal;
  CHECK(journal.kept().requests == 0);
  CHECK(sizeof(Journal) < 1024);
}

TEST_CASE("the last requests are kept, over all workers, and not many more") {
  constexpr std::size_t kLimit = 2000;
  Journal journal(kLimit, 10);
  JournalWriter busy(journal);
  JournalWriter quiet(journal);
  write(quiet, recorded("quiet"));
  for (std::size_t i = 0; i < 3 * kLimit; ++i) write(busy, recorded(id(i)));
  for (std::size_t i = 2 * kLimit; i < 3 * kLimit; ++i) REQUIRE(is_kept(journal, id(i)));
  CHECK_FALSE(is_kept(journal, id(0)));
  CHECK(is_kept(journal, "quiet"));
  CHECK(journal.kept().requests < kLimit + 3 * JournalChunk::kBytes / 200);
}

TEST_CASE("requests that did not end well outlive the others") {
  constexpr std::size_t kLimit = 1000;
  Journal journal(kLimit, 50);
  JournalWriter writer(journal);
  Recorded fallback = recorded("fallback");
  fallback.facts.flags = bits(Flag::fallback);
  Recorded hit = recorded("hit");
  hit.facts.flags = bits(Flag::cache_hit);
  write(writer, fallback);
  write(writer, hit);
  write(writer, recorded("gone", 0));
  write(writer, recorded("bad", 502));
  write(writer, recorded("missing", 404));
  for (std::size_t i = 0; i < 5 * kLimit; ++i) write(writer, recorded(id(i)));
  CHECK(is_kept(journal, "fallback"));
  CHECK(is_kept(journal, "gone"));
  CHECK(is_kept(journal, "bad"));
  CHECK_FALSE(is_kept(journal, "hit"));
  CHECK_FALSE(is_kept(journal, "missing"));
  CHECK(journal.kept().bad == 3);
}

TEST_CASE("of those, too, only the last are kept") {
  constexpr std::size_t kLimit = 500;
  Journal journal(kLimit, 300);
  JournalWriter writer(journal);
  for (std::size_t i = 0; i < 10 * kLimit; ++i) write(writer, recorded(id(i), 500));
  const Journal::Kept kept = journal.kept();
  CHECK(kept.bad >= 300);
  CHECK(kept.bad < 300 + 2 * JournalChunk::kBytes / 150);
  CHECK_FALSE(is_kept(journal, id(0)));
}

TEST_CASE("memory is bounded however long the texts are") {
  Journal journal;
  JournalWriter writer(journal);
  const std::string text(250, 'x');
  for (std::size_t i = 0; i < Journal::kRequests; ++i) {
    const std::string own = id(i);
    Recorded request = recorded(own);
    for (const auto which : {RequestFacts::path, RequestFacts::host, RequestFacts::detail}) request.texts[which] = text;
    write(writer, request);
  }
  CHECK(journal.kept().requests < Journal::kRequests);
  CHECK(journal.kept().requests > 5000);
  CHECK(is_kept(journal, id(Journal::kRequests - 1)));
}

TEST_CASE("those who read meanwhile see whole requests") {
  Journal journal(500, 50);
  std::atomic<bool> over{false};
  std::thread workers[2];
  for (std::size_t w = 0; w < 2; ++w)
    workers[w] = std::thread([&journal, &over, w] {
      JournalWriter writer(journal);
      for (std::size_t i = 0; i < 20'000; ++i) write(writer, recorded("same", w == 0 ? 200 : 500));
      over = true;
    });
  std::size_t bad = 0;
  do {
    for (const JournalEntry& entry : journal.find("same", 100).entries)
      if (entry.text(RequestFacts::path) != "/a" || (entry.facts.status != 200 && entry.facts.status != 500)) ++bad;
    static_cast<void>(journal.kept());
  } while (!over);
  for (std::thread& worker : workers) worker.join();
  CHECK(bad == 0);
}
