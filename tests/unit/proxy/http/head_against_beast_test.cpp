// SPDX-License-Identifier: Apache-2.0
// Another parser's opinion: what ours accepts, Boost.Beast accepts too and reads the same, field by field. (Not the
// other way round: Beast joins folded lines and takes codings that we refuse.)
#include <doctest/doctest.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proxy/http/head_parser.hpp"

using namespace fusewire;
using namespace std::string_literals;
namespace http = fusewire::proxy::http;
namespace beast = boost::beast::http;

namespace {

using boost::beast::string_view;
using boost::system::error_code;

std::string text(string_view view) { return {view.data(), view.size()}; }

// Remembers what Beast's parser sees.
class Witness final : public beast::basic_parser<true> {
 public:
  std::string method, target;
  int version = 0;
  std::vector<std::pair<std::string, std::string>> fields;

 private:
  void on_request_impl(beast::verb, string_view method_text, string_view target_text, int v, error_code&) override {
    method = text(method_text);
    target = text(target_text);
    version = v;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(beast::field, string_view name, string_view value, error_code&) override {
    fields.emplace_back(text(name), text(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}
};

class Generator {
 public:
  std::string head() {
    std::string bytes = pick({"GET", "POST", "OPTIONS", "PROPFIND", "HEAD", "X-!#$%&'*+.^_`|~1"}) + " " +
                        pick({"/", "/a?b=c", "http://h/x", "http://h", "*", "//", "/%00|{}", "/\xc3\xa9"}) + " " +
                        pick({"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"}) + "\r\n";
    if (!one_in(10)) bytes += "Host: " + pick({"h", "h:80", "[::1]:80", "a_b.c"}) + "\r\n";
    for (std::size_t n = below(6); n > 0; --n) bytes += field() + "\r\n";
    bytes += "\r\n";
    for (std::size_t n = one_in(2) ? 0 : 1 + below(2); n > 0; --n) mutate(bytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t n) { return dice_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::string pick(std::initializer_list<const char*> list) { return list.begin()[below(list.size())]; }

  // Without Proxy-Connection: Beast reads it as a list of tokens, we only take it out.
  std::string field() {
    return pick({"Content-Length", "content-length", "Transfer-Encoding", "Connection", "Host", "A", "X-Empty",
                 "Upgrade", "Expect", "Via"}) +
           pick({":", ": ", ":\t ", " :"}) +
           pick({"", "5", "5, 5", "05", "0", "9223372036854775807", "chunked", "Chunked", "gzip, chunked", "close",
                 "keep-alive, x-private", "a, ,b", "h", "text with spaces", "\xc3\xa9\xff", "a\tb", "\"q\""}) +
           pick({"", "", " ", "\t "});
  }

  void mutate(std::string& bytes) {
    static const std::string kBytes = "\r\n\0\t :;,#/\x7f\x80\xff+-x5HC"s;
    const std::size_t at = below(bytes.size());
    const char c = kBytes[below(kBytes.size())];
    switch (below(3)) {
      case 0:
        bytes[at] = c;
        break;
      case 1:
        bytes.insert(at, 1, c);
        break;
      default:
        bytes.erase(at, 1);
        break;
    }
  }

  std::mt19937 dice_{9112};
};

// The target as it was received: an absolute one is taken apart by our parser.
std::string received_target(const std::string& bytes) {
  const auto from = bytes.find(' ') + 1;
  return bytes.substr(from, bytes.find(' ', from) - from);
}

}  // namespace

TEST_CASE("Beast's parser reads what ours accepts, and reads the same") {
  Generator generator;
  int accepted = 0;
  int with_body = 0;
  for (int i = 0; i < 40'000; ++i) {
    const std::string bytes = generator.head();
    Request request;
    const http::HeadResult ours = http::parse_request_head(bytes, {}, request);
    if (ours.parsed != http::Parsed::complete) continue;
    const std::string_view line = std::string_view(bytes).substr(0, bytes.find("\r\n"));
    const std::string_view version = line.size() < 8 ? line : line.substr(line.size() - 8);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") continue;  // an empty line before, HTTP/1.5: not for Beast
    Witness witness;
    witness.header_limit(64 * 1024);
    witness.body_limit(boost::none);
    error_code error;
    const std::size_t used = witness.put(boost::asio::buffer(bytes), error);
    CAPTURE(bytes);
    REQUIRE_MESSAGE((!error || error == beast::error::need_more), error.message());
    REQUIRE(witness.is_header_done());
    CHECK(used >= ours.size);
    CHECK(witness.method == request.method);
    CHECK(witness.target == received_target(bytes));
    CHECK(witness.version == 10 + request.minor_version);
    std::vector<std::pair<std::string, std::string>> fields;
    for (const Field& field : request.fields) fields.emplace_back(field.name, field.value);
    CHECK(witness.fields == fields);
    CHECK(witness.chunked() == (request.body == BodyKind::chunked));
    CHECK(witness.content_length().has_value() == (request.body == BodyKind::length));
    if (request.body == BodyKind::length) CHECK(*witness.content_length() == request.content_length);
    ++accepted;
    with_body += request.body != BodyKind::none;
  }
  CHECK(accepted > 2'000);
  CHECK(with_body > 300);
}
