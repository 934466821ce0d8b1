// SPDX-License-Identifier: Apache-2.0
// Entries for the tests of the cache.
#pragma once

#include "filters/cache/storable.hpp"
#include "filters/cache/store.hpp"
#include "tests/unit/filters/scene.hpp"

namespace fusewire::test {

// A response that says nothing of its freshness counts as stale at once.
inline cache::EntryPtr entry_of(const std::shared_ptr<cache::Partition>& partition, const Request& request,
                                const Response& response, std::string body, Time now = kStart) {
  const cache::Received when{now, now, kWall + std::chrono::floor<std::chrono::seconds>(now - kStart)};
  auto freshness = cache::freshness_of(response, cache::response_directives(response.fields), when, 0.1);
  if (!freshness) {
    Response stale = response;
    stale.fields.add("Cache-Control", "max-age=0");
    freshness = cache::freshness_of(stale, cache::response_directives(stale.fields), when, 0.1);
  }
  return cache::make_entry({partition, cache::uri_key(request), request, response, *freshness, when.wall},
                           std::make_shared<const std::string>(std::move(body)));
}

// A lone entry, for what needs no store.
inline cache::EntryPtr entry_with(FieldPairs fields, std::string body = "hello", int status = 200) {
  Response response = ok(fields, body.size());
  response.status = status;
  return entry_of(std::make_shared<cache::Partition>("orders"), get(), response, std::move(body));
}

}  // namespace fusewire::test
