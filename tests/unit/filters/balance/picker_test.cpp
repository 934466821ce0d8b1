// SPDX-License-Identifier: Apache-2.0
#include "filters/balance/picker.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <numeric>
#include <set>
#include <string>

#include "filters/balance/hash.hpp"
#include "tests/unit/filters/balance/about.hpp"

using namespace fusewire;
using namespace fusewire::balance;
using namespace fusewire::test;
using namespace std::chrono_literals;

namespace {

constexpr Policy kAll[] = {Policy::health_score, Policy::least_request, Policy::random, Policy::round_robin,
                           Policy::hash};

struct Fixture {
  Time now = Time{} + 1h;
  Random random{7};
  std::vector<std::unique_ptr<EndpointHealth>> healths;
  std::set<std::uint32_t> ineligible;
  std::size_t asked = 0;
  std::uint64_t next_key = 0;

  std::vector<Candidate> candidates(const std::vector<std::uint32_t>& weights) {
    std::vector<Candidate> list;
    healths.clear();
    for (const std::uint32_t weight : weights) {
      healths.push_back(std::make_unique<EndpointHealth>(now - 1h));
      list.push_back({healths.back().get(), hash_of("10.0.0." + std::to_string(list.size())), weight, false});
    }
    return list;
  }
  std::vector<Candidate> candidates(std::size_t count) { return candidates(std::vector<std::uint32_t>(count, 1)); }

