// SPDX-License-Identifier: Apache-2.0
// Bodies, however their bytes are cut: the same content, the same end, the same verdict.
#include "proxy/http/body_decoder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proxy/http/chunk_writer.hpp"
#include "tests/support/exact_bytes.hpp"

using namespace fusewire;
using namespace fusewire::proxy::http;
using namespace std::string_literals;
using fusewire::testing::ExactBytes;

namespace {

struct Read {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
  std::vector<std::string> trailers;
  bool operator==(const Read&) const = default;
};

// Gives the decoder the bytes up to `end`, of which some may have been consumed before.
void feed(BodyDecoder& decoder, std::string_view bytes, std::size_t end, Read& read) {
  while (read.consumed < end && !decoder.done() && !decoder.failed()) {
    ExactBytes piece(bytes.substr(read.consumed, end - read.consumed));
    const auto step = decoder.decode(piece.data(), piece.view().size());
    REQUIRE(step.consumed > 0);
    REQUIRE(step.consumed <= piece.view().size());
    REQUIRE(step.data.size() <= step.consumed);
    read.content += step.data;
    read.consumed += step.consumed;
  }
}

Read finish(const BodyDecoder& decoder, Read read) {
  read.done = decoder.done();
  read.failed = decoder.failed();
  if (!read.failed) CHECK(decoder.decoded() == read.content.size());
  for (const Field& field : decoder.trailers())
    if (read.done) read.trailers.push_back(std::string(field.name) + "=" + std::string(field.value));
  return read;
}

Read read_in_two(std::string_view bytes, std::size_t cut, BodyKind kind, std::uint64_t length) {
  BodyDecoder decoder(kind, length);
  Read read;
  feed(decoder, bytes, cut, read);
  feed(decoder, bytes, bytes.size(), read);
  return finish(decoder, read);
}

Read read_in_pieces(std::string_view bytes, std::size_t piece, BodyKind kind, std::uint64_t length) {
  BodyDecoder decoder(kind, length);
  Read read;
  for (std::size_t end = piece; end < bytes.size(); end += piece) feed(decoder, bytes, end, read);
  feed(decoder, bytes, bytes.size(), read);
  return finish(decoder, read);
}

// What was read in one piece, after all other ways to cut it have been seen to give the same.
Read read_every_way(std::string_view bytes, BodyKind kind, std::uint64_t length = 0) {
  const Read whole = read_in_two(bytes, 0, kind, length);
  const auto same = [&](const Read& other) {
    if (whole.failed) return other.failed;  // what came before the fault may have been given or not
    return other == whole;
  };
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    REQUIRE(same(read_in_two(bytes, cut, kind, length)));
  }
  for (std::size_t piece : {1U, 2U, 3U, 7U}) REQUIRE(same(read_in_pieces(bytes, piece, kind, length)));
  return whole;
}

Read read_chunked(std::string_view bytes) { return read_every_way(bytes, BodyKind::chunked); }

}  // namespace

