// SPDX-License-Identifier: Apache-2.0
// What an exchange writes, and what it finds in what comes.
#include "tests/unit/proxy/upstream/http1_wire.hpp"

using namespace fusewire;
using namespace fusewire::testing;
using namespace std::chrono_literals;

// ------------------------------------------------------------------------------------------------------ the request

TEST_CASE_FIXTURE(Http1Wire, "a request without a body is its head") {
  CHECK(exchange->bytes_sent() == 0);
  REQUIRE(send());
  const std::string bytes = received();
  CHECK(bytes.starts_with("GET / HTTP/1.1\r\nHost: h\r\n"));
  CHECK(bytes.ends_with("\r\n\r\n"));
  CHECK(exchange->bytes_sent() == bytes.size());
}

TEST_CASE_FIXTURE(Http1Wire, "what was sent counts from the exchange's beginning, not the connection's") {
  answer("HTTP/1.1 204 No Content\r\n\r\n");
  REQUIRE(exchange->finish());
  connection->channel().buffer().release();
  begin();
  CHECK(exchange->bytes_sent() == 0);
  CHECK_FALSE(exchange->received_any());
}

TEST_CASE_FIXTURE(Http1Wire, "a body of a known length goes as it is, in as many pieces as come") {
  request.method = "POST";
  request.body = BodyKind::length;
  request.content_length = 5;
  request.fields.add("Content-Length", "5", FieldId::content_length);
  REQUIRE(send("he", false));
  REQUIRE(send_more("llo", true));
  CHECK(received().ends_with("\r\n\r\nhello"));
}

TEST_CASE_FIXTURE(Http1Wire, "a body of unknown length goes in chunks, with its trailers") {
  request.method = "POST";
  request.body = BodyKind::chunked;
  trailers.add("Checksum", "abc");
  REQUIRE(send({}, false));
  CHECK(received().ends_with("\r\n\r\n"));
  REQUIRE(send_more("hello", false));
  CHECK(received() == "5\r\nhello\r\n");
  REQUIRE(send_more({}, true));
  CHECK(received() == "0\r\nChecksum: abc\r\n\r\n");
}

TEST_CASE_FIXTURE(Http1Wire, "what the upstream does not take at once goes when it does") {
  request.method = "PUT";
  request.body = BodyKind::length;
  request.content_length = 4 << 20;
  const std::string body(request.content_length, 'b');
  REQUIRE_FALSE(send(body));
  bool sent = false;
  spawn(
      [](Http1Exchange& one, bool& done) -> Task<void> {
        co_await one.flush();
        done = true;
      }(*exchange, sent),
      "flush");
  CHECK(exchange->write_blocked());
  std::string all = received();
  for (int turns = 0; !sent && turns < 1000; ++turns) {
    loop.turn(Time{});
    all += received();
  }
  for (std::string more = received(); !more.empty(); more = received()) all += more;
  REQUIRE(sent);
  CHECK(all.size() == exchange->bytes_sent());
  CHECK(all.ends_with(body));
}

TEST_CASE_FIXTURE(Http1Wire, "a stream that is cancelled ends its write in the next turn") {
  request.method = "PUT";
  request.body = BodyKind::length;
  request.content_length = 4 << 20;
  const std::string body(request.content_length, 'b');
  REQUIRE_FALSE(send(body));
  bool ended = false;
  spawn(
      [](Http1Exchange& one, bool& done) -> Task<void> {
        co_await one.flush();
        done = true;
      }(*exchange, ended),
      "flush");
  exchange->cancel();
  CHECK_FALSE(ended);
  loop.turn(Time{});
  CHECK(ended);
  CHECK(exchange->write_failed());
  CHECK_FALSE(exchange->finish());
}

// ------------------------------------------------------------------------------------------------------ the head

TEST_CASE_FIXTURE(Http1Wire, "a head is read when it is whole") {
  CHECK(answer("HTTP/1.1 404 Not Found\r\nContent-Le") == HeadRead::wait);
  CHECK(exchange->received_any());
  says("ngth: 2\r\nConnection: X-Hop\r\n\r\n");
  CHECK(read_head() == HeadRead::final);
  CHECK(head.message.status == 404);
  CHECK(head.message.fields.find("content-length") == "2");
  CHECK(head.connection.names_fields);
  CHECK_FALSE(head.ends_response);
}

