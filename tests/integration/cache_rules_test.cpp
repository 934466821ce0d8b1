// SPDX-License-Identifier: Apache-2.0
// RFC 9111, rule by rule, with `serve: normal`: what the second request for the same thing gets.
#include <ctime>
#include <string>
#include <vector>

#include "tests/support/rig.hpp"

using namespace fusewire::testing;

namespace {

enum class Second {
  stored,     // answered from the cache
  forwarded,  // asked for as it came
  validated,  // asked about with the stored validator
};

struct Rule {
  const char* says;
  std::string response;  // the first response's field lines
  Second second = Second::stored;
  std::string request = {};        // the second request's field lines
  std::string first_request = {};  // the first one's
  int status = 200;
};

struct CacheRig : Rig {
  explicit CacheRig(const std::string& cache = "serve: normal")
      : Rig(scripts::ok(), std::string(kNoBreaker) + "    cache: {" + cache + "}\n") {}
};

std::string in(long seconds) {
  const std::time_t time = std::time(nullptr) + seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string control(const std::string& directives) { return "Cache-Control: " + directives + "\r\n"; }

void hold(CacheRig& rig, const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    const std::string target = "/" + std::to_string(&rule - rules.data());
    CAPTURE(rule.says);
    CAPTURE(rule.response);
    rig.upstream.script(scripts::reply(response(rule.status, "first", rule.response)));
    REQUIRE(rig.proxy.get(target, rule.first_request).body == "first");
    const std::size_t before = rig.upstream.request_count();
    rig.upstream.script(scripts::ok("second"));
    const Response second = rig.proxy.get(target, rule.request);
    CAPTURE(second.head);
    const bool asked = rig.upstream.request_count() != before;
    CHECK(asked == (rule.second != Second::stored));
    CHECK(second.body == (asked ? "second" : "first"));
    if (!asked) CHECK(second.has("Age"));
    if (!asked) continue;
    const Request request = rig.upstream.requests().back();
    CHECK((request.has("If-None-Match") || request.has("If-Modified-Since")) == (rule.second == Second::validated));
  }
}

const std::string kFresh = control("max-age=600");
const std::string kTagged = "ETag: \"v1\"\r\n";
const std::string kStale = control("max-age=60") + "Age: 100\r\n";

}  // namespace

TEST_CASE("freshness: what Cache-Control and Expires say") {
  CacheRig rig;
  const std::string date = "Date: " + in(0) + "\r\n";
  hold(rig,
       {
           {"max-age makes fresh", kFresh},
           {"directives are case-blind, unknown ones are ignored", control("x, MaX-aGe=600, y=\"z\"")},
           {"a quoted value is a value", control("max-age=\"600\"")},
           {"leading zeros are allowed", control("max-age=000600")},
           {"more than fits is as long as can be said", control("max-age=99999999999999999999")},
           {"max-age=0 is not fresh", control("max-age=0"), Second::forwarded},
           {"a negative value is stale", control("max-age=-600"), Second::forwarded},
           {"a value that is no number is stale", control("max-age='600'"), Second::forwarded},
           {"what stands in a quoted string is not a directive", control("x=\"max-age=600\", max-age=0"),
            Second::forwarded},
           {"s-maxage wins over a longer max-age", control("max-age=600, s-maxage=0"), Second::forwarded},
           {"s-maxage wins over a shorter max-age", control("max-age=0") + control("s-maxage=600")},
           {"max-age wins over a past Expires", kFresh + date + "Expires: " + in(-600) + "\r\n"},
           {"max-age=0 wins over a future Expires", control("max-age=0") + "Expires: " + in(600) + "\r\n",
            Second::forwarded},
           {"a future Expires makes fresh", date + "Expires: " + in(600) + "\r\n"},
           {"Expires counts from Date", "Date: " + in(400) + "\r\nExpires: " + in(300) + "\r\n", Second::forwarded},
           {"Expires: 0 is stale", date + "Expires: 0\r\n", Second::forwarded},
           {"an Expires in another zone is stale", date + "Expires: Thu, 18 Aug 2050 02:01:18 UTC\r\n",
            Second::forwarded},
           {"obsolete forms of a date are dates", date + "Expires: Thu Aug 18 02:01:18 2050\r\n"},
           {"without freshness and a validator nothing is kept", "X-A: 1\r\n", Second::forwarded},
           {"Pragma in a response says nothing", kFresh + "Pragma: no-cache\r\n"},
           {"a field for CDNs says nothing here", kFresh + "CDN-Cache-Control: no-store\r\n"},
       });
}

