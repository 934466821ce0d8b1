// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "config/scalars.hpp"
#include "filters/timeout/adaptive_timeout.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/admin/views.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/snapshot/named_breaker.hpp"
#include "proxy/snapshot/own_routes.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

constexpr std::size_t kLastTransitions = 10;

// All but the last transitions.
BreakerFacts brief_facts(const Control& control, const ControlView& view, const NamedBreaker& of, Moment now) {
  BreakerFacts facts;
  facts.name = of.name;
  facts.snapshot = snapshot_of(of, *view.snapshot, now.steady);
  facts.config = of.config;
  if (facts.snapshot.override_state != breaker::Override::none) facts.override_end = control.override_end(facts.name);
  return facts;
}

BreakerFacts facts_of(const Call& call, const NamedBreaker& of) {
  BreakerFacts facts = brief_facts(call.control, call.view, of, call.now);
  facts.last_transitions = call.control.events().last_of(facts.name, kLastTransitions);
  return facts;
}

std::vector<BreakerFacts> all_facts(const Call& call) { return breaker_facts(call.control, call.view, call.now); }

Reply unknown(const Call& call, std::string_view name) { return unknown_upstream(call, "UnknownBreaker", name); }

void log_change(const Call& call, std::string_view change, std::string_view breaker) {
  log::info("admin change", {{"change", change}, {"breaker", breaker}, {"peer", call.request.peer}});
}

// ?for=10m
struct Limit {
  std::optional<config::milliseconds> value;
  bool valid = true;
};
Limit limit_of(const Call& call) {
  const std::string* text = call.target.find("for");
  if (!text) return {};
  const auto value = config::parse_duration(*text);
  return {value, value.has_value() && value->count() > 0};
}

Reply force(const Call& call, std::string_view change,
            void (breaker::Breaker::*force_member)(breaker::Time, std::optional<config::milliseconds>)) {
  const auto found = find_breaker(*call.view.snapshot, call.name);
  if (!found) return unknown(call, call.name);
  const auto [limit, valid] = limit_of(call);
  if (!valid) return problem(400, "BadRequest", "`for` must be a duration above zero, such as 10m");
  (found->breaker->*force_member)(call.now.steady, limit);
  std::vector<log::Pair> pairs = {{"change", change}, {"breaker", call.name}, {"peer", call.request.peer}};
  if (limit) pairs.push_back({"for_ms", std::int64_t{limit->count()}});
  log::write(config::LogLevel::info, "admin change", pairs);
  return json_reply(forced_view(facts_of(call, *found), call.now));
}

// What an upstream, or a route, has learned goes with its breaker's window.
void reset_all(const Call& call, const NamedBreaker& of) {
  of.breaker->reset(call.now.steady);
  const Upstream* const upstream = of.address ? nullptr : call.view.snapshot->upstream(of.name);
  if (upstream != nullptr && upstream->chain.adaptive_timeout != nullptr) upstream->chain.adaptive_timeout->clear();
  if (upstream != nullptr) upstream->state->limits.adaptive_limit.clear();
  for (const Route* route : routes_with_limits(*call.view.snapshot))
    if (route->upstream == upstream || route->own->limits->state.name == of.name)
      route->own->limits->state.adaptive_limit.clear();
}

Reply change(const Call& call, std::string_view change_name, void (breaker::Breaker::*member)(breaker::Time)) {
  const auto found = find_breaker(*call.view.snapshot, call.name);
  if (!found) return unknown(call, call.name);
  (found->breaker->*member)(call.now.steady);
  log_change(call, change_name, call.name);
  return json_reply(breaker_view(facts_of(call, *found), call.now));
}

// {"names":["a","b"]}; nothing when the body is something else.
std::optional<std::set<std::string>> parse_names(const std::string& body) {
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  const json::object* object = error ? nullptr : parsed.if_object();
  if (!object || object->size() != 1 || !object->contains("names") || !object->at("names").is_array())
    return std::nullopt;
  std::set<std::string> names;
  for (const json::value& name : object->at("names").as_array()) {
    if (!name.is_string()) return std::nullopt;
    names.emplace(name.as_string());
  }
  return names;
}

std::set<std::string> all_names(const Snapshot& snapshot) {
  std::set<std::string> names;
  for (const NamedBreaker& one : breakers_of(snapshot)) names.insert(one.name);
  return names;
}

}  // namespace

std::vector<BreakerFacts> breaker_facts(const Control& control, const ControlView& view, Moment now) {
  std::vector<BreakerFacts> all;
  for (const NamedBreaker& one : breakers_of(*view.snapshot)) all.push_back(brief_facts(control, view, one, now));
  return all;
}

Reply unknown_upstream(const Call& call, std::string_view error, std::string_view name) {
  json::array known;
  for (const auto& upstream : call.view.snapshot->upstreams) known.emplace_back(upstream->state->name);
  return problem(404, error, "there is no upstream '" + std::string(name) + "'", {{"known", std::move(known)}});
}

Reply get_breakers(const Call& call) {
  auto transitions = call.control.events().last_of_each(kLastTransitions);
  json::array list;
  for (BreakerFacts& facts : all_facts(call)) {
    facts.last_transitions = std::move(transitions[facts.name]);
    list.push_back(breaker_view(facts, call.now));
  }
  return json_reply({{"circuit_breakers", std::move(list)}});
}

Reply get_breakers_health(const Call& call) {
  const std::vector<BreakerFacts> all = all_facts(call);
  json::array list;
  for (const BreakerFacts& facts : all) list.push_back(brief_view(facts));
  return json_reply({{"status", verdict(all)}, {"circuit_breakers", std::move(list)}});
}

Reply get_breaker(const Call& call) {
  const auto found = find_breaker(*call.view.snapshot, call.name);
  return found ? json_reply(breaker_view(facts_of(call, *found), call.now)) : unknown(call, call.name);
}

Reply post_reset(const Call& call) {
  const auto& snapshot = call.view.snapshot;
  const auto names = call.request.body.empty() ? all_names(*snapshot) : parse_names(call.request.body);
  if (!names) return problem(400, "BadRequest", R"(the body is empty, or {"names":["…"]})");
  for (const std::string& name : *names)
    if (!find_breaker(*snapshot, name)) return unknown(call, name);
  json::array reset;
  for (const std::string& name : *names) {
    if (const auto found = find_breaker(*snapshot, name)) reset_all(call, *found);
    log_change(call, "reset", name);
    reset.emplace_back(name);
  }
  return json_reply({{"reset", std::move(reset)}});
}

Reply post_breaker_reset(const Call& call) {
  const auto found = find_breaker(*call.view.snapshot, call.name);
  if (!found) return unknown(call, call.name);
  reset_all(call, *found);
  log_change(call, "reset", call.name);
  return json_reply(breaker_view(facts_of(call, *found), call.now));
}
Reply post_force_open(const Call& call) { return force(call, "force-open", &breaker::Breaker::force_open); }
Reply post_force_close(const Call& call) { return force(call, "force-close", &breaker::Breaker::force_closed); }
Reply post_release(const Call& call) { return change(call, "release", &breaker::Breaker::release); }

}  // namespace fusewire::proxy::admin
