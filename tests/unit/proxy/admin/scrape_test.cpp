// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/scrape.hpp"

#include <doctest/doctest.h>

using namespace fusewire::proxy;
using namespace std::chrono_literals;
using admin::Scrape;

namespace {

// Asks, and keeps what comes.
struct Asking {
  Scrape scrape;
  std::shared_ptr<const ControlView> view = std::make_shared<const ControlView>();
  std::vector<Scrape::Text> answers;

  bool ask(Scrape::Time now) {
    return scrape.ask(view, now, [this](const Scrape::Text& text) { answers.push_back(text); });
  }
  void make(const char* text, Scrape::Time now) { scrape.made(std::make_shared<const std::string>(text), now); }
};

const Scrape::Time kStart{100s};

}  // namespace

TEST_CASE("sixteen scrapers at once cost one text") {
  Asking asking;
  CHECK(asking.ask(kStart));
  for (int i = 0; i < 15; ++i) CHECK_FALSE(asking.ask(kStart + 10ms));
  CHECK(asking.answers.empty());
  asking.make("one", kStart + 200ms);
  REQUIRE(asking.answers.size() == 16);
  for (const auto& text : asking.answers) CHECK(text == asking.answers.front());
}

TEST_CASE("a text is shared for a second from its making, and then made anew") {
  Asking asking;
  CHECK(asking.ask(kStart));
  asking.make("one", kStart);
  CHECK_FALSE(asking.ask(kStart + 999ms));
  REQUIRE(asking.answers.size() == 2);
  CHECK(*asking.answers.back() == "one");
  CHECK(asking.ask(kStart + 1s));
  asking.make("two", kStart + 1s);
  CHECK(*asking.answers.back() == "two");
}

TEST_CASE("what a reload has changed is in the next text") {
  Asking asking;
  CHECK(asking.ask(kStart));
  asking.make("one", kStart);
  asking.view = std::make_shared<const ControlView>();
  CHECK(asking.ask(kStart + 1ms));
}

TEST_CASE("a text that could not be made is tried again at the next scrape") {
  Asking asking;
  CHECK(asking.ask(kStart));
  asking.scrape.made(nullptr, kStart);
  REQUIRE(asking.answers.size() == 1);
  CHECK(asking.answers.front() == nullptr);
  CHECK(asking.ask(kStart + 1ms));
}
