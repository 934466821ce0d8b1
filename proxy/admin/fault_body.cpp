// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/fault_body.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "config/messages.hpp"
#include "config/scalars.hpp"
#include "proxy/admin/json_body.hpp"

namespace fusewire::proxy::admin {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr milliseconds kMinLasting = 1s;
constexpr milliseconds kMaxLasting = 1h;
constexpr milliseconds kMaxDelay = 1min;
constexpr int kMinStatus = 400;
constexpr int kMaxStatus = 599;

constexpr std::string_view kLasting = "must be a duration from 1s to 1h, such as \"10m\"";
constexpr std::string_view kDelay = "must be a duration above zero, up to 1m, such as \"2s\"";
constexpr std::string_view kPercent = "must be a number above 0, up to 100";
constexpr std::string_view kAbort = "must be a status from 400 to 599, or \"reset\"";

// Reads the members of one body, and notes the first thing that is wrong.
class Reading {
 public:
  Reading(const json::object& object, FaultBody& out) : object_(object), out_(out) {}

  void run() {
    for (const auto& member : object_)
      if (std::ranges::find(kKeys, std::string_view(member.key())) == kKeys.end())
        return fail("unknown key " + config::quote(std::string(member.key())) +
                    config::suggestion(std::string(member.key()), {kKeys.begin(), kKeys.end()}));
    read_upstream();
    read_duration("for", kMinLasting, kMaxLasting, kLasting, out_.lasts);
    if (object_.contains("delay")) read_duration("delay", 1ms, kMaxDelay, kDelay, out_.fault.delay);
    if (object_.contains("abort")) read_abort();
    read_percent("delay_percent", "delay", out_.fault.delay_percent);
    read_percent("abort_percent", "abort", out_.fault.abort_percent);
    if (!object_.contains("delay") && !object_.contains("abort")) fail("`delay` or `abort` is missing: one is needed");
  }

 private:
  static constexpr std::array<std::string_view, 6> kKeys = {"upstream",      "for",   "delay",
                                                            "delay_percent", "abort", "abort_percent"};

  void fail(std::string error) {
    if (out_.error.empty()) out_.error = std::move(error);
  }
  void fail(std::string_view key, std::string_view expected) {
    fail("`" + std::string(key) + "` " + std::string(expected));
  }

  void read_upstream() {
    const json::value* const value = object_.if_contains("upstream");
    if (value == nullptr) return fail("`upstream` is missing: it is the name of one");
    if (!value->is_string() || value->as_string().empty()) return fail("upstream", "must be the name of an upstream");
    out_.upstream = std::string(value->as_string());
  }

  void read_duration(std::string_view key, milliseconds min, milliseconds max, std::string_view expected,
                     milliseconds& out) {
    const json::value* const value = object_.if_contains({key.data(), key.size()});
    if (value == nullptr) return fail("`" + std::string(key) + "` is missing: it " + std::string(expected));
    const auto duration =
        value->is_string() ? config::parse_duration(std::string(value->as_string())) : std::optional<milliseconds>();
    if (!duration || *duration < min || *duration > max) return fail(key, expected);
    out = *duration;
  }

  void read_abort() {
    const json::value& value = object_.at("abort");
    if (value.is_string() && value.as_string() == "reset") {
      out_.fault.abort = fault::kReset;
      return;
    }
    const auto* const status = value.if_int64();
    if (status == nullptr || *status < kMinStatus || *status > kMaxStatus) return fail("abort", kAbort);
    out_.fault.abort = static_cast<std::uint16_t>(*status);
  }

  void read_percent(std::string_view key, std::string_view of, double& out) {
    const json::value* const value = object_.if_contains({key.data(), key.size()});
    if (value == nullptr) return;
    if (!object_.contains({of.data(), of.size()}))
      return fail("`" + std::string(key) + "` says how much of `" + std::string(of) + "`, which is missing");
    if (!value->is_number()) return fail(key, kPercent);
    out = value->to_number<double>();
    if (!(out > 0 && out <= 100)) fail(key, kPercent);
  }

  const json::object& object_;
  FaultBody& out_;
};

}  // namespace

FaultBody parse_fault(std::string_view body) {
  FaultBody fault;
  const JsonBody parsed = parse_object(body);
  fault.error = parsed.error;
  if (fault.error.empty()) Reading(parsed.object, fault).run();
  return fault;
}

}  // namespace fusewire::proxy::admin
