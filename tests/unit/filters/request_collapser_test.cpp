// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/request_collapser.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "tests/unit/filters/recording_follower.hpp"
#include "tests/unit/filters/scene.hpp"

using namespace fusewire::cache;
using namespace fusewire::test;

TEST_CASE("one leads, until its fetch has ended") {
  RequestCollapser fetches;
  auto lead = fetches.lead("a");
  REQUIRE(lead);
  CHECK(lead->key() == "a");
  CHECK_FALSE(fetches.lead("a"));
  CHECK(fetches.lead("b"));
  lead->end(Ended::stored);
  CHECK(fetches.lead("a"));
}

TEST_CASE("all followers are notified once of how it ended") {
  RequestCollapser fetches;
  auto lead = fetches.lead("a");
  const auto one = std::make_shared<RecordingFollower>(), two = std::make_shared<RecordingFollower>();
  CHECK(fetches.follow("a", one));
  CHECK(fetches.follow("a", two));
  CHECK_FALSE(one->how);
  lead->end(Ended::stored);
  lead->end(Ended::alone);
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
  auto lead = fetches.lead("a");
  int count = 0;
  const auto early = std::make_shared<Ordered>(count), late = std::make_shared<Ordered>(count);
  fetches.follow("a", early);
  fetches.follow("a", late);
  lead->end(Ended::vacant);
  CHECK(late->order == 1);
  CHECK(early->order == 2);
}

TEST_CASE("nobody follows what has ended") {
  RequestCollapser fetches;
  CHECK_FALSE(fetches.follow("a", std::make_shared<RecordingFollower>()));
  fetches.lead("a")->end(Ended::stored);
  CHECK_FALSE(fetches.follow("a", std::make_shared<RecordingFollower>()));
}

TEST_CASE("a lead that is dropped leaves its place vacant; one that moves does not end") {
  RequestCollapser fetches;
  const auto follower = std::make_shared<RecordingFollower>();
  {
    auto lead = fetches.lead("a");
    fetches.follow("a", follower);
    const RequestCollapser::Lead moved(std::move(*lead));
    lead.reset();
    CHECK_FALSE(follower->how);
  }
  CHECK(follower->how == Ended::vacant);
  CHECK(fetches.lead("a"));
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

TEST_CASE("a refresh is worth it when nobody is at it, and the last one was not in vain just now") {
  RequestCollapser fetches;
  CHECK(fetches.may_refresh("a", kStart));
  auto lead = fetches.lead("a");
  CHECK_FALSE(fetches.may_refresh("a", kStart));
  lead->end(Ended::alone);
  fetches.mark_unshareable("a", kStart + 1s);
  CHECK_FALSE(fetches.may_refresh("a", kStart));
  CHECK(fetches.may_refresh("a", kStart + 1s));
}
