// SPDX-License-Identifier: Apache-2.0
// A finished request, packed: for the journal, and for the collector of traces.
#include <algorithm>
#include <span>

#include "proxy/observe/packed_record.hpp"
#include "proxy/request/call_runner.hpp"
#include "proxy/request/record.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;

// The most of each text that is kept; a byte holds its length.
constexpr std::size_t kShort = 64;
constexpr std::size_t kLong = 192;

constexpr std::size_t kCallRoom = sizeof(CallFacts) + Notes::kMax * sizeof(Note) + Packer::kAlignment;
constexpr std::size_t kAttemptRoom = sizeof(AttemptFacts) + kShort + Packer::kAlignment;
// What a request takes at most without its calls.
constexpr std::size_t kRequestRoom =
    sizeof(RequestFacts) + sizeof(TraceFacts) + 2 * kShort + 4 * kLong + Packer::kAlignment;
static_assert(kRequestRoom + kCallRoom + kAttemptRoom < kMaxRecord);

std::uint16_t short_number(int number) { return static_cast<std::uint16_t>(number); }

// Packs one request: reads what is there, decides nothing. Names that many requests share are referred to.
class Packing {
 public:
  Packing(const FinishedRequest& request, JournalWriter& journal)
      : request_(request), journal_(journal), out_(journal.begin_record(), kMaxRecord) {}

  std::size_t run() {
    RequestFacts& facts = out_.put([&] { return request_facts(); });
    put_texts(facts);
    if (facts.traced) out_.put([&] { return trace_facts(*request_.inbound.trace); });
    if (request_.first != nullptr) put_calls(facts);
    return out_.size();
  }
  std::uint32_t spans() const { return spans_; }  // of the request and its attempts

 private:
  static std::uint32_t ms(milliseconds limit) { return static_cast<std::uint32_t>(limit.count()); }

  RequestFacts request_facts() {
    const Inbound& inbound = request_.inbound;
    return {.wall_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(request_.wall.time_since_epoch()).count(),
            .started = request_.started,
            .ended = request_.ended,
            .bytes_in = inbound.body.decoded(),
            .bytes_out = request_.bytes_out,
            .flags = flags_of(request_),
            .status = short_number(request_.status),
            .minor_version = static_cast<std::uint8_t>(inbound.request.minor_version),
            .error = request_.error,
            .traced = inbound.trace != nullptr,
            .own_id = inbound.own_request_id,
            .tls = inbound.request.scheme.size() == std::string_view("https").size(),
            .names = names_of_way()};
  }

  // Of its listener and route.
  std::uint16_t names_of_way() {
    const Route* const route = request_.route;
    const void* const owner = route != nullptr ? static_cast<const void*>(route) : request_.listener.data();
    return journal_.names(
        [&] {
          return NamePair{request_.listener, route != nullptr ? route->config->name : string_view{}};
        },
        owner);
  }

  // In the order of RequestFacts::Text.
  void put_texts(RequestFacts& facts) {
    const Inbound& inbound = request_.inbound;
    const Request& request = inbound.request;
    out_.put(facts.lengths.data(), cut(inbound.peer.address, kShort), cut(request.authority, kLong),
             cut(request.method, kShort), cut(request.path, kLong), cut(inbound.request_id, kLong),
             cut(request_.detail, kLong));
  }

  static TraceFacts trace_facts(const TraceContext& trace) {
    return {.trace_id = trace.id_digits(), .span = trace.span(), .parent = trace.parent(), .sampled = trace.sampled()};
  }

  void put_calls(RequestFacts& facts) {
    const CallRunner& first = *request_.first;
    facts.calls += put_call(facts, first, CallFacts::own);
    put_fallbacks(facts, first.fallback());
  }
  // The earliest first.
  void put_fallbacks(RequestFacts& facts, const CallRunner* call) {
    if (call == nullptr) return;
    put_fallbacks(facts, call->earlier_fallback());
    facts.calls += put_call(facts, *call, CallFacts::fallback);
  }

  std::uint8_t put_call(RequestFacts& request, const CallRunner& runner, CallFacts::Of of) {
    if (out_.left() < kCallRoom) {
      request.incomplete = true;
      return 0;
    }
    const Call& call = runner.call;
    CallFacts& facts = out_.put([&] { return call_facts(runner, of); });
    for (const Note& note : call.notes.all()) out_.put([&] { return note; });
    for (const EndedAttempt& ended : runner.ended_attempts())
      facts.attempts += put_attempt(request, call, ended.x, ended.endpoint.get(), ended.backend.get(), ended.tries);
    if (const Attempt* last = runner.attempt())
      facts.attempts += put_attempt(request, call, last->x, last->streams.endpoint_state(),
                                    last->streams.backend().get(), last->forward.attempts());
    return 1;
  }