TEST_CASE("a chunked body is its chunks and ends after its trailer section") {
  struct Good {
    const char* sentence;
    std::string bytes;
    std::string content;
    std::vector<std::string> trailers = {};
  };
  for (const Good& good : std::vector<Good>{
           {"no chunk", "0\r\n\r\n", ""},
           {"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
           {"several chunks", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef"},
           {"sizes in any case of letters", "a\r\n0123456789\r\nB\r\n0123456789x\r\n0\r\n\r\n",
            "01234567890123456789x"},
           {"leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello"},
           {"CRLF inside a chunk", "7\r\na\r\n0\r\n\r\r\n0\r\n\r\n", "a\r\n0\r\n\r"},
           {"an extension", "5;name=value\r\nhello\r\n0;last\r\n\r\n", "hello"},
           {"an extension after white space", "5 \t; name = \"a;b\"\r\nhello\r\n0\r\n\r\n", "hello"},
           {"several extensions", "5;a;b=c;d=\"\";e=\"x\\\"\\\\;\ty\" ; f\t=\tg\r\nhello\r\n0\r\n\r\n", "hello"},
           {"trailers that have no business there",
            "0\r\nContent-Length: 5\r\nA: b\r\nTransfer-Encoding: chunked\r\nHost: other\r\n\r\n",
            "",
            {"A=b"}},
           {"trailers", "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Other:\r\n\r\n", "hello", {"X-Sum=1", "X-Other="}},
           {"NUL and high bytes", "3\r\n"s + '\0' + "\xff\x80\r\n0\r\n\r\n", ""s + '\0' + "\xff\x80"},
       }) {
    CAPTURE(good.sentence);
    const Read read = read_chunked(good.bytes + "GET / HTTP/1.1\r\n");
    CHECK(read.done);
    CHECK(read.content == good.content);
    CHECK(read.consumed == good.bytes.size());
    CHECK(read.trailers == good.trailers);
  }
}

TEST_CASE("a chunked body that two readers could end at two places is refused") {
  struct Fault {
    const char* sentence;
    std::string bytes;
  };
  for (const Fault& fault : std::vector<Fault>{
           {"a plus sign", "+5\r\nhello\r\n0\r\n\r\n"},
           {"a minus sign", "-5\r\nhello\r\n0\r\n\r\n"},
           {"0x", "0x5\r\nhello\r\n0\r\n\r\n"},
           {"a space before the size", " 5\r\nhello\r\n0\r\n\r\n"},
           {"a tab before a later size", "5\r\nhello\r\n\t0\r\n\r\n"},
           {"a space after the size", "5 \r\nhello\r\n0\r\n\r\n"},
           {"two numbers", "5 5\r\nhello\r\n0\r\n\r\n"},
           {"two numbers before an extension", "5 5;x\r\nhello\r\n0\r\n\r\n"},
           {"two numbers with a comma", "5,5\r\nhello\r\n0\r\n\r\n"},
           {"an underscore", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n"},
           {"a letter that is no digit", "5g\r\nhello\r\n0\r\n\r\n"},
           {"a quoted size", "\"5\"\r\nhello\r\n0\r\n\r\n"},
           {"no size", "\r\nhello\r\n0\r\n\r\n"},
           {"an extension without a size", ";x\r\nhello\r\n0\r\n\r\n"},
           {"a size of 64 bits and more", "10000000000000005\r\nhello\r\n0\r\n\r\n"},
           {"a size of 64 bits", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"},
           {"a size that wraps in 32 bits has its bytes missing", "100000000000000005\r\nhello\r\n0\r\n\r\n"},
           {"a bare LF after the size", "5\nhello\r\n0\r\n\r\n"},
           {"a bare CR after the size", "5\rhello\r\n0\r\n\r\n"},
           {"a bare LF after an extension", "5;x\nhello\r\n0\r\n\r\n"},
           {"a bare CR in an extension", "5;x\ry\r\nhello\r\n0\r\n\r\n"},
           {"NUL in an extension", "5;x"s + '\0' + "\r\nhello\r\n0\r\n\r\n"},
           {"a bare LF after a chunk", "5\r\nhello\n0\r\n\r\n"},
           {"a bare CR after a chunk", "5\r\nhello\r0\r\n\r\n"},
           {"a chunk longer than its size", "5\r\nhello!\r\n0\r\n\r\n"},
           {"a chunk shorter than its size", "6\r\nhello\r\n0\r\n\r\n"},
           {"a bare LF as the end", "0\r\n\n"},
           {"a trailer without a colon", "0\r\nnonsense\r\n\r\n"},
           {"a trailer with a space before its colon", "0\r\nA : b\r\n\r\n"},
           {"a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"},
           {"an extension without a name", "5;\r\nhello\r\n0\r\n\r\n"},
           {"an empty extension among others", "5;a;;b\r\nhello\r\n0\r\n\r\n"},
           {"an extension's name that is no token", "5;a(\r\nhello\r\n0\r\n\r\n"},
           {"an extension without its value", "5;a=\r\nhello\r\n0\r\n\r\n"},
           {"an extension with two values", "5;a=b=c\r\nhello\r\n0\r\n\r\n"},
           {"two words in an extension", "5;a b\r\nhello\r\n0\r\n\r\n"},
           {"white space behind an extension", "5;a \r\nhello\r\n0\r\n\r\n"},
           {"white space behind a value", "5;a=b \r\nhello\r\n0\r\n\r\n"},
           {"an open quote", "5;a=\"b\r\nhello\r\n0\r\n\r\n"},
           {"something behind a quoted value", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"},
           {"an escaped line end", "5;a=\"\\\r\n\"\r\nhello\r\n0\r\n\r\n"},
       }) {
    CAPTURE(fault.sentence);
    CHECK(read_chunked(fault.bytes).failed);
  }
}

TEST_CASE("a chunked body that stops anywhere is neither done nor ended by the connection's end") {
  const std::string bytes = "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    BodyDecoder decoder(BodyKind::chunked, 0);
    Read read;
    feed(decoder, bytes, size, read);
    CAPTURE(size);
    CHECK_FALSE(decoder.done());
    CHECK_FALSE(decoder.failed());
    CHECK_FALSE(decoder.finish());
  }
}

TEST_CASE("chunk extensions and trailers are limited over a whole message") {
  const auto verdict = [](const std::string& bytes) { return read_in_two(bytes, 0, BodyKind::chunked, 0); };
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1;" + std::string(15, 'x') + "\r\na\r\n";
  CHECK(verdict(many + "0\r\n\r\n").done);
  CHECK(verdict(many + many).failed);
  CHECK(verdict("1;" + std::string(16 * 1024 + 1, 'x')).failed);
  CHECK(verdict("1" + std::string(16 * 1024 + 2, ' ')).failed);
  CHECK(verdict("0\r\nA: " + std::string(8 * 1024 - 7, 'x') + "\r\n\r\n").done);
  CHECK(verdict("0\r\nA: " + std::string(8 * 1024 - 6, 'x') + "\r\n\r\n").failed);
  CHECK(read_in_pieces("0\r\nA: " + std::string(9 * 1024, 'x'), 1000, BodyKind::chunked, 0).failed);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 200; ++i) trailers += "A: b\r\n";
  CHECK(verdict(trailers + "\r\n").trailers.size() == 200);
  const auto why = [](const std::string& bytes) {
    BodyDecoder decoder(BodyKind::chunked, 0);
    Read read;
    feed(decoder, bytes, bytes.size(), read);
    return decoder.failure();
  };
  CHECK(why(trailers + "A: b\r\n\r\n") == "there are over 200 trailers");
  CHECK(why("0\r\nA: " + std::string(9 * 1024, 'x') + "\r\n\r\n") == "the trailer section is over 8 KiB");
}

TEST_CASE("a body of a given length takes that many bytes and no more") {
  const Read read = read_every_way("hello, world", BodyKind::length, 5);
  CHECK(read.done);
  CHECK(read.content == "hello");
  CHECK(read.consumed == 5);
  CHECK(BodyDecoder(BodyKind::length, 0).done());
  BodyDecoder short_of(BodyKind::length, 5);
  Read some;
  feed(short_of, "hell", 4, some);
  CHECK(short_of.remaining() == 1);
  CHECK_FALSE(short_of.finish());
}

TEST_CASE("a body until the connection's end takes everything, and only that end ends it") {
  BodyDecoder decoder(BodyKind::until_close, 0);
  Read read;
  feed(decoder, "all of it", 9, read);
  CHECK(read.content == "all of it");
  CHECK_FALSE(decoder.done());
  CHECK(decoder.finish());
  CHECK(decoder.done());
  CHECK(BodyDecoder(BodyKind::none, 0).done());
  CHECK(BodyDecoder().done());
}

TEST_CASE("bytes behind a message are not touched") {
  ExactBytes bytes("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET /next");
  BodyDecoder decoder(BodyKind::chunked, 0);
  const auto step = decoder.decode(bytes.data(), bytes.view().size());
  CHECK(step.data == "abcde");
  CHECK(bytes.view().substr(step.consumed) == "GET /next");
}

TEST_CASE("what the chunk writer frames is read back, empty last piece or not") {
  Fields trailers;
  trailers.add("X-Sum", "1");
  trailers.add("X-Forwarded-For", "6.6.6.6", FieldId::x_forwarded_for);
  for (bool empty_end : {false, true}) {
    fusewire::proxy::http::ChunkWriter writer;
    std::string wire;
    const auto write = [&](std::string_view piece, bool last) {
      fusewire::proxy::Gather gather;
      writer.add(gather, piece, last, trailers);
      for (const auto& part : gather.parts()) wire.append(static_cast<const char*>(part.data()), part.size());
    };
    write(std::string(300, 'a'), false);
    write("", false);
    write("bc", !empty_end);
    if (empty_end) write("", true);
    const Read read = read_chunked(wire);
    CHECK(read.done);
    CHECK(read.content == std::string(300, 'a').append("bc"));
    CHECK(read.consumed == wire.size());
    CHECK(read.trailers == std::vector<std::string>{"X-Sum=1"});
  }
}
