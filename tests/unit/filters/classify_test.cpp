// SPDX-License-Identifier: Apache-2.0
#include "filters/breaker/classify.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/unit/filters/scene.hpp"

using namespace fusewire;
using namespace fusewire::test;
using breaker::FailureKind;

namespace {

Judgement judged(const config::Classify& rules, Outcome outcome, int status = 0, FieldPairs fields = {}) {
  Scene scene;
  scene.response = ok(fields);
  scene.response.status = status;
  if (status != 0) scene.head(kStart);
  return classify(CompiledClassify(rules), scene.call, outcome);
}

Verdict verdict(const config::Classify& rules, Outcome outcome, int status = 0, FieldPairs fields = {}) {
  return judged(rules, outcome, status, fields).verdict;
}

}  // namespace

TEST_CASE("by default every way in which the upstream can break is a failure of its kind") {
  const std::pair<Outcome, FailureKind> rows[] = {{Outcome::connect_refused, FailureKind::connect_error},
                                                  {Outcome::connect_unreachable, FailureKind::connect_error},
                                                  {Outcome::dns_error, FailureKind::connect_error},
                                                  {Outcome::tls_error, FailureKind::connect_error},
                                                  {Outcome::connect_timeout, FailureKind::timeout},
                                                  {Outcome::dns_timeout, FailureKind::timeout},
                                                  {Outcome::response_timeout, FailureKind::timeout},
                                                  {Outcome::total_timeout, FailureKind::timeout},
                                                  {Outcome::idle_timeout, FailureKind::timeout},
                                                  {Outcome::reset, FailureKind::reset},
                                                  {Outcome::protocol_error, FailureKind::protocol_error},
                                                  {Outcome::incomplete, FailureKind::incomplete}};
  for (const auto& row : rows) {
    CAPTURE(static_cast<int>(row.first));
    const Judgement judgement = judged({}, row.first);
    CHECK(judgement.verdict == Verdict::failure);
    CHECK(judgement.failure == row.second);
  }
}

TEST_CASE("by default 5xx is a failure, every other status a success, 429 too") {
  for (int status : {500, 501, 503, 504, 599}) {
    CAPTURE(status);
    CHECK(verdict({}, Outcome::complete, status) == Verdict::failure);
    CHECK(judged({}, Outcome::abandoned, status).failure == FailureKind::status);
  }
  for (int status : {101, 200, 204, 301, 304, 400, 404, 429, 499}) {
    CAPTURE(status);
    CHECK(verdict({}, Outcome::complete, status) == Verdict::success);
  }
}

TEST_CASE("what the client or our own lack did is neutral") {
  for (Outcome outcome : {Outcome::client_gone, Outcome::client_fault, Outcome::resource_exhausted, Outcome::pending}) {
    CAPTURE(static_cast<int>(outcome));
    CHECK(verdict({}, outcome) == Verdict::neutral);
    CHECK(verdict({}, outcome, 500) == Verdict::neutral);
  }
}

TEST_CASE("what was answered here, or found us full, is no call") {
  CHECK(verdict({}, Outcome::local) == Verdict::none);
  CHECK(verdict({}, Outcome::overload) == Verdict::none);
}

TEST_CASE("listed statuses are failures; a list without 5xx makes them successes") {
  config::Classify rules;
  rules.failure.statuses.reset();
  rules.failure.statuses.set(429);
  CHECK(verdict(rules, Outcome::complete, 429) == Verdict::failure);
  CHECK(verdict(rules, Outcome::complete, 500) == Verdict::success);
}

TEST_CASE("a break that is not listed is neutral, never a success") {
  config::Classify rules;
  rules.failure.connect_error = rules.failure.incomplete = false;
  CHECK(verdict(rules, Outcome::connect_refused) == Verdict::neutral);
  CHECK(verdict(rules, Outcome::incomplete, 200) == Verdict::neutral);
  CHECK(verdict(rules, Outcome::incomplete, 500) == Verdict::failure);
}

TEST_CASE("ignore wins over failure, for names and for statuses") {
  config::Classify rules;
  rules.ignore.timeout = true;
  rules.ignore.statuses.set(503);
  CHECK(verdict(rules, Outcome::response_timeout) == Verdict::neutral);
  CHECK(verdict(rules, Outcome::reset) == Verdict::failure);
  CHECK(verdict(rules, Outcome::complete, 503) == Verdict::neutral);
  CHECK(verdict(rules, Outcome::incomplete, 503) == Verdict::neutral);
  CHECK(verdict(rules, Outcome::complete, 500) == Verdict::failure);
  rules.response_headers = {{"x-error", "."}};
  CHECK(verdict(rules, Outcome::complete, 503, {{"X-Error", "yes"}}) == Verdict::neutral);
}

