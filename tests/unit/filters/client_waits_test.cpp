// SPDX-License-Identifier: Apache-2.0
#include "filters/client_waits.hpp"

#include <doctest/doctest.h>

using namespace fusewire;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1h};
constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

TEST_CASE("without a wait nothing is withheld and nothing adds up") {
  const ClientWaits waits;
  CHECK_FALSE(waits.waiting());
  CHECK_FALSE(waits.withheld(kStart));
  CHECK(waits.total(kStart) == 0s);
  CHECK(waits.patience_ends() == kNever);
}

TEST_CASE("an upload is withheld when nothing of it has been at hand for over a second") {
  ClientWaits waits;
  waits.upload_begins(kStart);
  waits.upload_waits(kStart);
  waits.upload_waits(kStart + 900ms);  // it goes on
  CHECK_FALSE(waits.withheld(kStart + 1s));
  CHECK(waits.withheld(kStart + 1001ms));
  waits.upload_came(kPiece, kStart + 2s);
  CHECK_FALSE(waits.withheld(kStart + 2s));
}

TEST_CASE("the waits of an upload that brings less than 4 KiB a second add up, until it is at hand for a second") {
  for (const std::size_t bytes : {1U, 400U, 420U}) {
    CAPTURE(bytes);
    ClientWaits waits;
    waits.upload_begins(kStart);
    for (auto at = kStart; at < kStart + 2s; at += 100ms) {
      waits.upload_waits(at);
      waits.upload_came(bytes, at + 100ms);
    }
    CHECK(waits.withheld(kStart + 2s) == (bytes < 410));
    CHECK_FALSE(waits.withheld(kStart + 3s));
  }
}

TEST_CASE("what comes right behind a slow upload may be meant for it") {
  ClientWaits waits;
  waits.upload_begins(kStart);
  waits.upload_waits(kStart);
  waits.upload_came(1000, kStart + 2s);
  waits.request_sent(kStart + 2s);
  CHECK(waits.withheld(kStart + 2999ms));
  CHECK_FALSE(waits.withholds_upload(kStart + 2s));
  CHECK_FALSE(waits.withheld(kStart + 3s));
}

TEST_CASE("an upload is long when more than a second has passed since it began, until it is through") {
  ClientWaits waits;
  CHECK(waits.upload_is_long() == kNever);
  waits.upload_begins(kStart);
  CHECK(waits.upload_is_long() == kStart + 1001ms);
  waits.request_sent(kStart + 5s);
  CHECK(waits.upload_is_long() == kNever);
}

TEST_CASE("a response that was not taken for over a second counts for what is read right behind it") {
  ClientWaits waits;
  waits.response_waits(kStart);
  CHECK_FALSE(waits.withheld(kStart + 1s));
  CHECK(waits.withheld(kStart + 1001ms));
  waits.response_taken(kStart + 2s);
  CHECK(waits.withheld(kStart + 2s));
  CHECK(waits.withheld(kStart + 11s));
  CHECK_FALSE(waits.withheld(kStart + 12s));
}

TEST_CASE("a response that was taken in time leaves nothing behind") {
  ClientWaits waits;
  waits.response_waits(kStart);
  waits.response_taken(kStart + 1s);
  CHECK_FALSE(waits.withheld(kStart + 1s));
}

TEST_CASE("waits add up, two at once count once") {
  ClientWaits waits;
  waits.upload_waits(kStart);
  waits.response_waits(kStart + 100ms);
  waits.upload_came(kPiece, kStart + 200ms);
  CHECK(waits.waiting());
  CHECK(waits.total(kStart + 250ms) == 250ms);
  waits.response_taken(kStart + 300ms);
  CHECK(waits.total(kStart + 1s) == 300ms);
  waits.upload_waits(kStart + 2s);
  CHECK(waits.total(kStart + 2100ms) == 400ms);
}

TEST_CASE("patience ends when all waits together have taken over a second") {
  ClientWaits waits;
  waits.upload_waits(kStart);
  CHECK(waits.patience_ends() == kStart + 1001ms);
  waits.upload_came(kPiece, kStart + 600ms);
  CHECK(waits.patience_ends() == kNever);
  waits.upload_waits(kStart + 5s);
  CHECK(waits.patience_ends() == kStart + 5401ms);
  waits.upload_came(kPiece, kStart + 6s);
  CHECK(waits.patience_ends() < kStart + 6s);  // it is found by a late caller, too
}

TEST_CASE("what was waited for before the whole request was sent is kept apart from what came later") {
  ClientWaits waits;
  waits.upload_waits(kStart);
  waits.upload_came(kPiece, kStart + 3s);
  waits.request_sent(kStart + 3s);
  CHECK(waits.since_sent() == 0s);
  waits.response_waits(kStart + 4s);
  waits.response_taken(kStart + 6s);
  CHECK(waits.since_sent() == 2s);
}