  std::optional<std::uint32_t> pick(Picker& picker) {
    const auto eligible = [this](std::uint32_t one) {
      ++asked;
      return !ineligible.contains(one);
    };
    return picker.pick(eligible, now, random, hash_of(std::to_string(++next_key)));
  }
  // How often each is picked, where each request ends before the next one.
  std::vector<std::uint32_t> counts(Picker& picker, std::uint32_t picks) {
    std::vector<std::uint32_t> found(picker.candidates().size());
    for (std::uint32_t n = 0; n < picks; ++n) ++found.at(pick(picker).value());
    return found;
  }
};

// The probability that chance alone makes a sum this large is below 1 in 10,000 for up to 10 degrees of freedom.
constexpr double kChiSquare = 36;

double chi_square(const std::vector<std::uint32_t>& counts, const std::vector<std::uint32_t>& weights) {
  const double picks = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = picks * weights[i] / total;
    if (expected > 0) sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "each policy picks by weight among idle, healthy candidates") {
  for (const auto& weights : {std::vector<std::uint32_t>{1, 1, 1, 1}, {5, 3, 1, 1}, {1, 2, 3, 4, 5, 6}, {1, 0, 2}}) {
    for (const Policy policy : kAll) {
      CAPTURE(static_cast<int>(policy));
      Picker picker(policy);
      picker.set_candidates(candidates(weights));
      const auto found = counts(picker, 12000);
      // The hash's buckets have owners by chance, too.
      CHECK(chi_square(found, weights) < (policy == Policy::hash ? 2 * kChiSquare : kChiSquare));
      for (std::size_t i = 0; i < weights.size(); ++i)
        if (weights[i] == 0) CHECK(found[i] == 0);
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "the share of a candidate that is not eligible goes to all others by weight") {
  const std::vector<std::uint32_t> weights = {4, 2, 1, 1, 4};
  for (const Policy policy : kAll) {
    CAPTURE(static_cast<int>(policy));
    Picker picker(policy);
    picker.set_candidates(candidates(weights));
    ineligible = {0};
    const auto found = counts(picker, 12000);
    CHECK(found[0] == 0);
    CHECK(chi_square(found, {0, 2, 1, 1, 4}) < (policy == Policy::hash ? 2 * kChiSquare : kChiSquare));
  }
}

TEST_CASE_FIXTURE(Fixture, "the last eligible one of many is found") {
  for (const Policy policy : kAll) {
    CAPTURE(static_cast<int>(policy));
    Picker picker(policy);
    picker.set_candidates(candidates(50));
    for (std::uint32_t i = 0; i < 50; ++i) ineligible.insert(i);
    ineligible.erase(31);
    for (int n = 0; n < 20; ++n) CHECK(pick(picker) == 31U);
  }
}

TEST_CASE_FIXTURE(Fixture, "the few eligible ones of many share by weight") {
  for (const Policy policy : {Policy::health_score, Policy::least_request, Policy::random, Policy::round_robin}) {
    CAPTURE(static_cast<int>(policy));
    Picker picker(policy);
    std::vector<std::uint32_t> weights(300, 1);
    weights[200] = 3;
    picker.set_candidates(candidates(weights));
    for (std::uint32_t i = 0; i < 300; ++i) ineligible.insert(i);
    ineligible.erase(100);
    ineligible.erase(200);
    CHECK(counts(picker, 2000)[200] == about(1500, 0.07));
  }
}

TEST_CASE_FIXTURE(Fixture, "where nothing is eligible, nothing is picked") {
  for (const Policy policy : kAll) {
    Picker picker(policy);
    CHECK_FALSE(pick(picker));
    picker.set_candidates(candidates({3, 1, 0}));
    ineligible = {0, 1};
    CHECK_FALSE(pick(picker));
    ineligible.clear();
    CHECK(pick(picker));
    picker.set_candidates(candidates({0, 0}));
    CHECK_FALSE(pick(picker));
  }
}

TEST_CASE_FIXTURE(Fixture, "backups are picked where no primary is eligible") {
  for (const Policy policy : kAll) {
    CAPTURE(static_cast<int>(policy));
    Picker picker(policy);
    auto list = candidates(4);
    list[1].backup = list[2].backup = true;
    picker.set_candidates(list);
    ineligible = {0};
    CHECK(counts(picker, 100)[3] == 100);
    ineligible = {0, 3};
    const auto found = counts(picker, 1000);
    CHECK(found[1] > 400);
    CHECK(found[2] > 400);
    ineligible.clear();
  }
}

TEST_CASE_FIXTURE(Fixture, "the cost of a pick does not grow with the number of candidates") {
  for (const Policy policy : kAll) {
    CAPTURE(static_cast<int>(policy));
    Picker picker(policy);
    picker.set_candidates(candidates(1000));
    for (std::uint32_t i = 0; i < 1000; i += 10) ineligible.insert(i);
    asked = 0;
    counts(picker, 1000);
    CHECK(asked < 2500);
  }
}

TEST_CASE_FIXTURE(Fixture, "one that outweighs all others does not hide them") {
  Picker picker(Policy::health_score);
  picker.set_candidates(candidates({1000000, 1, 1}));
  for (int i = 0; i < 30; ++i) {
    healths[0]->begin(now);
    healths[0]->end(Result::failure, 1ms, now);
  }
  asked = 0;
  CHECK(counts(picker, 100)[0] == 0);
  CHECK(asked < 1500);
}

TEST_CASE_FIXTURE(Fixture, "least_request picks the one with fewer requests for its weight") {
  Picker picker(Policy::least_request);
  picker.set_candidates(candidates({2, 1}));
  for (int i = 0; i < 3; ++i) healths[0]->begin(now);
  healths[1]->begin(now);
  CHECK(counts(picker, 100)[1] == 100);
  healths[1]->begin(now);
  CHECK(counts(picker, 100)[0] == 100);
}

TEST_CASE_FIXTURE(Fixture, "health_score picks neither the slow one, nor the failing, nor the hanging") {
  Picker picker(Policy::health_score);
  picker.set_candidates(candidates(5));
  for (int n = 0; n < 50; ++n) {
    for (std::size_t i = 0; i < 5; ++i) {
      healths[i]->begin(now);
      healths[i]->end(i == 1 ? Result::failure : Result::success, i == 0 ? 100ms : 5ms, now);
    }
    now += 5ms;
  }
  for (const auto& health : healths) health->begin(now);
  now += 100ms;
  for (std::size_t i = 0; i < 5; ++i)
    if (i != 2) healths[i]->end(i == 1 ? Result::failure : Result::success, i == 0 ? 100ms : 5ms, now);
  counts(picker, 1000);  // learns what is typical
  const auto found = counts(picker, 1000);
  CHECK(found[0] + found[1] + found[2] < 20);
  CHECK(found[3] > 400);
  CHECK(found[4] > 400);
}

TEST_CASE_FIXTURE(Fixture, "round_robin takes turns, and one that is passed over leaves no gap") {
  Picker picker(Policy::round_robin, 0s, 1);
  picker.set_candidates(candidates(4));
  std::vector<std::uint32_t> order;
  for (int n = 0; n < 4; ++n) order.push_back(pick(picker).value());
  CHECK(order == std::vector<std::uint32_t>{2, 3, 0, 1});
  ineligible = {3};
  order.clear();
  for (int n = 0; n < 6; ++n) order.push_back(pick(picker).value());
  CHECK(order == std::vector<std::uint32_t>{2, 0, 1, 2, 0, 1});
}

TEST_CASE_FIXTURE(Fixture, "round_robin goes on where it was when the list has changed") {
  Picker picker(Policy::round_robin, 0s, 7);
  picker.set_candidates(candidates(10));
  CHECK(pick(picker) == 8U);
  picker.set_candidates(candidates(3));
  for (int n = 0; n < 3; ++n) CHECK(pick(picker).value() < 3);
}

TEST_CASE_FIXTURE(Fixture, "hash sends a key to one place, and elsewhere only while that is not eligible") {
  Picker picker(Policy::hash);
  picker.set_candidates(candidates(10));
  const auto all = [](std::uint32_t) { return true; };
  std::vector<std::uint32_t> received(10);
  for (std::uint64_t n = 0; n < 20000; ++n) {
    const std::uint64_t key = hash_of("session " + std::to_string(n));
    const std::uint32_t owner = picker.pick(all, now, random, key).value();
    const std::uint32_t without = picker.pick([](std::uint32_t one) { return one != 3; }, now, random, key).value();
    REQUIRE(picker.pick(all, now, random, key) == owner);
    if (owner == 3) ++received[without];
    if (owner != 3) REQUIRE(without == owner);
  }
  const std::uint32_t moved = std::accumulate(received.begin(), received.end(), 0U);
  CHECK(moved == about(2000, 0.1));
  CHECK(received[3] == 0);
  for (std::size_t i = 0; i < 10; ++i)
    if (i != 3) CHECK(received[i] * 9.0 / moved == about(1, 0.35));
}

TEST_CASE_FIXTURE(Fixture, "slow start gives a new candidate a part of its share") {
  for (const Policy policy : {Policy::health_score, Policy::least_request, Policy::random, Policy::round_robin}) {
    CAPTURE(static_cast<int>(policy));
    Picker picker(policy, 60s);
    picker.set_candidates(candidates(4));
    healths[2]->restart(now);
    CHECK(counts(picker, 4000)[2] / 4000.0 == about(0.1 / 3.1, 0.3));
    healths[2]->restart(now - 30s);
    CHECK(counts(picker, 4000)[2] / 4000.0 == about(0.5 / 3.5, 0.25));
    healths[2]->restart(now - 60s);
    CHECK(counts(picker, 4000)[2] / 4000.0 == about(0.25, 0.1));
  }
}

TEST_CASE_FIXTURE(Fixture, "candidates that all start slowly share evenly") {
  Picker picker(Policy::health_score, 60s);
  picker.set_candidates(candidates(3));
  for (const auto& health : healths) health->restart(now);
  for (const std::uint32_t one : counts(picker, 3000)) CHECK(one == about(1000, 0.1));
}

TEST_CASE_FIXTURE(Fixture, "the typical latency is that of the better ones") {
  Picker picker(Policy::health_score);
  picker.set_candidates(candidates(4));
  CHECK(picker.typical().latency == 0);
  for (std::size_t i = 0; i < 4; ++i) {
    healths[i]->begin(now);
    healths[i]->end(Result::success, i < 2 ? nanoseconds(4ms) : nanoseconds(200ms), now);
  }
  counts(picker, 2000);
  CHECK(std::exp2(picker.typical().latency) < 6e6);
}
