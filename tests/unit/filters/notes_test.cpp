// SPDX-License-Identifier: Apache-2.0
#include "filters/notes.hpp"

#include <doctest/doctest.h>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;

TEST_CASE("notes are kept in order, up to their number") {
  Notes notes;
  for (std::size_t i = 0; i < Notes::kMax + 3; ++i)
    notes.add({.what = Decision::slot_waits, .value = saturated(static_cast<std::int64_t>(i))});
  REQUIRE(notes.all().size() == Notes::kMax);
  CHECK(notes.full());
  for (std::size_t i = 0; i < Notes::kMax; ++i) CHECK(notes.all()[i].value == i);
}

TEST_CASE_FIXTURE(Scene, "a note has its time, and a value that is not known is said to be so") {
  call.note(Decision::breaker_rejected, kStart + 1500us, breaker::RejectedBy::forced_open, 3, -1);
  CHECK(call.notes.all()[0] == Note{.what = Decision::breaker_rejected,
                                    .detail = static_cast<std::uint8_t>(breaker::RejectedBy::forced_open),
                                    .number = 3,
                                    .value = kNoValue,
                                    .at = kStart + 1500us});
}

TEST_CASE("what does not fit is as large as can be") {
  CHECK(saturated(-5) == 0);
  CHECK(saturated(std::int64_t{1} << 40) == kNoValue - 1);
}