  CallFacts call_facts(const CallRunner& runner, CallFacts::Of of) {
    const Call& call = runner.call;
    const Upstream& upstream = runner.upstream;
    return {.permitted = call.permitted,
            .total = call.total_at,
            .ended = runner.exchange().response_end,
            .flags = call.flags,
            .retries_made = call.retries_made,
            .retries_max = static_cast<std::uint8_t>(call.retries->attempts),
            .of = of,
            .verdict = call.verdict,
            .breaker = runner.context.breaker->state(),
            .outcome = runner.exchange().outcome,
            .endpoint_breakers = call.endpoint_breakers,
            .answered = &runner == request_.source,
            .runs_on = call.runs_on,
            .route_breaker = runner.context.above_breaker != nullptr,
            .notes = static_cast<std::uint8_t>(call.notes.all().size()),
            .names = journal_.names(
                [&] {
                  return NamePair{upstream.config->name, {}};
                },
                &upstream)};
  }

  std::uint8_t put_attempt(RequestFacts& request, const Call& call, const Exchange& x, const EndpointState* endpoint,
                           const Backend* backend, unsigned tries) {
    if (endpoint == nullptr) return 0;  // none could be chosen
    if (out_.left() < kAttemptRoom) {
      request.incomplete = true;
      return 0;
    }
    const string_view detail = cut(!x.malformed.empty() ? x.malformed : x.tls_fault.reason, kShort);
    AttemptFacts& facts = out_.put([&] { return attempt_facts(call, x, tries); });
    facts.names = names_of(*endpoint, backend);
    out_.put(&facts.detail_length, detail);
    ++spans_;
    return 1;
  }

  // An address may be forgotten without a reload, and another one take its place in memory.
  std::uint16_t names_of(const EndpointState& endpoint, const Backend* backend) {
    const AddressState* const address = backend != nullptr ? backend->state.get() : nullptr;
    const auto pair = [&] {
      return NamePair{endpoint.url, address != nullptr ? address_in(address->name) : string_view{}};
    };
    if (address == nullptr) return journal_.names(pair, &endpoint);
    return journal_.names(pair, &endpoint, address, backend->state);
  }

  // UPSTREAM/ADDRESS, where an address may have slashes of its own and a name has none.
  static string_view address_in(string_view name) { return name.substr(name.find('/') + 1); }

  // A request without a body counts as sent when it began, whatever connecting took: so it is slow in time.
  static Time sent_at(const Exchange& x) {
    const bool waited = x.request_sent != kNever && x.connected != kNever;
    return waited ? std::max(x.request_sent, x.connected) : x.request_sent;
  }

  static AttemptFacts attempt_facts(const Call& call, const Exchange& x, unsigned tries) {
    return {.span = x.span,
            .begun = x.begun,
            .connected = x.connected,
            .sent = sent_at(x),
            .head = x.response_head,
            .ended = x.response_end,
            .connect_ms = ms(x.connect_within),
            .response_ms = ms(x.response_within),
            .idle_ms = ms(x.idle_within),
            .injected_delay_ms = x.injected.delay_ms,
            .status = short_number(x.upstream_status),
            .injected_abort = x.injected.abort,
            .outcome = x.outcome,
            .tries = static_cast<std::uint8_t>(tries),
            .kept_connection = x.kept_connection,
            .nothing_sent = x.nothing_sent,
            .client_withheld = x.client_withheld,
            .has_breaker = x.endpoint.breaker != nullptr,
            .hedge = x.begun == call.hedged_at,
            .current = &x == call.exchange};
  }

  const FinishedRequest& request_;
  JournalWriter& journal_;
  Packer out_;
  std::uint32_t spans_ = 1;
};

// What the client sent of it, as one list.
std::string tracestate_of(const Inbound& inbound) {
  constexpr std::size_t kMaxState = 512;  // as long as it must be passed on (Trace Context §3.3.1.5)
  std::string state;
  if (!inbound.trace->keeps_state()) return state;
  for (const Field& field : inbound.request.fields)
    if (field.id == FieldId::tracestate && state.size() + field.value.size() < kMaxState)
      state.append(state.empty() ? "" : ",").append(field.value);
  return state;
}

}  // namespace

void keep(WorkerContext& worker, const FinishedRequest& request) {
  JournalWriter* const journal = worker.journal();
  if (journal == nullptr) return;
  Packing packing(request, *journal);
  const std::size_t size = packing.run();
  if (request.inbound.sampled_trace() != nullptr)
    worker.spans()->push({.record = alone(journal->record(size), journal->names()),
                          .tracestate = tracestate_of(request.inbound),
                          .spans = packing.spans()});
  journal->commit(size);
}

}  // namespace fusewire::proxy