TEST_CASE("age: what had passed before the response came counts") {
  CacheRig rig;
  hold(rig, {
                {"Age above the lifetime is stale", kStale, Second::forwarded},
                {"Age below it is fresh", control("max-age=700") + "Age: 599\r\n"},
                {"the first of several Ages counts", kFresh + "Age: 0, 700\r\n"},
                {"and the first line", kFresh + "Age: 700\r\nAge: 0\r\n", Second::forwarded},
                {"an Age that is no number says nothing", kFresh + "Age: -700\r\n"},
                {"a huge Age is old", kFresh + "Age: 2147483649\r\n", Second::forwarded},
                {"a Date in the past is age, too", kFresh + "Date: " + in(-700) + "\r\n", Second::forwarded},
                {"a Date in the future is none", kFresh + "Date: " + in(700) + "\r\n"},
            });
}

TEST_CASE("heuristic freshness: a tenth of the time since Last-Modified, for statuses that allow it") {
  CacheRig rig;
  const std::string modified = "Last-Modified: " + in(-86400) + "\r\n";
  for (int status : {200, 203, 300, 301, 308, 404, 405, 410, 414, 501}) {
    CAPTURE(status);
    hold(rig, {{"it is fresh", modified, Second::stored, {}, {}, status}});
    rig.proxy.admin("DELETE", "/admin/cache", std::string("Authorization: Bearer ") + kToken + "\r\n");
  }
  for (int status : {201, 202, 403, 502, 503, 504, 599}) {
    CAPTURE(status);
    hold(rig, {{"it is not", modified, Second::forwarded, {}, {}, status}});
  }
  hold(rig, {{"public makes any status fit for it", modified + control("public"), Second::stored, {}, {}, 599}});
}

TEST_CASE("any final status is kept with explicit freshness, but for those that are about one request alone") {
  CacheRig rig;
  for (int status : {200, 203, 299, 301, 302, 303, 307, 308, 403, 404, 410, 499, 500, 502, 503, 504, 599}) {
    CAPTURE(status);
    const std::string target = "/" + std::to_string(status);
    rig.upstream.script(scripts::reply(response(status, "kept", kFresh)));
    rig.proxy.get(target);
    rig.upstream.script(scripts::ok("new"));
    CHECK(rig.proxy.get(target).body == "kept");
    CHECK(rig.proxy.get(target).status == status);
  }
  for (int status : {206, 400, 401, 407, 408, 412, 413, 415, 416, 425, 426, 429})
    hold(rig, {{"not kept", kFresh, Second::forwarded, {}, {}, status}});
}

TEST_CASE("what is in the way of keeping a response") {
  CacheRig rig;
  hold(rig,
       {
           {"no-store", control("max-age=600, no-store"), Second::forwarded},
           {"no-store in any case", control("No-StOrE"), Second::forwarded},
           {"private", control("max-age=600, private"), Second::forwarded},
           {"private for some fields", control("max-age=600, private=\"x-a\""), Second::forwarded},
           {"no-cache without a validator", control("max-age=600, no-cache"), Second::forwarded},
           {"Set-Cookie", kFresh + "Set-Cookie: a=b\r\n", Second::forwarded},
           {"Vary: *", kFresh + "Vary: *\r\n", Second::forwarded},
           {"Vary with * among others", kFresh + "Vary: x-a\r\nVary: , *\r\n", Second::forwarded},
           {"an open quote", control("max-age=600, x=\"a"), Second::forwarded},
           {"the request's no-store", kFresh, Second::forwarded, {}, control("no-store")},
           {"Authorization", kFresh, Second::forwarded, {}, "Authorization: Basic eDp5\r\n"},
           {"not with public", control("max-age=600, public"), Second::stored, {}, "Authorization: Basic eDp5\r\n"},
           {"nor with s-maxage", control("s-maxage=600"), Second::stored, {}, "Authorization: Basic eDp5\r\n"},
           {"nor with must-revalidate",
            control("max-age=600, must-revalidate"),
            Second::stored,
            {},
            "Authorization: Basic eDp5\r\n"},
           {"Cookie, with explicit freshness, is not", kFresh, Second::stored, {}, "Cookie: a=b\r\n"},
           {"must-understand lifts no-store from a status that is understood",
            control("max-age=600, no-store, must-understand")},
           {"and forbids any other", control("max-age=600, must-understand"), Second::forwarded, {}, {}, 599},
       });
  CacheRig lenient("serve: normal, store_set_cookie: true");
  hold(lenient, {{"unless the operator says so", kFresh + "Set-Cookie: a=b\r\n"}});
}

