// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/answer.hpp"

#include <algorithm>

#include "filters/cache/conditional.hpp"
#include "filters/cache/range.hpp"
#include "filters/cache/store.hpp"

namespace fusewire::cache {
namespace {

// What a 304 leaves out: the client has the representation that these describe (RFC 9110 §15.4.5).
bool of_the_representation(std::string_view name) noexcept {
  return iequals(name, "content-type") || iequals(name, "content-encoding") || iequals(name, "content-language");
}

void send_not_modified(Reply& reply, const Entry& entry) {
  reply.status = 304;
  for (const Field& field : entry.fields)
    if (!of_the_representation(field.name)) reply.fields.add(field.name, field.value, field.id);
}

void send_unsatisfiable(Reply& reply, const Entry& entry) {
  reply.status = 416;
  reply.extra_fields += "Content-Range: bytes */" + std::to_string(entry.body->size()) + "\r\n";
}

void send_part(Reply& reply, const Entry& entry, ByteRange range) {
  reply.status = 206;
  reply.fields = entry.fields;
  reply.body = std::string_view(*entry.body).substr(range.first, range.size);
  reply.extra_fields += "Content-Range: bytes " + std::to_string(range.first) + "-" +
                        std::to_string(range.first + range.size - 1) + "/" + std::to_string(entry.body->size()) +
                        "\r\n";
}

void send_whole(Reply& reply, const Entry& entry, bool head) {
  reply.status = entry.status;
  reply.fields = entry.fields;
  if (head) {
    if (entry.status != 204) reply.content_length = entry.body->size();
  } else {
    reply.body = *entry.body;
  }
}

// The request's directives; of those that keep a fallback from it, what the operator lets them say.
RequestDirectives asked_of(const Call& call, StaleRule rule) noexcept {
  RequestDirectives asked = request_directives(call.context->request->fields);
  if (!rule.on_error || call.upstream->cache.request_directives == config::RequestDirectives::honour) return asked;
  asked.no_cache = false;
  asked.max_age.reset();
  asked.min_fresh.reset();
  return asked;
}

milliseconds stale_limit(const RequestDirectives& asked, const Freshness& freshness, StaleRule rule) noexcept {
  if (asked.max_stale) return *asked.max_stale;  // the client's word about its own answer (RFC 9111 §5.2.1.2)
  milliseconds limit{0};
  if (rule.on_error) {
    limit = freshness.stale_if_error ? milliseconds(*freshness.stale_if_error) : rule.max_stale;
    if (asked.stale_if_error) limit = std::max<milliseconds>(limit, *asked.stale_if_error);
  }
  if (rule.while_validating && freshness.stale_while_revalidate)
    limit = std::max<milliseconds>(limit, *freshness.stale_while_revalidate);
  return limit;
}

}  // namespace

bool may_answer(const RequestDirectives& asked, const Freshness& freshness, StaleRule rule, Time now) noexcept {
  const milliseconds age = freshness.age(now);
  if (asked.wants_validation()) return false;
  if (asked.max_age && age > *asked.max_age + asked.max_stale.value_or(seconds{0})) return false;
  if (asked.min_fresh && freshness.lifetime - age < *asked.min_fresh) return false;
  if (freshness.fresh(now)) return true;
  if (freshness.stale_forbidden) return false;
  const milliseconds limit = stale_limit(asked, freshness, rule);
  return limit > milliseconds{0} && freshness.staleness(now) <= limit;
}

bool is_answerable(const Request& request) noexcept {
  return request.is_get_or_head() && !request.has_body() && !only_origin_can_judge(request);
}

Scope scope_of(const ChainContext& context, const Call& call) noexcept {
  return {*context.cache_partition, context.cache_generation, call.cache_scope};
}

EntryPtr select(const ChainContext& context, const Call& call, StaleRule rule, Time now) {
  const Request& request = *call.context->request;
  Partition& partition = *context.cache_partition;
  EntryPtr entry;
  if (partition.entries() != 0 && is_answerable(request))
    entry = context.store->find(scope_of(context, call), uri_key(request), request.fields);
  if (!entry || !may_answer(asked_of(call, rule), entry->freshness, rule, now)) {
    if (call.upstream->cache.serve == config::Serve::on_error) partition.count(Event::miss);
    return nullptr;
  }
  partition.count(entry->freshness.fresh(now) ? Event::hit : Event::stale);
  return entry;
}

Reply answer(const Call& call, EntryPtr entry, std::string_view cache_status, Time now) {
  Reply reply;
  reply.origin = Reply::Origin::stored;
  const HttpTime wall = std::chrono::floor<seconds>(call.context->wall);
  const ByteRange range = requested_range(*call.context->request, *entry, wall);
  if (not_modified(*call.context->request, *entry, wall)) {
    send_not_modified(reply, *entry);
  } else if (range.kind == ByteRange::Kind::part) {
    send_part(reply, *entry, range);
  } else if (range.kind == ByteRange::Kind::unsatisfiable) {
    send_unsatisfiable(reply, *entry);
  } else {
    send_whole(reply, *entry, call.context->request->is_head());
  }
  reply.extra_fields += "Age: " + std::to_string(entry->freshness.age_seconds(now).count()) + "\r\n";
  reply.extra_fields.append("Cache-Status: ").append(cache_status).append("\r\n");
  reply.owner = std::move(entry);
  return reply;
}

Reply not_cached() {
  Reply reply;
  reply.origin = Reply::Origin::problem;
  reply.problem = Problem::not_cached;
  reply.status = 504;
  reply.detail = "the request is only-if-cached, and nothing is stored that may answer it";
  reply.extra_fields = "Cache-Status: fusewire; detail=only-if-cached\r\n";
  return reply;
}

}  // namespace fusewire::cache