TEST_CASE("each name under ignore makes its own outcomes neutral") {
  const std::pair<bool config::Conditions::*, Outcome> rows[] = {
      {&config::Conditions::connect_error, Outcome::dns_error},
      {&config::Conditions::timeout, Outcome::connect_timeout},
      {&config::Conditions::reset, Outcome::reset},
      {&config::Conditions::protocol_error, Outcome::protocol_error},
      {&config::Conditions::incomplete, Outcome::incomplete}};
  for (const auto& [name, outcome] : rows) {
    config::Classify rules;
    rules.ignore.*name = true;
    CHECK(verdict(rules, outcome) == Verdict::neutral);
  }
}

TEST_CASE("a response field that matches is a failure, whatever the status") {
  config::Classify rules;
  rules.response_headers = {{"grpc-status", "^(2|13|14)$"}, {"x-app-error", "fatal"}};
  CHECK(verdict(rules, Outcome::complete, 200, {{"Grpc-Status", "14"}}) == Verdict::failure);
  CHECK(judged(rules, Outcome::complete, 200, {{"Grpc-Status", "14"}}).failure == FailureKind::other);
  CHECK(verdict(rules, Outcome::complete, 200, {{"grpc-status", "0"}}) == Verdict::success);
  CHECK(verdict(rules, Outcome::complete, 200, {{"X-App-Error", "minor"}, {"X-App-Error", "a fatal one"}}) ==
        Verdict::failure);
  CHECK(verdict(rules, Outcome::complete, 200) == Verdict::success);
}

TEST_CASE("values are searched in their first KiB, as bytes") {
  config::Classify rules;
  rules.response_headers = {{"x", "end"}, {"x", "^error: .*fatal"}};
  CHECK(verdict(rules, Outcome::complete, 200, {{"X", std::string(1000, '.') + "end"}}) == Verdict::failure);
  CHECK(verdict(rules, Outcome::complete, 200, {{"X", std::string(1024, '.') + "end"}}) == Verdict::success);
  CHECK(verdict(rules, Outcome::complete, 200, {{"X", "error: d\xe9sol\xe9, fatal"}}) == Verdict::failure);
}

