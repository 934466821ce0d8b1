// SPDX-License-Identifier: Apache-2.0
// A finished request, packed: for the journal, and for the collector of traces.
#include "proxy/observe/packed_record.hpp"
#include "proxy/request/call_runner.hpp"
#include "proxy/request/record.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;

// The most of each text that is kept; a byte holds its length.
constexpr std::size_t kName = 64;
constexpr std::size_t kLong = 192;
constexpr std::size_t kUrl = 96;

constexpr std::size_t kCallRoom = sizeof(CallFacts) + kName + Notes::kMax * sizeof(Note);
constexpr std::size_t kAttemptRoom = sizeof(AttemptFacts) + 3 * kUrl;
// What a request takes at most without its calls.
constexpr std::size_t kRequestRoom = sizeof(RequestFacts) + sizeof(TraceFacts) + 4 * kName + 5 * kLong;
static_assert(kRequestRoom + kCallRoom + kAttemptRoom < kMaxRecord);

std::uint16_t short_number(int number) { return static_cast<std::uint16_t>(number); }

// Packs one request: reads what is there, decides nothing.
class Packing {
 public:
  Packing(const FinishedRequest& request, std::byte* room) : request_(request), out_(room, kMaxRecord) {}

  std::size_t run(std::uint32_t* spans) {
    RequestFacts facts = request_facts();
    const Texts texts = request_texts();
    for (std::size_t i = 0; i < texts.size(); ++i) facts.lengths[i] = static_cast<std::uint8_t>(texts[i].size());
    std::byte* const head = out_.put(facts);
    for (const string_view text : texts) out_.put(text);
    if (facts.traced) out_.put(trace_facts(*request_.inbound.trace));
    if (request_.first == nullptr) return out_.size();
    put_calls(facts);
    Packer::rewrite(head, facts);
    if (spans != nullptr) *spans = spans_;
    return out_.size();
  }

 private:
  using Texts = std::array<string_view, RequestFacts::kTexts>;

  std::uint32_t us(Time at) const {
    if (at == kNever) return kNoValue;
    return saturated(std::chrono::duration_cast<std::chrono::microseconds>(at - request_.started).count());
  }
  static std::uint32_t ms(milliseconds limit) { return saturated(limit.count()); }

  RequestFacts request_facts() const {
    return {.wall_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(request_.wall.time_since_epoch()).count(),
            .bytes_in = request_.inbound.body.decoded(),
            .bytes_out = request_.bytes_out,
            .duration_us = us(request_.ended),
            .status = short_number(request_.status),
            .flags = flags_of(request_),
            .minor_version = static_cast<std::uint8_t>(request_.inbound.request.minor_version),
            .error = request_.error,
            .traced = request_.inbound.trace != nullptr};
  }

  Texts request_texts() const {
    const Inbound& inbound = request_.inbound;
    const Request& request = inbound.request;
    Texts texts;
    texts[RequestFacts::listener] = cut(request_.listener, kName);
    if (request_.route != nullptr) texts[RequestFacts::route] = cut(request_.route->config->name, kName);
    texts[RequestFacts::peer] = cut(inbound.peer.address, kName);
    texts[RequestFacts::host] = cut(request.authority, kLong);
    texts[RequestFacts::scheme] = request.scheme;
    texts[RequestFacts::method] = cut(request.method, kName);
    texts[RequestFacts::path] = cut(request.path, kLong);
    texts[RequestFacts::id] = cut(inbound.request_id, kLong);
    texts[RequestFacts::detail] = cut(request_.detail, kLong);
    return texts;
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
    const string_view name = cut(runner.upstream.config->name, kName);
    CallFacts facts = call_facts(runner, of);
    facts.name_length = static_cast<std::uint8_t>(name.size());
    std::byte* const head = out_.put(facts);
    out_.put(name);
    for (const Note& note : runner.call.notes.all()) out_.put(note);
    for (const EndedAttempt& ended : runner.ended_attempts())
      facts.attempts += put_attempt(request, ended.x, ended.endpoint.get(), ended.backend.get(), ended.tries);
    if (const Attempt* last = runner.attempt())
      facts.attempts += put_attempt(request, last->x, last->streams.endpoint().get(), last->streams.backend().get(),
                                    last->forward.attempts());
    Packer::rewrite(head, facts);
    return 1;
  }

  CallFacts call_facts(const CallRunner& runner, CallFacts::Of of) const {
    const Call& call = runner.call;
    return {.permitted_us = us(call.permitted),
            .total_us = us(call.total_at),
            .ended_us = us(runner.exchange().response_end),
            .flags = call.flags,
            .retries_made = call.retries_made,
            .retries_max = static_cast<std::uint8_t>(call.retries->attempts),
            .of = of,
            .verdict = call.verdict,
            .breaker = runner.upstream.state->breaker.state(),
            .outcome = runner.exchange().outcome,
            .endpoint_breakers = call.endpoint_breakers,
            .answered = &runner == request_.source,
            .runs_on = call.runs_on,
            .notes = static_cast<std::uint8_t>(call.notes.all().size())};
  }

  std::uint8_t put_attempt(RequestFacts& request, const Exchange& x, const EndpointState* endpoint,
                           const Backend* backend, unsigned tries) {
    if (endpoint == nullptr) return 0;  // none could be chosen
    if (out_.left() < kAttemptRoom) {
      request.incomplete = true;
      return 0;
    }
    std::array<string_view, AttemptFacts::kTexts> texts;
    texts[AttemptFacts::endpoint] = cut(endpoint->url, kUrl);
    if (backend != nullptr && backend->state)
      texts[AttemptFacts::address] = cut(address_in(backend->state->name), kUrl);
    texts[AttemptFacts::detail] = cut(!x.malformed.empty() ? x.malformed : x.tls_fault.reason, kUrl);
    AttemptFacts facts = attempt_facts(x, tries);
    for (std::size_t i = 0; i < texts.size(); ++i) facts.lengths[i] = static_cast<std::uint8_t>(texts[i].size());
    out_.put(facts);
    for (const string_view text : texts) out_.put(text);
    ++spans_;
    return 1;
  }

  // UPSTREAM/ADDRESS, where an address may have slashes of its own and a name has none.
  static string_view address_in(string_view name) { return name.substr(name.find('/') + 1); }

  AttemptFacts attempt_facts(const Exchange& x, unsigned tries) const {
    return {.span = x.span,
            .begun_us = us(x.begun),
            .connected_us = us(x.connected),
            .sent_us = us(x.request_sent),
            .head_us = us(x.response_head),
            .ended_us = us(x.response_end),
            .connect_ms = ms(x.connect_within),
            .response_ms = ms(x.response_within),
            .idle_ms = ms(x.idle_within),
            .status = short_number(x.upstream_status),
            .outcome = x.outcome,
            .tries = static_cast<std::uint8_t>(tries),
            .kept_connection = x.kept_connection,
            .nothing_sent = x.nothing_sent,
            .client_withheld = x.client_withheld,
            .has_breaker = x.endpoint.breaker != nullptr};
  }

  const FinishedRequest& request_;
  Packer out_;
  std::uint32_t spans_ = 1;  // of the request and its attempts
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
  std::byte* const room = journal->room();
  std::uint32_t spans = 1;
  const std::size_t size = Packing(request, room).run(&spans);
  if (request.inbound.trace != nullptr && request.inbound.trace->sampled())
    worker.spans()->push({.record = std::string(reinterpret_cast<const char*>(room), size),
                          .tracestate = tracestate_of(request.inbound),
                          .spans = spans});
  journal->commit(size);
}

}  // namespace fusewire::proxy
