// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"
#include "config/report.hpp"
#include "config/utf8.hpp"

#include "support.hpp"

namespace fusewire::config {
namespace {

Node parsed(std::string_view text) {
  Report report("f");
  std::optional<Node> node = parse_document(text, Origin::file, report);
  CAPTURE(lines_of(report.errors()));
  REQUIRE(node);
  REQUIRE_FALSE(report.failed());
  return *std::move(node);
}

Lines errors_in(std::string_view text) {
  Report report("f");
  parse_document(text, Origin::file, report);
  return lines_of(report.errors());
}

TEST_CASE("every value knows its line and column, and its key's") {
  const Node root = parsed("a: 1\nb:\n  c: [x, y]\n");
  const Node& b = *root.find("b");
  const Node& c = *b.find("c");
  CHECK(b.key_mark.line == 2);
  CHECK(c.key_mark.line == 3);
  CHECK(c.key_mark.column == 3);
  CHECK(c.children[1].mark.line == 3);
  CHECK(c.children[1].mark.column == 10);
}

TEST_CASE("quotes make a string of a value") {
  const Node root = parsed("a: \"1\"\nb: '1'\nc: 1\n");
  CHECK(root.find("a")->quoted);
  CHECK(root.find("b")->quoted);
  CHECK_FALSE(root.find("c")->quoted);
}

TEST_CASE("a quote may be closed in the last byte, after escaped ones, and a byte order mark is skipped") {
  CHECK(parsed("a: \"x\\\"y\"").find("a")->text == "x\"y");
  CHECK(parsed("a: 'it''s'").find("a")->text == "it's");
  CHECK(parsed("a: it's").find("a")->text == "it's");
  CHECK(parsed("\xef\xbb\xbf"
               "a: 'x'")
            .find("a")
            ->text == "x");
}

TEST_CASE("JSON is read as well") {
  const Node root = parsed(R"({"a": {"b": [1, "x"]}, "c": null})");
  CHECK(root.find("a")->find("b")->children[1].text == "x");
  CHECK(root.find("c")->kind == Node::Kind::null);
}

TEST_CASE("a duplicate key is an error at the second, with the first one's line, and two are both reported") {
  CHECK(errors_in("a:\n  b: 1\n  c: 2\n  b: 3\n") == Lines{"f:4:3: a.b: duplicate key; first given in line 2"});
  CHECK(errors_in("a: 1\na: 2\na: 3\n") ==
        Lines{"f:2:1: a: duplicate key; first given in line 1", "f:3:1: a: duplicate key; first given in line 1"});
  CHECK(errors_in("- {x: 1, x: 2}\n") == Lines{"f:1:10: 0.x: duplicate key; first given in line 1"});
}

TEST_CASE("an alias stands for a copy of its anchor") {
  const Node root = parsed("a: &here {x: 1}\nb: *here\n");
  CHECK(root.find("b")->find("x")->text == "1");
  CHECK(root.find("b")->find("x")->mark.line == 1);
}

TEST_CASE("a merge key adds what is not written out, and the first of several merges wins") {
  const Node root = parsed("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n");
  const Node& c = *root.find("c");
  CHECK(c.children.size() == 3);
  CHECK(c.find("x")->text == "3");
  CHECK(c.find("y")->text == "1");
  CHECK(c.find("z")->text == "2");
}

TEST_CASE("what cannot be read is refused with its place") {
  CHECK(errors_in("") == Lines{"f: the document is empty"});
  CHECK(errors_in("# nothing but words\n") == Lines{"f: the document is empty"});
  CHECK(errors_in("~") == Lines{"f: the document is empty"});
  CHECK(errors_in("a: 1\n---\nb: 2\n") == Lines{"f:3:1: more than one YAML document"});
  CHECK(errors_in("a: 1\n? [x]\n: 2\n") == Lines{"f:2:3: a key must be a plain word; is a bracket left open?"});
  CHECK(errors_in("[1") == Lines{"f:1:1: a key must be a plain word; is a bracket left open?"});
  CHECK(errors_in("a: 1\nb: \"x\nc: 1\n") == Lines{"f:2:4: a quote is left open"});
  CHECK(errors_in("a: 'x'\nb: 'it''s\n") == Lines{"f:2:4: a quote is left open"});
  CHECK(errors_in("{~: 1}") == Lines{"f:1:2: a key must be a plain word"});
  CHECK(errors_in("a: !!int 5\n") == Lines{"f:1:4: a: YAML tags are not supported"});
  CHECK(errors_in("a: !x {}\n") == Lines{"f:1:4: a: YAML tags are not supported"});
  CHECK(errors_in("a: 1\nb: x\x04y\n") == Lines{"f:2:5: a control character"});
  CHECK(errors_in("a: 1\nb: \xff\n") == Lines{"f:2:4: not valid UTF-8"});
  for (const std::string escape : {"\\N", "\\_"})  // the library makes of them what is no UTF-8
    CHECK(errors_in("a: \"x" + escape + "\"\n") ==
          Lines{R"(f:1:4: a: the escapes \N and \_ are not supported: write \u0085 and \u00a0)"});
  CHECK(errors_in("a: *nowhere\n").at(0).starts_with("f:1:4: not valid YAML: "));
  CHECK(errors_in("a: [1\n").at(0).find("not valid YAML: ") != std::string::npos);
  CHECK(errors_in("a: 1\n<<: 5\n") == Lines{"f:2:5: <<: '<<' takes a map or a list of maps"});
  CHECK(errors_in("a: &x {b: *x}\n") == Lines{"f:1:11: a.b: an alias inside its own anchor"});
  CHECK(errors_in(std::string(kMaxKey + 1, 'k') + ": 1\n") == Lines{"f:1:1: a key longer than 256 bytes"});
}

TEST_CASE("depth is bounded, for aliases too") {
  CHECK(errors_in(std::string(40, '[') + std::string(40, ']')).at(0) == "f:1:33: " + [] {
    std::string path = "0";
    for (std::size_t i = 1; i < kMaxDepth; ++i) path += ".0";
    return path;
  }() + ": nested more than 32 levels deep");
  const std::string deep = std::string(20, '[') + std::string(20, ']');
  CHECK(errors_in("a: &a " + deep + "\nb: " + std::string(20, '[') + "*a" + std::string(20, ']'))
            .at(0)
            .find("nested more than") != std::string::npos);
}

TEST_CASE("a document that would explode through its aliases is refused") {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string inner = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j > 0 ? ", " : "") + inner;
    text += "]\n";
  }
  CHECK(errors_in(text).at(0).find("the document has more than 250000 values") != std::string::npos);
}