TEST_CASE("no expression that is taken is expensive to search for") {
  config::Classify rules;
  std::string text;
  for (unsigned i = 0; i < 60'000; ++i) text += "ab"[i * 2654435761U >> 31];
  for (const std::string expression :
       {"(a|a)*c", "(a+a+)+c", "a.*a.*a.*c", "a.{12}c", "a.{200}c", "(a|b)*a(a|b){80}c"}) {
    rules.response_headers.assign(32, {"x", expression});
    const CompiledClassify compiled(rules);
    for (const std::size_t length : {text.size(), std::size_t{100}}) {
      Fields fields;
      for (std::size_t i = 0; i < 10'000; ++i) fields.add("X", std::string_view(text).substr(i * 5, length));
      const auto began = std::chrono::steady_clock::now();
      for (int i = 0; i < 10; ++i) CHECK_FALSE(compiled.matches(fields));
      CHECK(std::chrono::steady_clock::now() - began < 1s);  // 100 ms each, where 5 are usual
    }
  }
}

TEST_CASE("all fields of a response together are searched no longer than one may be, in their order") {
  config::Classify rules;
  rules.response_headers = {{"x", "end|" + std::string(200, 'y')}};  // as large as it gets: for one KiB
  const CompiledClassify compiled(rules);
  const auto finds_behind = [&](std::size_t fields, std::size_t length, std::string_view name = "X") {
    const std::string text(length, '.');
    Fields all;
    for (std::size_t i = 0; i < fields; ++i) all.add(name, text);
    all.add("x", "end");
    return compiled.matches(all);
  };
  CHECK(finds_behind(1, 1008));  // a short field counts as 16 bytes
  CHECK_FALSE(finds_behind(1, 1009));
  CHECK(finds_behind(63, 0));
  CHECK_FALSE(finds_behind(64, 0));
  CHECK(finds_behind(2, 504));
  CHECK_FALSE(finds_behind(2, 505));
  CHECK_FALSE(finds_behind(9'999, 10));
  CHECK(finds_behind(9'999, 10, "Y"));
}

TEST_CASE("where a large expression may not be searched for any more, a small one still may") {
  config::Classify rules;
  rules.response_headers = {{"x", std::string(200, 'y')}, {"grpc-status", "^(13|14)$"}};
  const std::string text(1000, '.');
  CHECK(verdict(rules, Outcome::complete, 200, {{"X", text}, {"X", text}, {"Grpc-Status", "14"}}) == Verdict::failure);
}

TEST_CASE("short expressions are searched for in everything that is usual") {
  config::Classify rules;
  rules.response_headers.assign(31, {"grpc-status", "^(13|14)$"});
  rules.response_headers.push_back({"x", "end"});
  const std::string text(1021, '.');
  const std::string good = text + "end";
  Fields fields;
  for (int i = 0; i < 20; ++i) fields.add("Grpc-Status", "0");
  for (int i = 0; i < 5; ++i) fields.add("X", text);
  CHECK_FALSE(CompiledClassify(rules).matches(fields));
  fields.add("X", good);
  CHECK(CompiledClassify(rules).matches(fields));
}

TEST_CASE("an expression that is none throws; so does one that takes exponential time to match") {
  config::Classify rules;
  for (const std::string expression : {"(", "^(.)\\1$", "(?=a)b", "((a{100}){100}){100}", "a.{1000}c"}) {
    CAPTURE(expression);
    rules.response_headers = {{"x", expression}};
    CHECK_THROWS_AS(CompiledClassify{rules}, std::invalid_argument);
  }
}

TEST_CASE("a later hop's open breaker is a failure, or neutral by choice") {
  const FieldPairs fields = {{"Proxy-Status", "inner; error=destination_unavailable; details=\"x\""}};
  config::Classify rules;
  CHECK(verdict(rules, Outcome::complete, 503, fields) == Verdict::failure);
  CHECK(verdict(rules, Outcome::complete, 200, fields) == Verdict::failure);
  rules.cascade = config::Cascade::neutral;
  CHECK(verdict(rules, Outcome::complete, 503, fields) == Verdict::neutral);
  CHECK(verdict(rules, Outcome::incomplete, 503, fields) == Verdict::failure);
}

TEST_CASE("Proxy-Status is read as the list that it is") {
  const auto says = [](std::string_view value) {
    return says_destination_unavailable(make_fields({{"proxy-status", value}}));
  };
  CHECK(says("a; error=destination_unavailable"));
  CHECK(says("a;error=destination_unavailable"));
  CHECK(says("a; received-status=200, \"b c\"; next-hop=x; error=destination_unavailable"));
  CHECK_FALSE(says("a; error=connection_refused"));
  CHECK_FALSE(says("a; details=\"; error=destination_unavailable\""));
  CHECK_FALSE(says("a; xerror=destination_unavailable"));
  CHECK_FALSE(says("a; error=destination_unavailable_x"));
  CHECK_FALSE(says("error=destination_unavailable"));
  CHECK_FALSE(says_destination_unavailable(make_fields({{"x", "a; error=destination_unavailable"}})));
}

TEST_CASE("a client whose own deadline was the shorter one does not make its upstream fail") {
  Scene scene;
  const CompiledClassify rules{config::Classify{}};
  scene.call.short_deadline = true;
  CHECK(classify(rules, scene.call, Outcome::total_timeout).verdict == Verdict::neutral);
  CHECK(classify(rules, scene.call, Outcome::response_timeout).verdict == Verdict::failure);
  scene.call.short_deadline = false;
  CHECK(classify(rules, scene.call, Outcome::total_timeout).verdict == Verdict::failure);
}

TEST_CASE("what the upstream ends while its client withholds something is neutral") {
  Scene scene;
  scene.x.client_withheld = true;
  const CompiledClassify rules{{}};
  for (const Outcome outcome : {Outcome::reset, Outcome::incomplete, Outcome::response_timeout, Outcome::total_timeout,
                                Outcome::idle_timeout}) {
    CAPTURE(static_cast<int>(outcome));
    CHECK(classify(rules, scene.call, outcome).verdict == Verdict::neutral);
  }
  for (const Outcome outcome : {Outcome::protocol_error, Outcome::connect_refused})
    CHECK(classify(rules, scene.call, outcome).verdict == Verdict::failure);
}

TEST_CASE("an upstream that keeps a client's short deadline has not failed") {
  Scene scene;
  config::Timeouts timeouts;
  timeouts.response = timeouts.total = 1s;
  scene.call.timeouts = &timeouts;
  scene.response.status = 504;
  scene.call.permitted = kStart;
  scene.call.deadline_asked = scene.call.short_deadline = true;
  scene.call.total_at = kStart + 800ms;
  const CompiledClassify rules{{}};
  const auto verdict_at = [&](milliseconds after) {
    scene.head(kStart + after);
    return classify(rules, scene.call, Outcome::complete).verdict;
  };
  CHECK(verdict_at(600ms) == Verdict::neutral);
  CHECK(verdict_at(599ms) == Verdict::failure);
  scene.call.gone_by = std::exchange(scene.call.total_at, kNever);  // a trial that runs on
  CHECK(verdict_at(900ms) == Verdict::neutral);
  CHECK(verdict_at(599ms) == Verdict::failure);
  scene.call.short_deadline = false;
  CHECK(verdict_at(600ms) == Verdict::failure);
}

TEST_CASE("a deadline that leaves the upstream little time may be refused at once") {
  Scene scene;
  config::Timeouts timeouts;
  timeouts.response = 1s;
  timeouts.total = 60s;
  scene.call.timeouts = &timeouts;
  scene.response.status = 504;
  scene.call.permitted = kStart;
  scene.call.deadline_asked = scene.call.short_deadline = true;
  scene.head(kStart + 1ms);
  const CompiledClassify rules{{}};
  scene.call.total_at = kStart + 499ms;
  CHECK(classify(rules, scene.call, Outcome::complete).verdict == Verdict::neutral);
  scene.call.total_at = kStart + 500ms;
  CHECK(classify(rules, scene.call, Outcome::complete).verdict == Verdict::failure);
}

TEST_CASE("an error about a request that its client has chosen so is neutral") {
  const CompiledClassify rules{{}};
  const auto verdict_on = [&](int status, Request request, FieldPairs fields) {
    Scene scene;
    scene.request = std::move(request);
    scene.response = ok(fields);
    scene.response.status = status;
    scene.head(kStart);
    const Judgement judgement = classify(rules, scene.call, Outcome::complete);
    CHECK(judgement.by_client == (judgement.verdict == Verdict::neutral));
    return judgement.verdict;
  };
  Request unknown = get();
  unknown.method = "BREW";
  CHECK(verdict_on(501, unknown, {}) == Verdict::neutral);
  CHECK(verdict_on(501, get(), {}) == Verdict::failure);
  CHECK(verdict_on(504, get("/a", {{"Cache-Control", "only-if-cached"}}), {}) == Verdict::neutral);
  CHECK(verdict_on(503, get("/a", {{"Cache-Control", "only-if-cached"}}), {}) == Verdict::failure);
  CHECK(verdict_on(502, get(), {{"Proxy-Status", "next; error=proxy_loop_detected"}}) == Verdict::neutral);
  CHECK(verdict_on(501, get(), {{"Proxy-Status", "next; error=http_request_error"}}) == Verdict::neutral);
  CHECK(verdict_on(502, get(), {{"Proxy-Status", "next; error=connection_refused"}}) == Verdict::failure);
}

TEST_CASE("an error that answers a withheld upload is neutral, a success is one") {
  Scene scene;
  config::Classify listed;
  listed.failure.statuses.set(408);
  const CompiledClassify rules(listed);
  const CompiledClassify usual{{}};
  const auto verdict_on = [&](const CompiledClassify& by, int status, bool stalled) {
    scene.response.status = status;
    scene.head(kStart);
    scene.x.answered_stall = stalled;
    return classify(by, scene.call, Outcome::complete).verdict;
  };
  CHECK(verdict_on(rules, 408, true) == Verdict::neutral);
  CHECK(verdict_on(rules, 408, false) == Verdict::failure);
  CHECK(verdict_on(usual, 408, true) == Verdict::neutral);
  CHECK(verdict_on(usual, 408, false) == Verdict::success);
  CHECK(verdict_on(usual, 500, true) == Verdict::neutral);
  CHECK(verdict_on(usual, 500, false) == Verdict::failure);
  CHECK(verdict_on(usual, 200, true) == Verdict::success);
}
