// SPDX-License-Identifier: Apache-2.0
// The cache's reading of fields that others wrote: directives, dates, validators, ranges, keys. The input is a
// request's lines, an empty line, a response's lines, an empty line and the response's body; what must hold whatever
// they say is checked.
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "filters/breaker/classify.hpp"
#include "filters/cache/answer.hpp"
#include "filters/cache/conditional.hpp"
#include "filters/cache/storable.hpp"
#include "filters/cache/store.hpp"
#include "filters/http_date.hpp"
#include "filters/list_field.hpp"
#include "filters/timeout/deadline.hpp"

using namespace fusewire;
using namespace fusewire::cache;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

Fields take_fields(std::string_view& rest) {
  Fields fields;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) fields.add(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  return fields;
}

constexpr Time kNow{std::chrono::hours{1000}};
constexpr HttpTime kWall{std::chrono::seconds{784111777}};

void check_dates(const Fields& fields) {
  for (const Field& field : fields) {
    const auto at = parse_http_date(field.value, kWall);
    if (!at) continue;
    const auto text = format_http_date(*at);
    require(parse_http_date({text.data(), text.size()}, kWall) == *at);
  }
}

void check_reply(const Reply& reply, const Entry& entry) {
  require(reply.body.size() <= entry.body->size());
  require(reply.status == entry.status || reply.status == 304 || reply.status == 206 || reply.status == 416);
  require(reply.extra_fields.find("Age: ") != std::string::npos);
  for (const Field& field : reply.fields) require(!iequals(field.name, "age") && !iequals(field.name, "connection"));
}

struct Fuzzed {
  Request request;
  Response response;
  std::string_view body;

  explicit Fuzzed(std::string_view rest) {
    request.method = "GET";
    request.set_target(take_line(rest));
    request.authority = take_line(rest);
    request.fields = take_fields(rest);
    response.status = 200;
    response.fields = take_fields(rest);
    response.body = BodyKind::length;
    response.content_length = rest.size();
    body = rest;
  }

  void run() const {
    check_dates(request.fields);
    check_dates(response.fields);
    for (const Field& field : response.fields) same_origin_key(request, field.value);
    says_destination_unavailable(response.fields);
    for (const auto serve : {config::Serve::on_error, config::Serve::normal}) remember_and_answer(serve);
  }

 private:
  void remember_and_answer(config::Serve serve) const {
    config::Upstream upstream;
    upstream.cache.serve = serve;
    const ResponseDirectives directives = response_directives(response.fields);
    const bool stale_by_operator = body.size() % 2 == 1;
    const auto verdict = storability(request, response, upstream.cache, {kNow, kNow, kWall},
                                     {.deadline_header = {}, .stale_by_operator = stale_by_operator});
    if (!verdict) return;
    require((!directives.no_store || directives.must_understand) && !directives.private_);
    require(!directives.no_cache || serve == config::Serve::normal);
    require(verdict.freshness.lifetime >= seconds{0} && verdict.freshness.lifetime <= kMaxDelta);
    require(verdict.freshness.initial_age >= milliseconds{0});
    Store store(1 << 20);
    const auto partition = store.partition("u");
    const ChainContext context{.store = &store, .cache_partition = partition};
    const auto bytes = std::make_shared<const std::string>(body);
    store.insert(make_entry({partition, uri_key(request), request, response, verdict.freshness, kWall}, bytes),
                 request.fields, store.now_serial());
    config::Timeouts timeouts;
    const RequestContext of_client{.request = &request, .started = kNow, .wall = kWall};
    Exchange x;
    Call call;
    call.context = &of_client;
    call.exchange = &x;
    call.upstream = &upstream;
    call.timeouts = &timeouts;
    call.total_at = kNow;
    remaining_deadline_ms(call, kNow);
    for (const auto later : {seconds{0}, seconds{100}, seconds{1000000}}) {
      const StaleRule rule{.on_error = true, .max_stale = seconds{500000}};
      const EntryPtr entry = select(context, call, rule, kNow + later);
      if (!entry) continue;
      require(entry->freshness.fresh(kNow + later) || !directives.forbids_stale());
      check_reply(answer(call, entry, "fusewire; hit", kNow + later), *entry);
      response_again(*entry);
    }
  }

  void response_again(const Entry& entry) const {
    Response fresh = response;
    fresh.status = 304;
    agreement_of_304(entry, fresh, kWall);
    fresh.status = 200;
    require(agreement_of_head(entry, fresh, kWall) != Agreement::other || fresh.fields.find("content-length") ||
            fresh.fields.find("etag") || fresh.fields.find("last-modified"));
    fresh.status = 304;
    still_holds(entry, fresh, kWall);
    conditions_for(entry);
    require(updated(entry, fresh).content_length == entry.body->size());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Fuzzed(std::string_view(reinterpret_cast<const char*>(data), size)).run();
  return 0;
}