TEST_CASE("a document whose aliases repeat a long text is refused, however few values it has") {
  std::string text = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  for (int i = 0; i < 200; ++i) text += "*a, ";
  CHECK(errors_in(text + "]\n") ==
        Lines{"f:2:669: b.166: the document's aliases, expanded, have more than 16 MiB of text"});
  const std::string key(200, 'k');
  std::string merges = "a: &a {";
  for (int i = 0; i < 500; ++i) merges += key + std::to_string(i) + ": 1, ";
  merges += "}\nb:\n";
  for (int i = 0; i < 200; ++i) merges += "  - {<<: *a}\n";
  CHECK(errors_in(merges).at(0).find("have more than 16 MiB of text") != std::string::npos);
}

TEST_CASE("a text that is too large is refused before it is parsed") {
  CHECK(errors_in("a: 1\n" + std::string(kMaxText, '#')) == Lines{"f: the text is larger than 4 MiB"});
}

TEST_CASE("errors of a value from elsewhere carry no line") {
  Report report("f");
  CHECK_FALSE(parse_document("{a: [}", Origin::environment, report));
  REQUIRE(report.errors().size() == 1);
  CHECK(report.errors()[0].line == 0);
  CHECK(report.errors()[0].source == "environment");
}

TEST_CASE("UTF-8 is checked as Unicode defines it") {
  CHECK_FALSE(find_bad_utf8("plain, ä, €, 𐍈"));
  CHECK(find_bad_utf8("a\x80") == 1);             // a lone continuation
  CHECK(find_bad_utf8("\xc0\xaf") == 0);          // overlong
  CHECK(find_bad_utf8("\xe0\x80\x80") == 0);      // overlong
  CHECK(find_bad_utf8("\xed\xa0\x80") == 0);      // surrogate
  CHECK(find_bad_utf8("\xf4\x90\x80\x80") == 0);  // above U+10FFFF
  CHECK(find_bad_utf8("\xf0\x9f\x98") == 0);      // cut short
  CHECK_FALSE(find_bad_utf8("\xee\x80\x80\xf1\x80\x80\x80\xf4\x80\x80\x80"));
}

}  // namespace
}  // namespace fusewire::config
