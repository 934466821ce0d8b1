// SPDX-License-Identifier: Apache-2.0
// The words of the configuration file and what they stand for, for reading and for printing.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace fusewire::config {

template <class E>
struct Word {
  std::string_view name;
  E value{};
};

inline constexpr Word<Mode> kModes[] = {
    {"enforce", Mode::enforce}, {"shadow", Mode::shadow}, {"disabled", Mode::disabled}};
inline constexpr Word<Measure> kMeasures[] = {{"head", Measure::head}, {"body", Measure::body}};
inline constexpr Word<WindowType> kWindowTypes[] = {{"time_based", WindowType::time_based},
                                                    {"count_based", WindowType::count_based}};
inline constexpr Word<Scope> kScopes[] = {
    {"auto", Scope::automatic}, {"upstream", Scope::upstream}, {"endpoint", Scope::endpoint}, {"route", Scope::route}};
inline constexpr Word<ProbeType> kProbeTypes[] = {
    {"traffic", ProbeType::traffic}, {"active", ProbeType::active}, {"connect", ProbeType::connect}};
inline constexpr Word<BalancingPolicy> kBalancingPolicies[] = {{"health_score", BalancingPolicy::health_score},
                                                               {"round_robin", BalancingPolicy::round_robin},
                                                               {"random", BalancingPolicy::random},
                                                               {"least_request", BalancingPolicy::least_request},
                                                               {"hash", BalancingPolicy::hash}};
inline constexpr Word<HashKey::By> kHashKeys[] = {
    {"header", HashKey::By::header}, {"cookie", HashKey::By::cookie}, {"ip", HashKey::By::ip}};
inline constexpr Word<Cascade> kCascades[] = {{"failure", Cascade::failure}, {"neutral", Cascade::neutral}};
inline constexpr Word<RequestDirectives> kRequestDirectives[] = {{"honour", RequestDirectives::honour},
                                                                 {"ignore", RequestDirectives::ignore}};
inline constexpr Word<HostRewrite::Kind> kHostRewrites[] = {{"auto", HostRewrite::Kind::automatic},
                                                            {"preserve", HostRewrite::Kind::preserve},
                                                            {"endpoint", HostRewrite::Kind::endpoint}};
inline constexpr Word<Normalize> kNormalize[] = {{"none", Normalize::none},
                                                 {"reject_dot_segments", Normalize::reject_dot_segments}};
inline constexpr Word<HalfClose> kHalfClose[] = {{"abort", HalfClose::abort}, {"answer", HalfClose::answer}};
inline constexpr Word<WhenFull> kWhenFull[] = {{"refuse", WhenFull::refuse}, {"wait", WhenFull::wait}};
inline constexpr Word<TlsVersion> kTlsVersions[] = {{"1.2", TlsVersion::v1_2}, {"1.3", TlsVersion::v1_3}};
inline constexpr Word<Serve> kServes[] = {{"on_error", Serve::on_error}, {"normal", Serve::normal}};
inline constexpr Word<LogLevel> kLogLevels[] = {{"trace", LogLevel::trace}, {"debug", LogLevel::debug},
                                                {"info", LogLevel::info},   {"warn", LogLevel::warn},
                                                {"error", LogLevel::error}, {"off", LogLevel::off}};
inline constexpr Word<WebhookFormat> kWebhookFormats[] = {{"json", WebhookFormat::json},
                                                          {"slack", WebhookFormat::slack},
                                                          {"pagerduty", WebhookFormat::pagerduty},
                                                          {"alertmanager", WebhookFormat::alertmanager}};
inline constexpr Word<WebhookEvent> kWebhookEvents[] = {{"open", WebhookEvent::open},
                                                        {"half_open", WebhookEvent::half_open},
                                                        {"closed", WebhookEvent::closed},
                                                        {"override_set", WebhookEvent::override_set},
                                                        {"override_ended", WebhookEvent::override_ended},
                                                        {"reset", WebhookEvent::reset}};
inline constexpr Word<LogFormat> kLogFormats[] = {{"json", LogFormat::json}, {"text", LogFormat::text}};

// Outcomes in a list of conditions. Those of a call come first; the last two only make sense in `fallback.on`.
inline constexpr Word<bool Conditions::*> kOutcomes[] = {{"connect_error", &Conditions::connect_error},
                                                         {"timeout", &Conditions::timeout},
                                                         {"reset", &Conditions::reset},
                                                         {"protocol_error", &Conditions::protocol_error},
                                                         {"incomplete", &Conditions::incomplete},
                                                         {"breaker_open", &Conditions::breaker_open},
                                                         {"overload", &Conditions::overload}};
inline constexpr std::size_t kCallOutcomes = 5;

template <class E, std::size_t N>
std::string_view name_of(const Word<E> (&words)[N], E value) {
  for (const auto& word : words)
    if (word.value == value) return word.name;
  return {};
}

template <class E>
std::vector<std::string_view> names_of(std::span<const Word<E>> words) {
  std::vector<std::string_view> names;
  for (const auto& word : words) names.push_back(word.name);
  return names;
}

}  // namespace fusewire::config
