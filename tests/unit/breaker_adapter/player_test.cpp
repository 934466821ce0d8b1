// SPDX-License-Identifier: Apache-2.0
// breaker_adapter line by line.
#include "tests/breaker_adapter/player.hpp"

#include <doctest/doctest.h>

#include <string>

namespace fusewire::adapter {
namespace {

struct Table {
  Player player;

  std::string say(std::string_view line) { return boost::json::serialize(player.play(line)); }
  bool refuses(std::string_view line) { return player.play(line).contains("error"); }
  boost::json::object state() { return player.play(R"({"op":"state"})"); }
};

const std::string kOk = R"({"ok":true})";
const std::string kNew = R"({"op":"new","name":"x","config":{"detection":{"consecutive_failures":{"threshold":2}}}})";

TEST_CASE("a whole round, from closed to open and back") {
  Table table;
  CHECK(table.say(kNew) == kOk);
  CHECK(table.say(R"({"op":"acquire"})") == R"({"permit":1})");
  CHECK(table.say(R"({"op":"acquire"})") == R"({"permit":2})");
  CHECK(table.say(R"({"op":"acquire"})") == R"({"permit":3})");
  CHECK(table.say(R"({"op":"success","permit":1})") == kOk);
  CHECK(table.say(R"({"op":"broke_off","permit":1})") == kOk);
  CHECK(table.say(R"({"op":"failure","permit":2,"kind":"timeout"})") == kOk);
  CHECK(table.say(R"({"op":"slow","permit":3})") == kOk);
  CHECK(table.say(R"({"op":"failure","permit":3,"kind":"timeout"})") == kOk);
  CHECK(table.say(R"({"op":"acquire"})") == R"({"rejected":"open","retry_after_ms":30000})");
  CHECK(table.say(R"({"op":"advance","ms":1})") == kOk);
  CHECK(table.say(R"({"op":"state"})") ==
        R"({"state":"open","override":"none","generation":1,)"
        R"("window":{"ended":4,"failures":3,"judged":4,"slow":1},"consecutive_failures":2,"consecutive_slow_calls":1,)"
        R"("half_open":{"in_flight":0,"successes":0,"failures":0},"retry_after_ms":29999,)"
        R"("totals":{"success":1,"failure":3,"neutral":0,"rejected":1,"would_reject":0,"trips":1},)"
        R"("last_trip":{"reason":"consecutive_failures"}})");
  table.say(R"({"op":"advance","ms":29999})");
  CHECK(table.say(R"({"op":"acquire"})") == R"({"permit":4})");
  CHECK(table.say(R"({"op":"slow","permit":4})") == kOk);
  CHECK(table.say(R"({"op":"drop","permit":4})") == kOk);
  CHECK(table.say(R"({"op":"acquire"})") == R"({"rejected":"open","retry_after_ms":60000})");
  CHECK(table.state()["last_trip"] == boost::json::value({{"reason", "probe_failed"}}));
}

TEST_CASE("before any trip last_trip is null, and the clock stands at 0") {
  Table table;
  table.say(kNew);
  CHECK(table.state()["last_trip"].is_null());
  CHECK(table.state()["retry_after_ms"] == 0);
}

TEST_CASE("half-open rejections have no time left, forced ones only with an end") {
  Table table;
  table.say(R"({"op":"new","config":{"recovery":{"half_open_max_calls":1},)"
            R"("detection":{"consecutive_failures":{"threshold":1}}}})");
  table.say(R"({"op":"acquire"})");
  table.say(R"({"op":"failure","permit":1})");
  table.say(R"({"op":"advance","ms":30000})");
  CHECK(table.say(R"({"op":"acquire"})") == R"({"permit":2})");
  CHECK(table.say(R"({"op":"acquire"})") == R"({"rejected":"half_open","retry_after_ms":0})");
  CHECK(table.say(R"({"op":"force_open"})") == kOk);
  CHECK(table.say(R"({"op":"acquire"})") == R"({"rejected":"forced_open"})");
  CHECK_FALSE(table.state().contains("retry_after_ms"));
  CHECK(table.say(R"({"op":"force_open","for_ms":50})") == kOk);
  CHECK(table.say(R"({"op":"acquire"})") == R"({"rejected":"forced_open","retry_after_ms":50})");
  CHECK(table.say(R"({"op":"force_closed"})") == kOk);
  CHECK(table.state()["override"] == "forced_closed");
  CHECK(table.say(R"({"op":"release"})") == kOk);
  CHECK(table.state()["override"] == "none");
  CHECK(table.say(R"({"op":"reset"})") == kOk);
  CHECK(table.state()["state"] == "closed");
  CHECK(table.state()["generation"] == 3);
}

TEST_CASE("in shadow what would be rejected is an unjudged permit") {
  Table table;
  table.say(R"({"op":"new","config":{"mode":"shadow"}})");
  table.say(R"({"op":"force_open"})");
  CHECK(table.say(R"({"op":"acquire"})") == R"({"permit":1,"unjudged":true})");
  CHECK(table.state()["totals"].at("would_reject") == 1);
}

TEST_CASE("a slot is given back once, and only by a permit that holds one") {
  Table table;
  table.say(R"({"op":"new","config":{"recovery":{"half_open_max_calls":1},)"
            R"("detection":{"consecutive_failures":{"threshold":1}}}})");
  table.say(R"({"op":"acquire"})");
  CHECK(table.refuses(R"({"op":"give_back_slot","permit":1})"));
  table.say(R"({"op":"failure","permit":1})");
  table.say(R"({"op":"advance","ms":30000})");
  table.say(R"({"op":"acquire"})");
  CHECK(table.say(R"({"op":"give_back_slot","permit":2})") == kOk);
  CHECK(table.refuses(R"({"op":"give_back_slot","permit":2})"));
  CHECK(table.state()["half_open"].at("in_flight") == 0);
  CHECK(table.say(R"({"op":"failure","permit":2})") == kOk);
  CHECK(table.state()["state"] == "open");
}

TEST_CASE("a permit that is withdrawn has ended and is in no total") {
  Table table;
  table.say(kNew);
  table.say(R"({"op":"acquire"})");
  CHECK(table.say(R"({"op":"withdraw","permit":1})") == kOk);
  CHECK(table.refuses(R"({"op":"success","permit":1})"));
  CHECK(table.state()["totals"].at("neutral") == 0);
}

TEST_CASE("a row with a chance, and one without") {
  Table table;
  for (const auto& [chance, state] : {std::pair{"0.000001", "closed"}, std::pair{"\"off\"", "open"}}) {
    table.say(R"({"op":"new","config":{"detection":{"consecutive_failures":{"threshold":5,"chance":)" +
              std::string(chance) + "}}}}");
    std::int64_t permit = 0;
    const auto one = [&](const std::string& op) {
      permit = table.player.play(R"({"op":"acquire"})").at("permit").as_int64();
      table.say(R"({"op":")" + op + R"(","permit":)" + std::to_string(permit) + "}");
    };
    for (int i = 0; i < 200; ++i) one("success");
    for (int i = 0; i < 5; ++i) one("failure");
    CHECK(table.state()["consecutive_failures"] == 5);
    CHECK(table.state()["state"] == state);
  }
}

TEST_CASE("a permit ends once") {
  Table table;
  table.say(kNew);
  table.say(R"({"op":"acquire"})");
  CHECK_FALSE(table.refuses(R"({"op":"neutral","permit":1})"));
  for (const std::string op : {"success", "failure", "neutral", "drop", "withdraw", "slow", "broke_off"})
    CHECK(table.refuses(R"({"op":")" + op + R"(","permit":1})"));
  CHECK(table.refuses(R"({"op":"success","permit":2})"));
  CHECK(table.state()["totals"].at("neutral") == 1);
}

TEST_CASE("a stream breaks off once, and only after its success") {
  Table table;
  table.say(kNew);
  table.say(R"({"op":"acquire"})");
  CHECK(table.refuses(R"({"op":"broke_off","permit":1})"));
  table.say(R"({"op":"success","permit":1})");
  CHECK_FALSE(table.refuses(R"({"op":"broke_off","permit":1})"));
  CHECK(table.refuses(R"({"op":"broke_off","permit":1})"));
}

TEST_CASE("a reload says what it emptied, and a bad one changes nothing") {
  Table table;
  table.say(kNew);
  table.say(R"({"op":"acquire"})");
  table.say(R"({"op":"failure","permit":1})");
  CHECK(table.say(R"({"op":"reload","config":{"detection":{"window":{"type":"count_based","size":50},)"
                  R"("failure_count":{"threshold":3,"window":"10s"}}}})") ==
        R"({"ok":true,"emptied":["window","failure_count"]})");
  CHECK(table.state()["consecutive_failures"] == 1);
  CHECK(table.state()["window"].at("ended") == 0);
  CHECK(table.refuses(R"({"op":"reload","config":{"detection":{"minimum_calls":0}}})"));
  CHECK(table.refuses(R"({"op":"reload","config":{"nonsense":1}})"));
  CHECK(table.say(R"({"op":"reload","config":{"detection":{"window":{"type":"count_based","size":50},)"
                  R"("failure_count":{"threshold":4,"window":"10s"}}}})") == kOk);
}

TEST_CASE("a bad new leaves the breaker before it; a good one starts at 0 and knows no old permit") {
  Table table;
  table.say(kNew);
  table.say(R"({"op":"acquire"})");
  table.say(R"({"op":"advance","ms":5000})");
  CHECK(table.refuses(R"({"op":"new","config":{"recovery":{"probe":{"type":"active","path":"/"}}}})"));
  CHECK(table.refuses(R"({"op":"new","config":{"recovery":{"ramp":{"duration":"10s"}}}})"));
  CHECK(table.refuses(R"({"op":"new","config":[]})"));
  CHECK_FALSE(table.refuses(R"({"op":"failure","permit":1})"));
  table.say(R"({"op":"acquire"})");
  CHECK(table.say(R"({"op":"new"})") == kOk);
  CHECK(table.refuses(R"({"op":"failure","permit":2})"));
  CHECK(table.state()["totals"].at("failure") == 0);
}

TEST_CASE("what cannot be understood is an error and no end") {
  Table table;
  for (const std::string line : {"", "nonsense", "[]", "{}", R"({"op":7})", R"({"op":"acquire"})", R"({"op":"state"})"})
    CHECK(table.refuses(line));
  table.say(kNew);
  table.say(R"({"op":"acquire"})");
  for (const std::string line :
       {R"({"op":"dance"})", R"({"op":"success"})", R"({"op":"success","permit":"1"})", R"({"op":"advance"})",
        R"({"op":"advance","ms":-1})", R"({"op":"advance","ms":1.5})", R"({"op":"advance","ms":9000000000000000000})",
        R"({"op":"failure","permit":1,"kind":"boredom"})", R"({"op":"force_open","for_ms":"1s"})"})
    CHECK(table.refuses(line));
  CHECK(table.say(R"({"op":"success","permit":1})") == kOk);
}

}  // namespace
}  // namespace fusewire::adapter
