// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/request_collapser.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "tests/unit/filters/recording_follower.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire::cache;
using namespace fusewire::test;

namespace {

constexpr auto kPatience = 5s;

std::optional<RequestCollapser::Lead> lead(RequestCollapser& fetches, const std::string& key,
                                           fusewire::Time now = kStart) {
  return fetches.lead(key, now, kPatience, true);
}

}  // namespace

TEST_CASE("one leads, until its fetch has ended") {
  RequestCollapser fetches;
  auto leader = lead(fetches, "a");
  REQUIRE(leader);
  CHECK(leader->key() == "a");
  CHECK_FALSE(lead(fetches, "a"));
  CHECK(lead(fetches, "b"));
  leader->end(Ended::stored);
  CHECK(lead(fetches, "a"));
}

TEST_CASE("all followers are notified once of how it ended") {
  RequestCollapser fetches;
  auto leader = lead(fetches, "a");
  const auto one = std::make_shared<RecordingFollower>(), two = std::make_shared<RecordingFollower>();
  const auto first = fetches.follow("a", one), second = fetches.follow("a", two);
  CHECK(first);
  CHECK(second);
  CHECK_FALSE(one->how);
  leader->end(Ended::stored);
  leader->end(Ended::alone);
  CHECK(one->how == Ended::stored);
  CHECK(two->how == Ended::stored);
}

TEST_CASE("who came last hears first that a place is vacant: of those who wait it has the most time left") {
  struct Ordered : Follower {
    explicit Ordered(int& all) : count(all) {}
    void fetch_ended(Ended) noexcept override { order = ++count; }
    int& count;
    int order = 0;
  };
  RequestCollapser fetches;
  auto leader = lead(fetches, "a");
  int count = 0;
  const auto early = std::make_shared<Ordered>(count), late = std::make_shared<Ordered>(count);
  const auto first = fetches.follow("a", early), second = fetches.follow("a", late);
  leader->end(Ended::vacant);
  CHECK(late->order == 1);
  CHECK(early->order == 2);
}

TEST_CASE("nobody follows what has ended") {
  RequestCollapser fetches;
  CHECK_FALSE(fetches.follow("a", std::make_shared<RecordingFollower>()));
  lead(fetches, "a")->end(Ended::stored);
  CHECK_FALSE(fetches.follow("a", std::make_shared<RecordingFollower>()));
}

TEST_CASE("a lead that is dropped leaves its place vacant; one that moves does not end") {
  RequestCollapser fetches;
  const auto follower = std::make_shared<RecordingFollower>();
  std::optional<RequestCollapser::Place> place;
  {
    auto leader = lead(fetches, "a");
    place.emplace(*fetches.follow("a", follower));
    const RequestCollapser::Lead moved(std::move(*leader));
    leader.reset();
    CHECK_FALSE(follower->how);
  }
  CHECK(follower->how == Ended::vacant);
  CHECK(lead(fetches, "a"));
}

TEST_CASE("what could not be shared is remembered for a while, or until it could") {
  RequestCollapser fetches;
  CHECK_FALSE(fetches.is_unshareable("a", kStart));
  fetches.mark_unshareable("a", kStart + 30s);
  CHECK(fetches.is_unshareable("a", kStart + 29s));
  CHECK_FALSE(fetches.is_unshareable("b", kStart));
  CHECK_FALSE(fetches.is_unshareable("a", kStart + 30s));
  fetches.mark_shareable("b");
  CHECK(fetches.is_unshareable("a", kStart));
  fetches.mark_shareable("a");
  CHECK_FALSE(fetches.is_unshareable("a", kStart));
}

TEST_CASE("a refresh is worth it when nobody is at it") {
  RequestCollapser fetches;
  CHECK(fetches.may_refresh("a", kStart, kPatience));
  const auto leader = lead(fetches, "a");
  CHECK_FALSE(fetches.may_refresh("a", kStart, kPatience));
}

