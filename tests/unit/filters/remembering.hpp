// SPDX-License-Identifier: Apache-2.0
// One upstream's memory, and exchanges that go by it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "filters/cache/cache_writer.hpp"
#include "tests/unit/filters/stored.hpp"

namespace fusewire::test {

using namespace fusewire::cache;

struct Remembering : Scene {
  Store store{4 << 20};
  ChainContext context{nullptr, nullptr, &store, store.partition("orders")};
  std::optional<CacheWriter> filter;

  std::optional<Reply> ask(Request r, Time now = kStart) {
    request = std::move(r);
    begin(now);
    filter.emplace(context);
    auto reply = filter->on_request(call, now);
    if (!reply) sent(now);
    return reply;
  }
  void head_comes(Response r, Time now = kStart) {
    response = std::move(r);
    Reply reply = head(now);
    filter->on_reply(call, reply, now);
  }
  void done(Outcome outcome = Outcome::complete, Time now = kStart) {
    x.outcome = outcome;
    filter->on_done(call, now);
    filter.reset();
  }
  // A whole exchange.
  void exchange(Request r, Response answer, std::string_view body = "hello", Time now = kStart) {
    ask(std::move(r), now);
    head_comes(std::move(answer), now);
    filter->on_body(call, body);
    done(Outcome::complete, now);
  }
  EntryPtr stored(std::string_view target = "/a", FieldPairs fields = {}) {
    return store.find(*context.cache_partition, uri_key(get(target)), make_fields(fields));
  }
  std::uint64_t events(Event event) { return context.cache_partition->events(event); }
};

inline Request with_method(std::string_view method, std::string_view target = "/a") {
  Request request = get(target);
  request.method = method;
  return request;
}

inline Response with_status(int status, FieldPairs fields = {{"Cache-Control", "max-age=60"}}) {
  Response response = ok(fields);
  response.status = status;
  return response;
}

inline Response chunked(FieldPairs fields = {{"Cache-Control", "max-age=60"}}) {
  Response response = ok(fields);
  response.body = BodyKind::chunked;
  response.content_length = 0;
  return response;
}

inline const std::string kEtag = "\"1\"";

}  // namespace fusewire::test