TEST_CASE_FIXTURE(Http1Wire, "interim heads come one by one, before the final one") {
  CHECK(answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n") ==
        HeadRead::interim);
  CHECK(head.message.status == 100);
  CHECK(read_head() == HeadRead::interim);
  CHECK(head.message.fields.find("link") == "a");
  CHECK(read_head() == HeadRead::final);
  CHECK(head.message.status == 200);
}

TEST_CASE_FIXTURE(Http1Wire, "an upstream that sends interim heads without end is malformed") {
  std::string many;
  for (int i = 0; i < 65; ++i) many += "HTTP/1.1 102 Processing\r\n\r\n";
  HeadRead read = answer(many);
  for (int i = 1; i < 64; ++i) {
    CHECK(read == HeadRead::interim);
    read = read_head();
  }
  CHECK(read == HeadRead::interim);
  CHECK(read_head() == HeadRead::malformed);
  CHECK(exchange->malformed() == "too many interim responses");
}

TEST_CASE_FIXTURE(Http1Wire, "a malformed head says what is wrong with it") {
  CHECK(answer("HTTP/1.1 20 OK\r\n\r\n") == HeadRead::malformed);
  CHECK_FALSE(exchange->malformed().empty());
}

TEST_CASE_FIXTURE(Http1Wire, "a switch of protocols that was not asked for is malformed") {
  CHECK(answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n") ==
        HeadRead::malformed);
}

TEST_CASE_FIXTURE(Http1Wire, "a head larger than limits.max_head_bytes is malformed") {
  limits.max_head_bytes = 64;
  CHECK(answer("HTTP/1.1 200 OK\r\nX: " + std::string(64, 'x') + "\r\n\r\n") == HeadRead::malformed);
  CHECK(exchange->malformed() == "the head is larger than limits.max_head_bytes");
}

TEST_CASE_FIXTURE(Http1Wire, "a connection that ends before a whole head gives none") {
  CHECK(answer("HTTP/1.1 200 OK\r\n") == HeadRead::wait);
  hangs_up();
  CHECK(read_head() == HeadRead::ended);
}

TEST_CASE_FIXTURE(Http1Wire, "the answer to HEAD ends with its head, whatever length it names") {
  request.method = "HEAD";
  CHECK(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") == HeadRead::final);
  CHECK(head.ends_response);
  CHECK(exchange->finish());
}

// ------------------------------------------------------------------------------------------------------ the body

TEST_CASE_FIXTURE(Http1Wire, "a body of a known length ends with its last byte") {
  answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  CHECK(read_body() == BodyRead::piece);
  CHECK(piece == "hel");
  exchange->consume_body();
  CHECK_FALSE(exchange->has_news());
  CHECK(read_body() == BodyRead::wait);
  says("lo");
  CHECK(exchange->has_news());
  CHECK(read_body() == BodyRead::last);
  CHECK(piece == "lo");
}

TEST_CASE_FIXTURE(Http1Wire, "a chunked body ends with its trailers") {
  answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n");
  CHECK(read_body() == BodyRead::piece);
  CHECK(piece == "hel");
  says("2\r\nlo\r\n0\r\nChecksum: abc\r\n\r\n");
  CHECK(read_body() == BodyRead::last);
  CHECK(piece == "lo");
  CHECK(exchange->trailers().find("checksum") == "abc");
  CHECK(exchange->finish());
}

TEST_CASE_FIXTURE(Http1Wire, "a malformed chunk is said to be one") {
  answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n");
  CHECK(read_body() == BodyRead::malformed);
  CHECK_FALSE(exchange->malformed().empty());
  CHECK(piece.empty());
}

TEST_CASE_FIXTURE(Http1Wire, "a body without a length ends with the connection, which is not used again") {
  answer("HTTP/1.1 200 OK\r\n\r\nhel");
  CHECK(read_body() == BodyRead::piece);
  hangs_up();
  CHECK(read_body() == BodyRead::last);
  CHECK_FALSE(exchange->finish());
}

TEST_CASE_FIXTURE(Http1Wire, "a body that ends before its length is broken") {
  answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  hangs_up();
  CHECK(read_body() == BodyRead::piece);
  CHECK(read_body() == BodyRead::broken);
  CHECK_FALSE(exchange->finish());
}
