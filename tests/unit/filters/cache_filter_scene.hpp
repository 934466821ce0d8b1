// SPDX-License-Identifier: Apache-2.0
// A cache that serves normally and its filter, over one request after the other, and beside another client's.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "filters/cache/cache_filter.hpp"
#include "tests/unit/filters/recording_follower.hpp"
#include "tests/unit/filters/stored.hpp"

namespace fusewire::test {

using namespace fusewire::cache;

struct CacheFilterScene : Scene {
  Store store{4 << 20};
  RequestCollapser fetches;
  ChainContext context{nullptr, nullptr, &store, store.partition("orders"), &fetches};
  std::optional<CacheFilter> filter;
  Step step;  // the last one

  CacheFilterScene() { upstream.cache.serve = config::Serve::normal; }

  std::optional<Reply> ask(Request r, Time now = kStart) {
    request = std::move(r);
    begin(now);
    filter.emplace(context);
    auto reply = own_reply(*filter, call, now, &step);
    if (proceeds(step)) x.begun = now;
    return reply;
  }
  Reply head_comes(Response r, Time now = kStart) {
    sent(now);
    response = std::move(r);
    Reply reply = head(now);
    step = filter->on_reply(call, reply, now);
    return reply;
  }
  void done(Outcome outcome = Outcome::complete, Time now = kStart) {
    x.outcome = outcome;
    filter->on_done(call, now);
    filter.reset();
  }
  void keep(Response answer, Request r = get(), Time now = kStart) {
    ask(std::move(r), now);
    head_comes(std::move(answer), now);
    filter->on_body(call, "hello");
    done(Outcome::complete, now);
  }
  std::uint64_t events(Event event) { return context.cache_partition->events(event); }
};

// Another client's request, while the first one's is under way.
struct SecondRequest {
  struct RecordingWaker : Waker {
    bool woken = false;
    void wake() noexcept override { woken = true; }
  };

  explicit SecondRequest(CacheFilterScene& first) : SecondRequest(first, first.request) {}
  SecondRequest(CacheFilterScene& first, const Request& request)
      : request_context(first.request_context), call(first.call), filter(first.context) {
    request_context.request = &request;
    call.context = &request_context;
    call.exchange = &x;
  }
  // Asks, and subscribes to the end of the fetch that it waits for.
  bool waits_for_first(Time now = kStart) {
    const Step step = step_of(filter, call, now);
    waker->woken = false;
    return waits(step) && std::get<Wait>(step).what->await(waker);
  }

  RequestContext request_context;
  Exchange x;
  Call call;
  CacheFilter filter;
  std::shared_ptr<RecordingWaker> waker = std::make_shared<RecordingWaker>();
};

inline const Response kTagged = ok({{"Cache-Control", "max-age=60"}, {"ETag", "\"1\""}});

inline Response not_modified(FieldPairs fields = {{"ETag", "\"1\""}, {"Cache-Control", "max-age=60"}}) {
  Response response = ok(fields, 0);
  response.status = 304;
  response.body = BodyKind::none;
  return response;
}

}  // namespace fusewire::test