TEST_CASE("what is stale, or no-cache, is asked about with its validator") {
  CacheRig rig;
  const std::string modified = "Last-Modified: " + in(-86400) + "\r\n";
  hold(rig, {
                {"an entity tag", kStale + kTagged, Second::validated},
                {"a weak one", kStale + "ETag: W/\"v1\"\r\n", Second::validated},
                {"Last-Modified", kStale + modified, Second::validated},
                {"no-cache, however fresh", control("max-age=600, no-cache") + kTagged, Second::validated},
                {"no-cache for some fields", control("max-age=600, no-cache=\"x-a\"") + kTagged, Second::validated},
                {"what says nothing of its freshness", kTagged, Second::validated},
                {"must-revalidate while fresh is fresh", control("max-age=600, must-revalidate") + kTagged},
                {"must-revalidate once stale", control("max-age=60, must-revalidate") + "Age: 100\r\n" + kTagged,
                 Second::validated},
                {"a status that no server validates", kStale + kTagged, Second::forwarded, {}, {}, 404},
            });
}

TEST_CASE("the request's directives") {
  CacheRig rig;
  const std::string aged = control("max-age=600") + "Age: 300\r\n";
  hold(rig, {
                {"no-cache", kFresh, Second::forwarded, control("no-cache")},
                {"no-cache is a question where it can be", kFresh + kTagged, Second::validated, control("no-cache")},
                {"max-age=0", kFresh + kTagged, Second::validated, control("max-age=0")},
                {"max-age below the age", aged, Second::forwarded, control("max-age=200")},
                {"max-age above the age", aged, Second::stored, control("max-age=400")},
                {"min-fresh above what is left", aged, Second::forwarded, control("min-fresh=400")},
                {"min-fresh below it", aged, Second::stored, control("min-fresh=200")},
                {"max-stale above the staleness", kStale, Second::stored, control("max-stale=100")},
                {"max-stale below it", kStale, Second::forwarded, control("max-stale=20")},
                {"max-stale is not stronger than must-revalidate", kStale + control("must-revalidate"),
                 Second::forwarded, control("max-stale")},
                {"Pragma: no-cache alone", kFresh, Second::forwarded, "Pragma: no-cache\r\n"},
                {"Pragma beside Cache-Control says nothing", kFresh, Second::stored,
                 "Pragma: no-cache\r\n" + control("max-age=600")},
                {"an unknown directive", kFresh, Second::stored, control("x=y")},
            });
}

TEST_CASE("Vary: only a request with the same fields is answered") {
  CacheRig rig;
  const std::string vary = kFresh + "Vary: X-A, X-B\r\n";
  const std::string both = "X-A: 1\r\nX-B: 2\r\n";
  hold(rig, {
                {"the same", vary, Second::stored, "X-B: 2\r\nX-A: 1\r\nX-C: 3\r\n", both},
                {"another value", vary, Second::forwarded, "X-A: 2\r\nX-B: 2\r\n", both},
                {"one is missing now", vary, Second::forwarded, "X-A: 1\r\n", both},
                {"one was missing then", vary, Second::forwarded, both, "X-A: 1\r\n"},
                {"missing both times", vary, Second::stored, "X-A: 1\r\n", "X-A: 1\r\n"},
                {"several lines are one list", vary, Second::stored, "X-A: 1\r\nX-A: 2\r\n", "X-A: 1, 2\r\n"},
                {"white space in a list of languages", kFresh + "Vary: Accept-Language\r\n", Second::stored,
                 "Accept-Language: en ,  DE;q=0.5\r\n", "Accept-Language: EN, de; q=0.5\r\n"},
                {"order may mean something", kFresh + "Vary: Accept-Language\r\n", Second::forwarded,
                 "Accept-Language: de, en\r\n", "Accept-Language: en, de\r\n"},
            });
}

