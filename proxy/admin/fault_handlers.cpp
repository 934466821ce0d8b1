// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "config/messages.hpp"
#include "proxy/admin/fault_body.hpp"
#include "proxy/admin/fault_view.hpp"
#include "proxy/admin/handlers.hpp"
#include "proxy/observe/log.hpp"
#include "proxy/snapshot/fault_counts.hpp"
#include "proxy/text/time_text.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;

// A time of the steady clock by the wall clock.
std::string wall_text(Time at, Moment now) {
  return time_text(now.wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(at - now.steady));
}

// An element of GET /admin/faults.
json::object listed(const UpstreamState& state, const fault::Fault& fault, Moment now) {
  json::object view = {{"upstream", state.name}};
  for (const auto& [key, value] : fault_view(state, fault, now.steady)) view[key] = value;
  view["since"] = wall_text(fault.since, now);
  view["until"] = wall_text(fault.until, now);
  return view;
}

void log_set(const Call& call, const std::string& upstream, milliseconds lasts, const fault::Fault& fault) {
  std::vector<log::Pair> pairs = {{"change", "inject fault"}, {"upstream", upstream}};
  if (fault.delay.count() > 0) {
    pairs.push_back({"delay_ms", std::int64_t{fault.delay.count()}});
    pairs.push_back({"delay_percent", fault.delay_percent});
  }
  const std::string abort = fault.abort == fault::kReset ? "reset" : std::to_string(fault.abort);
  if (fault.abort != 0) {
    pairs.push_back({"abort", abort});
    pairs.push_back({"abort_percent", fault.abort_percent});
  }
  pairs.push_back({"for_ms", std::int64_t{lasts.count()}});
  const std::string until = wall_text(fault.until, call.now);
  pairs.push_back({"until", until});
  pairs.push_back({"peer", call.request.peer});
  log::write(config::LogLevel::info, "admin change", pairs);
}

void log_removed(const Call& call, const UpstreamState& state, const fault::Fault& fault) {
  const fault::Counts counts = counts_of(state, fault);
  log::info("admin change", {{"change", "remove fault"},
                             {"upstream", state.name},
                             {"delayed", static_cast<std::int64_t>(counts.delayed)},
                             {"aborted", static_cast<std::int64_t>(counts.aborted)},
                             {"peer", call.request.peer}});
}

// Whether there was one.
bool remove(const Call& call, UpstreamState& state) {
  const auto removed = state.faults.clear();
  if (removed) log_removed(call, state, *removed);
  return removed.has_value();
}

Reply bad_upstream(const Call& call, const std::string& name) {
  json::array known;
  for (const auto& upstream : call.view.snapshot->upstreams) known.emplace_back(upstream->state->name);
  return problem(400, "BadRequest", "`upstream`: there is no upstream " + config::quote(name),
                 {{"known", std::move(known)}});
}

}  // namespace

json::object fault_view(const UpstreamState& state, const fault::Fault& fault, Time now) {
  const fault::Counts counts = counts_of(state, fault);
  const bool delays = fault.delay.count() > 0;
  const auto left = std::chrono::duration_cast<milliseconds>(fault.until - now);
  return {{"delay_ms", delays ? json::value(fault.delay.count()) : json::value(nullptr)},
          {"delay_percent", delays ? json::value(fault.delay_percent) : json::value(nullptr)},
          {"abort", abort_view(fault.abort)},
          {"abort_percent", fault.abort != 0 ? json::value(fault.abort_percent) : json::value(nullptr)},
          {"remaining_ms", std::max<std::int64_t>(0, left.count())},
          {"delayed", counts.delayed},
          {"aborted", counts.aborted}};
}

Reply get_faults(const Call& call) {
  json::array list;
  for (const auto& upstream : call.view.snapshot->upstreams)
    if (const auto fault = upstream->state->faults.view(call.now.steady))
      list.push_back(listed(*upstream->state, *fault, call.now));
  return json_reply({{"faults", std::move(list)}});
}

Reply put_fault(const Call& call) {
  FaultBody wanted = parse_fault(call.request.body);
  if (!wanted.error.empty()) return problem(400, "BadRequest", wanted.error);
  const Upstream* const upstream = call.view.snapshot->upstream(wanted.upstream);
  if (upstream == nullptr) return bad_upstream(call, wanted.upstream);
  UpstreamState& state = *upstream->state;
  wanted.fault.since = call.now.steady;
  wanted.fault.until = call.now.steady + wanted.lasts;
  wanted.fault.before = injected_counts(state);
  if (const auto replaced = state.faults.set(wanted.fault)) log_removed(call, state, *replaced);
  log_set(call, state.name, wanted.lasts, wanted.fault);
  return json_reply(listed(state, wanted.fault, call.now));
}

Reply delete_faults(const Call& call) {
  json::array removed;
  for (const auto& upstream : call.view.snapshot->upstreams)
    if (remove(call, *upstream->state)) removed.emplace_back(upstream->state->name);
  return json_reply({{"removed", std::move(removed)}});
}

Reply delete_fault_of(const Call& call) {
  const Upstream* const upstream = call.view.snapshot->upstream(call.name);
  if (upstream == nullptr) return unknown_upstream(call, "UnknownUpstream", call.name);
  json::array removed;
  if (remove(call, *upstream->state)) removed.emplace_back(call.name);
  return json_reply({{"removed", std::move(removed)}});
}

}  // namespace fusewire::proxy::admin