TEST_CASE("a refresh does not wait for a slow leader; those that follow one are let go first") {
  RequestCollapser fetches;
  const auto slow = lead(fetches, "a");
  CHECK_FALSE(fetches.may_refresh("a", kStart + kPatience - 1ms, kPatience));
  CHECK(fetches.may_refresh("a", kStart + kPatience, kPatience));
  const auto place = fetches.follow("a", std::make_shared<RecordingFollower>());
  CHECK_FALSE(fetches.may_refresh("a", kStart + kPatience, kPatience));
}

TEST_CASE("a fetch that takes too long gets another one beside it, one for each time that it is too long") {
  RequestCollapser fetches;
  const auto slow = lead(fetches, "a");
  CHECK_FALSE(lead(fetches, "a", kStart + kPatience - 1ms));
  const auto second = lead(fetches, "a", kStart + kPatience);
  CHECK(second);
  CHECK_FALSE(lead(fetches, "a", kStart + kPatience));
  CHECK_FALSE(lead(fetches, "a", kStart + 2 * kPatience - 1ms));
  CHECK(lead(fetches, "a", kStart + 2 * kPatience));
}

TEST_CASE("where some wait, it is one of them that leads beside a slow one") {
  RequestCollapser fetches;
  const auto slow = lead(fetches, "a");
  {
    const auto waits = fetches.follow("a", std::make_shared<RecordingFollower>());
    CHECK_FALSE(fetches.lead("a", kStart + kPatience, kPatience, false));
  }
  CHECK(fetches.lead("a", kStart + kPatience, kPatience, false));
}

TEST_CASE("where two lead, whichever is first to have something speaks for both") {
  for (const Ended how : {Ended::stored, Ended::alone})
    for (const bool second_is_first : {true, false}) {
      RequestCollapser fetches;
      auto slow = lead(fetches, "a");
      const auto follower = std::make_shared<RecordingFollower>();
      const auto place = fetches.follow("a", follower);
      auto second = lead(fetches, "a", kStart + kPatience);
      (second_is_first ? second : slow)->end(how);
      CHECK(follower->how == how);
      // A new fetch is none of the other one's.
      auto next = lead(fetches, "a", kStart + kPatience);
      REQUIRE(next);
      const auto late = std::make_shared<RecordingFollower>();
      const auto later = fetches.follow("a", late);
      (second_is_first ? slow : second)->end(Ended::alone);
      CHECK_FALSE(late->how);
      next->end(Ended::stored);
      CHECK(late->how == Ended::stored);
    }
}

TEST_CASE("where two lead and one leaves, who came last may lead beside the other, at once") {
  RequestCollapser fetches;
  auto slow = lead(fetches, "a");
  auto second = lead(fetches, "a", kStart + kPatience);
  const auto follower = std::make_shared<RecordingFollower>();
  const auto place = fetches.follow("a", follower);
  const auto latest = std::make_shared<RecordingFollower>();
  const auto after = fetches.follow("a", latest);
  CHECK(second->end(Ended::vacant));
  CHECK(latest->how == Ended::vacant);
  CHECK_FALSE(follower->how);
  auto third = lead(fetches, "a", kStart + kPatience);
  CHECK(third);
  CHECK_FALSE(lead(fetches, "a", kStart + kPatience));
  CHECK(third->end(Ended::stored));
  CHECK(follower->how == Ended::stored);
  CHECK_FALSE(slow->end(Ended::alone));  // its fetch has ended
}

TEST_CASE("a follower that leaves is forgotten, and hears nothing") {
  RequestCollapser fetches;
  auto leader = lead(fetches, "a");
  const auto stays = std::make_shared<RecordingFollower>(), leaves = std::make_shared<RecordingFollower>();
  const auto place = fetches.follow("a", stays);
  fetches.follow("a", leaves);
  CHECK(leaves.use_count() == 1);
  leader->end(Ended::stored);
  CHECK(stays->how == Ended::stored);
  CHECK_FALSE(leaves->how);
}
