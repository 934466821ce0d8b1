// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/cache_status.hpp"

#include <doctest/doctest.h>

using namespace fusewire::cache;

TEST_CASE("a hit says how long it is good for, and why it may be used beyond that") {
  CHECK(CacheStatus{.ttl = seconds{58}}.text() == "fusewire; hit; ttl=58");
  CHECK(CacheStatus{.ttl = seconds{-42}, .detail = "circuit-open"}.text() ==
        "fusewire; hit; ttl=-42; detail=circuit-open");
}

TEST_CASE("a forwarded request says why, and what came of it") {
  CHECK(CacheStatus{.forwarded = Forward::uri_miss}.text() == "fusewire; fwd=uri-miss");
  CHECK(CacheStatus{.forwarded = Forward::vary_miss, .stored = true, .ttl = seconds{60}}.text() ==
        "fusewire; fwd=vary-miss; stored; ttl=60");
  CHECK(CacheStatus{.forwarded = Forward::stale, .fwd_status = 304, .ttl = seconds{60}}.text() ==
        "fusewire; fwd=stale; fwd-status=304; ttl=60");
  CHECK(CacheStatus{.forwarded = Forward::uri_miss, .collapsed = true}.text() == "fusewire; fwd=uri-miss; collapsed");
  CHECK(CacheStatus{.forwarded = Forward::request}.text() == "fusewire; fwd=request");
  CHECK(CacheStatus{.forwarded = Forward::method}.text() == "fusewire; fwd=method");
  CHECK(CacheStatus{.forwarded = Forward::bypass}.text() == "fusewire; fwd=bypass");
}
