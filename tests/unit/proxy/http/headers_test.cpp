// SPDX-License-Identifier: Apache-2.0
// Forwarding (RFC 9110 §7.6): what changes in a head on its way through, byte for byte.
#include "proxy/http/headers.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proxy/http/chunk_writer.hpp"

using namespace fusewire;
using namespace fusewire::proxy;

namespace {

const Peer kStranger{.address = "10.0.0.9", .trusted = false, .port = 8080};
const Peer kTrusted{.address = "10.0.0.9", .trusted = true, .port = 8080};
const std::string kOurs =
    "X-Request-Id: id-1\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Port: 8080\r\nX-Real-IP: 10.0.0.9\r\n"
    "Forwarded: for=10.0.0.9;host=h;proto=http\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\nVia: 1.1 "
    "us\r\n\r\n";

// What is asked of a request's head beside what it says itself.
struct Asked {
  std::string_view deadline_header = {};
  std::optional<std::int64_t> deadline_ms = {};
  std::string_view host = {};  // empty: the client's
  std::string_view conditions = {};
};

std::string forwarded(const std::string& bytes, const Peer& peer = kStranger, const Asked& asked = {}) {
  Request request;
  const auto head = http::parse_request_head(bytes, {}, request);
  REQUIRE(head.parsed == http::Parsed::complete);
  std::string out;
  append_request_head(out, {.request = request,
                            .connection = head.connection,
                            .peer = peer,
                            .via = "us",
                            .request_id = "id-1",
                            .host = asked.host.empty() ? request.authority : asked.host,
                            .deadline_header = asked.deadline_header,
                            .deadline_ms = asked.deadline_ms,
                            .conditions = asked.conditions});
  return out;
}

// The request's own part of what is forwarded, when the host is "h".
std::string passed(const std::string& fields) {
  const std::string out = forwarded("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  REQUIRE(out.substr(0, start.size()) == start);
  REQUIRE(out.size() >= start.size() + kOurs.size());
  REQUIRE(out.substr(out.size() - kOurs.size()) == kOurs);
  return out.substr(start.size(), out.size() - start.size() - kOurs.size());
}

std::string line(const std::string& head, const std::string& name) {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "(absent)";
  const auto from = at + name.size() + 4;
  return head.substr(from, head.find("\r\n", from) - from);
}

struct Relayed {
  ClientBody body = ClientBody::length;
  std::optional<std::uint64_t> length = 5;
  bool close = false;
  bool http10 = false;
};

std::string relayed(const std::string& bytes, Relayed how = {}) {
  Response response;
  const auto head = http::parse_response_head(bytes, {}, false, response);
  REQUIRE(head.parsed == http::Parsed::complete);
  std::string out;
  append_response_head(out,
                       {.status = response.status,
                        .reason = response.reason,
                        .fields = response.fields,
                        .connection = &head.connection,
                        .content_length = how.length,
                        .request_id = "id-1",
                        .date_line = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"},
                       {.body = how.body, .close = how.close, .http10 = how.http10});
  return out;
}

}  // namespace

TEST_CASE("everything that is not named passes unchanged and in order") {
  const std::string fields =
      "x-First: 1\r\nAccept: a\r\nACCEPT: b\r\nCookie: c=d;  e\r\nX-Empty: \r\nAuthorization: Basic eDp5\r\n"
      "Expect: 100-continue\r\nDate: then\r\nVia: 1.0 before\r\nX-Late: \xc3\xa9\r\n";
  CHECK(passed(fields) == fields);
}

TEST_CASE("Content-Length is written once, in its place, as one number") {
  CHECK(passed("A: 1\r\nContent-Length: 5, 5\r\nB: 2\r\nContent-Length: 005\r\n") ==
        "A: 1\r\nContent-Length: 5\r\nB: 2\r\n");
  CHECK(passed("Content-Length: 0\r\n") == "Content-Length: 0\r\n");
}

TEST_CASE("fields of this hop end here, and those that Connection names") {
  CHECK(passed("A: 1\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: trailers\r\n"
               "Upgrade: h2c\r\nx-private: 1\r\nX-PRIVATE: 2\r\nconnection: Cookie\r\nCookie: c\r\nB: 2\r\n") ==
        "A: 1\r\nB: 2\r\n");
  CHECK(passed("Transfer-Encoding: Chunked\r\nTrailer: X-Sum\r\nA: 1\r\n") ==
        "Trailer: X-Sum\r\nA: 1\r\nTransfer-Encoding: chunked\r\n");
}

TEST_CASE("Trailer goes no further than a body that can have trailers") {
  CHECK(passed("Trailer: X-Sum\r\nContent-Length: 5\r\n") == "Content-Length: 5\r\n");
}

TEST_CASE("a client can't have the proxy's own fields removed") {
  const std::string out = forwarded(
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: Via, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Forwarded, "
      "X-Request-Id, x-request-timeout-ms\r\nVia: 1.1 other\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n",
      kStranger, {"x-request-timeout-ms", 250});
  CHECK(out == "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: id-1\r\nx-request-timeout-ms: 250\r\n" +
                   kOurs.substr(kOurs.find("X-Forwarded-For")));
}

TEST_CASE("forwarding fields of a stranger are replaced") {
  CHECK(passed("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
               "Forwarded: for=6.6.6.6\r\nx-forwarded-for: 7.7.7.7\r\nX-Real-IP: 6.6.6.6\r\n"
               "x-forwarded-port: 666\r\n") == "");
}

TEST_CASE("names that read like the proxy's own once `_` is `-` go with them, no matter who sends them") {
  const std::string fields =
      "X_Forwarded_For: 6.6.6.6\r\nx-forwarded_proto: https\r\nX_FORWARDED_HOST: evil\r\nX_Forwarded_Port: 666\r\n"
      "X_Real_IP: 6.6.6.6\r\nX_Request_Id: x\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n"
      "Keep_Alive: 5\r\nProxy_Connection: close\r\nMax_Forwards: 0\r\n";
  CHECK(passed(fields) == "");
  CHECK(forwarded("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n", kTrusted) ==
        "GET / HTTP/1.1\r\nHost: h\r\n" + kOurs);
  CHECK(passed("X_Other: 1\r\n_: 2\r\nX-Forwarded_Fo: 3\r\nX_Forwarded__For: 4\r\n") ==
        "X_Other: 1\r\n_: 2\r\nX-Forwarded_Fo: 3\r\nX_Forwarded__For: 4\r\n");
}

TEST_CASE("forwarding fields of a trusted peer are kept and appended to, on one line each") {
  const std::string out = forwarded(
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For:\r\nForwarded: for=1.1.1.1\r\n"
      "x-forwarded-for: 2.2.2.2, 3.3.3.3\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: first\r\n\r\n",
      kTrusted);
  CHECK(out ==
        "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: id-1\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9\r\n"
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: first\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 3.3.3.3\r\n"
        "Forwarded: for=1.1.1.1, for=10.0.0.9;host=h;proto=http\r\nVia: 1.1 us\r\n\r\n");
}

TEST_CASE("of a trusted peer's fields with one value the first stays, and ours stands where there is none") {
  const auto sent = [](const std::string& fields) {
    return forwarded("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n", kTrusted);
  };
  struct Single {
    const char* name;
    const char* ours;
  };
  for (const Single& single : std::vector<Single>{{"X-Forwarded-Proto", "http"},
                                                  {"X-Forwarded-Host", "h"},
                                                  {"X-Forwarded-Port", "8080"},
                                                  {"X-Real-IP", "10.0.0.9"}}) {
    const std::string name = single.name;
    CAPTURE(name);
    CHECK(line(sent(""), name) == single.ours);
    CHECK(line(sent(name + ":\r\n"), name) == single.ours);
    for (const char* fields : {": theirs\r\n", ": theirs\r\nX-Other: 1\r\n", ": theirs, older\r\n", ": , theirs\r\n"})
      CHECK(line(sent(name + fields), name) == "theirs");
    const std::string twice = sent(name + ": theirs\r\n" + name + ": second\r\n");
    CHECK(line(twice, name) == "theirs");
    CHECK(twice.find("second") == std::string::npos);
  }
}

TEST_CASE("what a trusted peer's Connection names goes no further, whatever else it says of its client") {
  const std::string out = forwarded(
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: x-forwarded-host, X-Forwarded-Proto, forwarded\r\n"
      "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Host: theirs\r\nX-Forwarded-Proto: https\r\nForwarded: for=2.2.2.2\r\n"
      "\r\n",
      kTrusted);
  CHECK(line(out, "X-Forwarded-For") == "1.1.1.1, 10.0.0.9");
  CHECK(line(out, "X-Forwarded-Host") == "h");
  CHECK(line(out, "X-Forwarded-Proto") == "http");
  CHECK(out.find("2.2.2.2") == std::string::npos);
  CHECK(out.find("theirs") == std::string::npos);
}

TEST_CASE("a trusted peer that names its scheme and no port has not said ours; its own peer is who really asks") {
  const auto sent = [](const std::string& fields) {
    return forwarded("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n", kTrusted);
  };
  CHECK(line(sent("X-Forwarded-Proto: https\r\n"), "X-Forwarded-Port") == "443");
  CHECK(line(sent("X-Forwarded-Proto: HTTP\r\n"), "X-Forwarded-Port") == "8080");
  CHECK(line(sent("X-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\n"), "X-Forwarded-Port") == "8443");
  CHECK(line(sent("X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\n"), "X-Real-IP") == "1.1.1.1");
}

TEST_CASE("white space around a value goes, also where nothing else of a line changes") {
  CHECK(passed("A: 1\r\nB:  2\r\nC:3\r\nD:\t4\r\nE: 5 \r\nF: \r\nG:\r\n") ==
        "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: \r\nG: \r\n");
}

TEST_CASE("what is made once for a peer is what is made for each of its requests") {
  for (Peer peer : {kStranger, Peer{}, Peer{.address = "2001:db8::1", .port = 443}}) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const std::string each_time = forwarded(bytes, peer);
    peer.forwarding = forwarding_of(peer);
    CHECK(forwarded(bytes, peer) == each_time);
  }
}

TEST_CASE("a peer on a unix socket has neither port nor address") {
  const std::string out = forwarded("GET / HTTP/1.1\r\nHost: h\r\nX-Real-IP: 1\r\nX-Forwarded-Port: 1\r\n\r\n", Peer{});
  CHECK(line(out, "X-Forwarded-For") == "unknown");
  CHECK(line(out, "X-Forwarded-Port") == "(absent)");
  CHECK(line(out, "X-Real-IP") == "(absent)");
}

TEST_CASE("an IPv6 peer is quoted in Forwarded and bare in X-Forwarded-For") {
  const Peer peer{.address = "2001:db8::1"};
  const std::string out = forwarded("GET / HTTP/1.1\r\nHost: h:81\r\n\r\n", peer);
  CHECK(line(out, "X-Forwarded-For") == "2001:db8::1");
  CHECK(line(out, "Forwarded") == "for=\"[2001:db8::1]\";host=\"h:81\";proto=http");
}

TEST_CASE("an absolute-form target goes on in origin-form, and decides the Host in its place") {
  struct Target {
    const char* method;
    const char* received;
    const char* sent;
  };
  for (const Target& target : std::vector<Target>{{"GET", "http://other:81/a/../b?c", "/a/../b?c"},
                                                  {"GET", "http://other:81", "/"},
                                                  {"GET", "http://other:81?c", "/?c"},
                                                  {"OPTIONS", "http://other:81", "*"},
                                                  {"OPTIONS", "http://other:81/", "/"}}) {
    CAPTURE(target.received);
    const std::string out =
        forwarded(std::string(target.method) + " " + target.received + " HTTP/1.1\r\nA: 1\r\nhost: h\r\nB: 2\r\n\r\n");
    const std::string start =
        std::string(target.method) + " " + target.sent + " HTTP/1.1\r\nA: 1\r\nhost: other:81\r\nB: 2\r\n";
    CHECK(out.substr(0, start.size()) == start);
    CHECK(line(out, "X-Forwarded-Host") == "other:81");
  }
}

TEST_CASE("target bytes are forwarded unchanged") {
  for (const char* target :
       {"/", "//", "/a/../b//c/./%2e%2E/%zz;p=1?x=%00&y=a|b", "/?", "/<>\"{}|\\^`", "/\xe2\x98\x83"}) {
    CAPTURE(target);
    const std::string out = forwarded(std::string("GET ") + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(out.substr(0, out.find("\r\n")) == std::string("GET ") + target + " HTTP/1.1");
  }
}

TEST_CASE("a request of HTTP/1.0 becomes one of HTTP/1.1, with the endpoint's name for a missing Host") {
  const std::string bare = forwarded("GET / HTTP/1.0\r\n\r\n", kStranger, {.host = "orders:9000"});
  CHECK(bare.substr(0, 16) == "GET / HTTP/1.1\r\n");
  CHECK(line(bare, "Host") == "orders:9000");
  CHECK(line(bare, "X-Forwarded-Host") == "(absent)");
  CHECK(line(bare, "Forwarded") == "for=10.0.0.9;proto=http");
  CHECK(line(bare, "Via") == "1.0 us");
  CHECK(line(forwarded("GET / HTTP/1.0\r\nHost: h\r\n\r\n"), "Host") == "h");
}

TEST_CASE("another Host than the client's stands in its place, and the client's in X-Forwarded-Host") {
  for (const char* bytes : {"GET / HTTP/1.1\r\nA: 1\r\nHost: h\r\nB: 2\r\n\r\n",
                            "GET http://h/ HTTP/1.1\r\nA: 1\r\nHost: x\r\nB: 2\r\n\r\n"}) {
    const std::string out = forwarded(bytes, kStranger, {.host = "orders:9443"});
    CHECK(out == "GET / HTTP/1.1\r\nA: 1\r\nHost: orders:9443\r\nB: 2\r\n" + kOurs);
  }
}

TEST_CASE("X-Request-Id is one, in its place") {
  CHECK(forwarded("GET / HTTP/1.1\r\nx-request-id: a\r\nHost: h\r\nX-Request-Id: b\r\n\r\n").substr(0, 48) ==
        "GET / HTTP/1.1\r\nx-request-id: id-1\r\nHost: h\r\nX-F");
}

TEST_CASE("Max-Forwards counts down on OPTIONS and passes on other methods") {
  const auto left = [](const std::string& method, const std::string& value) {
    return line(forwarded(method + " / HTTP/1.1\r\nHost: h\r\nMax-Forwards: " + value + "\r\n\r\n"), "Max-Forwards");
  };
  CHECK(left("OPTIONS", "5") == "4");
  CHECK(left("OPTIONS", "10") == "9");
  CHECK(left("OPTIONS", "1") == "0");
  CHECK(left("OPTIONS", "x") == "x");
  CHECK(left("OPTIONS", "-1") == "-1");
  CHECK(left("GET", "5") == "5");
}

TEST_CASE("the deadline header is passed on reduced, and only once") {
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 900\r\nA: 1\r\nx-request-timeout-ms: 1\r\n\r\n";
  const std::string out = forwarded(bytes, kStranger, {"x-request-timeout-ms", 250});
  CHECK(out == "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nX-Request-Id: id-1\r\nx-request-timeout-ms: 250\r\n" +
                   kOurs.substr(kOurs.find("X-Forwarded-For")));
  CHECK(line(forwarded(bytes), "X-Request-Timeout-Ms") == "900");
}

TEST_CASE("what Connection names is no trailer of what goes on") {
  Request request;
  const auto head = http::parse_request_head(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: X-Sum, close\r\nConnection: x-other\r\nTransfer-Encoding: "
      "chunked\r\n\r\n",
      {}, request);
  REQUIRE(head.parsed == http::Parsed::complete);
  http::ChunkWriter writer;
  writer.set_connection(request.fields, head.connection);
  Fields trailers;
  trailers.add("x-sum", "1");
  trailers.add("X-Other", "2");
  trailers.add("X-Others", "3");
  Gather gather;
  writer.add(gather, {}, true, trailers);
  std::string out;
  for (const auto& part : gather.parts()) out.append(static_cast<const char*>(part.data()), part.size());
  CHECK(out == "0\r\nX-Others: 3\r\n\r\n");
}

TEST_CASE("what reads like the deadline header never passes, and what is in it counts for nothing") {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\nX_Request_Timeout-Ms: 900\r\nA: 1\r\n\r\n";
  CHECK(forwarded(bytes, kStranger, {"x-request-timeout-ms"}) == "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\n" + kOurs);
  const std::string odd = "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: soon\r\n\r\n";
  CHECK(line(forwarded(odd, kStranger, {"x-request-timeout-ms"}), "X-Request-Timeout-Ms") == "soon");
}

TEST_CASE("a loop is seen in any Via field by the whole pseudonym") {
  const auto loops = [](const std::string& fields) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
    Request request;
    REQUIRE(http::parse_request_head(bytes, {}, request).parsed == http::Parsed::complete);
    return passed_here_before(request.fields, "us");
  };
  CHECK(loops("Via: 1.1 us\r\n"));
  CHECK(loops("Via: 1.0 other\r\nvia: 1.1 other ,HTTP/1.1  us (a comment)\r\n"));
  CHECK_FALSE(loops("Via: 1.1 usher, 1.1 bus, us\r\n"));
  CHECK_FALSE(loops("X-Via: 1.1 us\r\n"));
  CHECK_FALSE(loops(""));
}

TEST_CASE("a response passes unchanged and in order, Content-Length in its place") {
  CHECK(
      relayed("HTTP/1.0 203 Fine\r\nx-b: 1\r\nSet-Cookie: a\r\nCONTENT-length: 5, 5\r\nSet-Cookie: b\r\nDate: then\r\n"
              "Content-Length: 5\r\nX-Request-Id: theirs\r\n\r\n") ==
      "HTTP/1.1 203 Fine\r\nx-b: 1\r\nSet-Cookie: a\r\nCONTENT-length: 5\r\nSet-Cookie: b\r\nDate: then\r\n"
      "X-Request-Id: theirs\r\n\r\n");
}

TEST_CASE("fields of the upstream's hop end here, and Date and X-Request-Id are added where they are missing") {
  CHECK(relayed("HTTP/1.1 200 OK\r\nConnection: x-private, Date\r\nX-Private: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\n"
                "Proxy-Connection: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nDate: then\r\nA: 1\r\n\r\n",
                {.body = ClientBody::chunked, .length = {}}) ==
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nA: 1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Request-Id: id-1\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("the framing that is announced to a client is the one that it gets") {
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nDate: d\r\nX-Request-Id: i\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n";
  const std::string sized = "HTTP/1.1 200 OK\r\nDate: d\r\nX-Request-Id: i\r\nContent-Length: 5\r\n\r\n";
  const std::string start = "HTTP/1.1 200 OK\r\nDate: d\r\nX-Request-Id: i\r\n";
  CHECK(relayed(chunked, {.body = ClientBody::until_close, .length = {}, .close = true, .http10 = true}) ==
        start + "Connection: close\r\n\r\n");
  CHECK(relayed(sized, {.http10 = true}) == start + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n");
  CHECK(relayed(sized, {.close = true}) == start + "Content-Length: 5\r\nConnection: close\r\n\r\n");
  CHECK(relayed(sized, {.body = ClientBody::chunked, .length = {}}) == start + "Transfer-Encoding: chunked\r\n\r\n");
  CHECK(relayed(sized, {.body = ClientBody::none, .length = 5}) == start + "Content-Length: 5\r\n\r\n");
  CHECK(relayed(sized, {.body = ClientBody::none, .length = {}}) == start + "\r\n");
  CHECK(relayed(chunked, {.length = 7}) == start + "Content-Length: 7\r\n\r\n");
}

TEST_CASE("a 1xx passes without what would frame it") {
  Response response;
  const auto head = http::parse_response_head(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Private\r\nX-Private: 1\r\nContent-Length: 5\r\n"
      "Transfer-Encoding: chunked\r\nKeep-Alive: 5\r\nLink: </b>\r\n\r\n",
      {}, false, response);
  // RFC 9110 §8.6 and RFC 9112 §6.1: neither has a place there; both together are refused like anywhere else.
  CHECK(head.parsed == http::Parsed::refused);
  const auto with_length = http::parse_response_head(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Private\r\nX-Private: 1\r\nContent-Length: "
      "5\r\nKeep-Alive: 5\r\n"
      "Link: </b>\r\n\r\n",
      {}, false, response);
  REQUIRE(with_length.parsed == http::Parsed::complete);
  std::string out;
  append_interim_head(out, response, with_length.connection);
  CHECK(out == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n");
}

TEST_CASE("trailers pass but for those that frame, route, authenticate or say how to treat the content") {
  Fields trailers;
  REQUIRE(http::parse_trailers("X-Sum: 1\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nVia: 1.1 x\r\n"
                               "X-Request-Id: x\r\nX_Real_Ip: x\r\nHost: x\r\nContent-Length: 5\r\n"
                               "Transfer-Encoding: chunked\r\nConnection: Host, a b\r\nAuthorization: Basic x\r\n"
                               "Set-Cookie: a\r\nset_cookie: a\r\nContent-Type: x\r\nCache-Control: public\r\n"
                               "Content-Digest: x\r\ngrpc-status: 0\r\nX-Empty:\r\n\r\n",
                               {}, trailers)
              .parsed == http::Parsed::complete);
  CHECK(trailers.size() == 4);
  std::string out;
  append_trailers(out, trailers);
  CHECK(out == "X-Sum: 1\r\nContent-Digest: x\r\ngrpc-status: 0\r\nX-Empty: \r\n\r\n");
}

TEST_CASE("what reads like the deadline's field is no trailer of a request") {
  Fields trailers;
  trailers.add("X-Deadline", "5");
  trailers.add("x_deadline", "5");
  trailers.add("X-Deadlines", "5");
  std::string out;
  append_trailers(out, trailers, "x-deadline");
  CHECK(out == "X-Deadlines: 5\r\n\r\n");
  out.clear();
  append_trailers(out, trailers);
  CHECK(out == "X-Deadline: 5\r\nx_deadline: 5\r\nX-Deadlines: 5\r\n\r\n");
}

TEST_CASE("a status has its standard phrase, or none") {
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(503) == "Service Unavailable");
  CHECK(reason_phrase(299) == "");
  CHECK(relayed("HTTP/1.1 566 \r\nDate: d\r\nX-Request-Id: i\r\nContent-Length: 5\r\n\r\n").substr(0, 15) ==
        "HTTP/1.1 566 \r\n");
}

TEST_CASE("the cache's own conditions take the place of the client's; a range and its condition stay") {
  const std::string out = forwarded(
      "GET / HTTP/1.1\r\nHost: h\r\nif-none-match: \"c\"\r\nIf-Modified-Since: x\r\nIf-Range: \"c\"\r\nRange: "
      "bytes=0-\r\n\r\n",
      kStranger, {.conditions = "If-None-Match: \"1\"\r\n"});
  CHECK(line(out, "if-none-match") == "(absent)");
  CHECK(line(out, "If-Modified-Since") == "(absent)");
  CHECK(line(out, "If-None-Match") == "\"1\"");
  CHECK(line(out, "If-Range") == "\"c\"");
  CHECK(line(out, "Range") == "bytes=0-");
}