TEST_CASE("several variants are kept, each for its own requests") {
  CacheRig rig;
  for (const char* value : {"1", "2"}) {
    rig.upstream.script(scripts::reply(response(200, value, kFresh + "Vary: X-A\r\n")));
    rig.proxy.get("/", std::string("X-A: ") + value + "\r\n");
  }
  CHECK(rig.proxy.get("/", "X-A: 1\r\n").body == "1");
  CHECK(rig.proxy.get("/", "X-A: 2\r\n").body == "2");
  CHECK(rig.upstream.request_count() == 2);
}

TEST_CASE("fields of the connection, and those that it names, are not kept") {
  CacheRig rig;
  rig.upstream.script(
      scripts::reply(response(200, "x",
                              kFresh + "Connection: x-a\r\nX-A: 1\r\nX-B: 2\r\nKeep-Alive: timeout=5\r\nTE: x\r\n"
                                       "Proxy-Authenticate: Basic\r\nProxy-Connection: x\r\nUpgrade: x\r\n")));
  rig.proxy.get("/");
  const Response reply = rig.proxy.get("/");
  for (const char* gone :
       {"X-A", "Connection", "Keep-Alive", "TE", "Proxy-Authenticate", "Proxy-Connection", "Upgrade"}) {
    CAPTURE(gone);
    CHECK_FALSE(reply.has(gone));
  }
  CHECK(reply.field("X-B") == "2");
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a body that breaks off is never kept") {
  CacheRig rig;
  rig.upstream.script(scripts::cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + kFresh + "\r\nhalf"));
  CHECK_FALSE(rig.proxy.get("/").complete);
  rig.upstream.script(scripts::ok("whole"));
  CHECK(rig.proxy.get("/").body == "whole");
}

TEST_CASE("interim responses and trailers are relayed and not kept") {
  CacheRig rig;
  rig.upstream.script(scripts::reply("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n" + kFresh +
                                     "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n" +
                                     chunked("body", 2, "X-T: 1\r\n")));
  const Response first = rig.proxy.get("/");
  CHECK(first.interim.size() == 1);
  CHECK(first.trailers.size() == 1);
  const Response second = rig.proxy.get("/");
  CHECK(second.body == "body");
  CHECK(second.interim.empty());
  CHECK(second.trailers.empty());
  CHECK_FALSE(second.has("Link"));
  CHECK(second.field("Content-Length") == "4");
  CHECK(rig.upstream.request_count() == 1);
}

TEST_CASE("a response is chosen by what the upstream has seen, not by what the client has said") {
  CacheRig rig;
  const std::string german = "Accept-Language: de\r\n";
  const std::string varied = kFresh + "Vary: Accept-Language\r\n";
  const std::string removed = "Connection: accept-language\r\n" + german;
  hold(rig, {
                {"the proxy writes who the client is", kFresh + "Vary: X-Forwarded-For\r\n", Second::forwarded},
                {"and who it is itself", kFresh + "Vary: accept, via\r\n", Second::forwarded},
                {"and how much time is left", kFresh + "Vary: X-Request-Timeout-Ms\r\n", Second::forwarded},
                {"Host is in the URI", kFresh + "Vary: Host\r\n"},
                {"a field that Connection takes out is no variant's", varied, Second::forwarded, german, removed},
                {"it is absent", varied, Second::stored, {}, removed},
                {"also from the request that is answered", varied, Second::stored, removed},
                {"and not there to be answered by", varied, Second::forwarded, removed, german},
            });
}
