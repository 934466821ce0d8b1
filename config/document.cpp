// SPDX-License-Identifier: Apache-2.0
#include "config/document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>
#include <unordered_map>

#include "config/readable_text.hpp"
#include "config/report.hpp"
#include "config/syntax_advice.hpp"
#include "config/utf8.hpp"

namespace fusewire::config {
namespace {

struct Refused {
  Mark mark;
  std::string path;
  std::string message;
};

struct Size {
  std::size_t nodes = 1;
  std::size_t bytes = 0;
};

Size size_of(const Node& node) {
  Size size{.nodes = 1, .bytes = node.key.size() + node.text.size()};
  for (const Node& child : node.children) {
    const Size more = size_of(child);
    size.nodes += more.nodes;
    size.bytes += more.bytes;
  }
  return size;
}

std::size_t depth_of(const Node& node) {
  std::size_t deepest = 0;
  for (const Node& child : node.children) deepest = std::max(deepest, depth_of(child));
  return deepest + 1;
}

// Builds the tree from the parser's events; throws Refused for what cannot be gone on with.
class Builder : public YAML::EventHandler {
 public:
  Builder(Origin origin, Report& report) : origin_(origin), report_(report) {}

  std::optional<Node> take() { return std::move(root_); }

  // Where the last scalar begins, as an offset and for people.
  std::pair<std::size_t, Mark> last_scalar() const { return last_scalar_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    complete(make(Node::Kind::null, mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Node node = make(Node::Kind::scalar, mark);
    refuse_tag(tag, node.mark);
    node.quoted = tag == "!";
    if (find_bad_utf8(text)) refuse(node.mark, R"(the escapes \N and \_ are not supported: write \u0085 and \u00a0)");
    node.text = text;
    last_scalar_ = {static_cast<std::size_t>(mark.pos), node.mark};
    complete(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) refuse(at(mark), "an alias inside its own anchor");
    spend(size_of(it->second), at(mark));
    if (frames_.size() + depth_of(it->second) > kMaxDepth) refuse(at(mark), too_deep());
    Node copy = it->second;
    copy.key_mark = at(mark);
    complete(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;   // maps: the key has come, its value is awaited
    bool is_merge = false;  // and it is `<<`
    std::string key = {};
    Mark key_mark = {};
    std::unordered_map<std::string, Mark> seen = {};
    std::vector<Node> merged = {};  // values of `<<`
  };

  Mark at(const YAML::Mark& mark) const {
    if (origin_ != Origin::file) return {origin_, 0, 0};
    return {origin_, mark.line + 1, mark.column + 1};
  }

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.mark = node.key_mark = at(mark);
    spend({}, node.mark);
    return node;
  }

  // Of copies the bytes, too: those of the text itself are limited already.
  void spend(const Size& size, const Mark& mark) {
    nodes_ += size.nodes;
    bytes_ += size.bytes;
    if (bytes_ > kMaxCopied) refuse(mark, "the document's aliases, expanded, have more than 16 MiB of text");
    if (nodes_ > kMaxNodes) refuse(mark, "the document has more than " + std::to_string(kMaxNodes) + " values");
  }

  static std::string too_deep() { return "nested more than " + std::to_string(kMaxDepth) + " levels deep"; }

  std::string path() const {
    std::string path;
    for (const Frame& frame : frames_) {
      if (frame.node.kind == Node::Kind::list) path = join(path, std::to_string(frame.node.children.size()));
      if (frame.has_key) path = join(path, frame.key);
    }
    return path;
  }

  [[noreturn]] void refuse(const Mark& mark, std::string message) const {
    throw Refused{mark, path(), std::move(message)};
  }

  // "?" is what a node without a tag has, "!" a quoted scalar.
  void refuse_tag(const std::string& tag, const Mark& mark) const {
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "YAML tags are not supported");
  }

  bool awaits_key() const {
    return !frames_.empty() && frames_.back().node.kind == Node::Kind::map && !frames_.back().has_key;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    Node node = make(kind, mark);
    refuse_tag(tag, node.mark);
    if (awaits_key()) refuse(node.mark, "a key must be a plain word; is a bracket left open?");
    if (frames_.size() >= kMaxDepth) refuse(node.mark, too_deep());
    Frame frame;
    frame.node = std::move(node);
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    for (const Node& source : frame.merged) merge(frame, source);
    complete(std::move(frame.node), frame.anchor);
  }

  // Keys that are written out win over merged ones, earlier merges over later ones.
  void merge(Frame& into, const Node& source) {
    for (const Node& child : source.children) {
      if (!into.seen.emplace(child.key, child.key_mark).second) continue;
      spend(size_of(child), source.mark);
      into.node.children.push_back(child);
    }
  }

  void complete(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      spend(size_of(node), node.mark);
      anchors_[anchor] = node;
    }
    if (frames_.empty()) {
      root_ = std::move(node);
    } else if (frames_.back().node.kind == Node::Kind::list) {
      frames_.back().node.children.push_back(std::move(node));
    } else if (!frames_.back().has_key) {
      take_key(std::move(node));
    } else {
      take_value(std::move(node));
    }
  }

  void take_key(Node node) {
    if (node.kind != Node::Kind::scalar) refuse(node.mark, "a key must be a plain word");
    if (node.text.size() > kMaxKey) refuse(node.mark, "a key longer than " + std::to_string(kMaxKey) + " bytes");
    Frame& frame = frames_.back();
    frame.is_merge = node.text == "<<" && !node.quoted;
    frame.key = std::move(node.text);
    frame.key_mark = node.key_mark;
    frame.has_key = true;
  }

  void take_value(Node node) {
    Frame& frame = frames_.back();
    if (frame.is_merge) {
      take_merge(std::move(node));
      frame.has_key = false;
      return;
    }
    const auto [first, added] = frame.seen.emplace(frame.key, frame.key_mark);
    if (added) {
      node.key = frame.key;
      node.key_mark = frame.key_mark;
      frame.node.children.push_back(std::move(node));
    } else {
      const int line = first->second.line;
      report_.error(frame.key_mark, path(),
                    "duplicate key" + (line > 0 ? "; first given in line " + std::to_string(line) : std::string()));
    }
    frame.has_key = false;
  }

  void take_merge(Node node) {
    std::vector<Node> sources;
    if (node.kind == Node::Kind::list)
      sources = std::move(node.children);
    else
      sources.push_back(std::move(node));
    for (Node& source : sources) {
      if (source.kind != Node::Kind::map) refuse(source.mark, "'<<' takes a map or a list of maps");
      frames_.back().merged.push_back(std::move(source));
    }
  }

  Origin origin_;
  Report& report_;
  std::optional<Node> root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  std::pair<std::size_t, Mark> last_scalar_;
};

void refuse_binary(std::string_view text, Origin origin) {
  if (text.size() > kMaxText) throw Refused{{origin}, {}, "the text is larger than 4 MiB"};
  const auto bad = find_unreadable(text);
  if (!bad) return;
  const Place place = origin == Origin::file ? place_of(text, bad->offset) : Place{0, 0};
  throw Refused{{origin, place.line, place.column}, {}, std::string(bad->why)};
}

// The library takes the end of the text for the closing quote. `start`: offset of a scalar.
bool is_left_open(std::string_view text, std::size_t start) {
  const char quote = start < text.size() ? text[start] : ' ';
  if (quote != '"' && quote != '\'') return false;
  for (std::size_t i = start + 1; i < text.size(); ++i) {
    const bool escape = quote == '"' ? text[i] == '\\' : text.substr(i, 2) == "''";
    if (escape)
      ++i;
    else if (text[i] == quote)
      return false;
  }
  return true;
}

std::optional<Node> build(std::string_view text, Origin origin, Report& report) {
  refuse_binary(text, origin);
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  Builder builder(origin, report);
  parser.HandleNextDocument(builder);
  std::optional<Node> root = builder.take();
  if (!root || root->kind == Node::Kind::null) throw Refused{{origin}, {}, "the document is empty"};
  const auto [start, place] = builder.last_scalar();
  if (is_left_open(text, start)) throw Refused{place, {}, "a quote is left open"};
  Builder second(origin, report);
  if (parser.HandleNextDocument(second)) {
    const std::optional<Node> other = second.take();
    throw Refused{other ? other->mark : Mark{origin}, {}, "more than one YAML document"};
  }
  return root;
}

}  // namespace

std::optional<Node> parse_document(std::string_view text, Origin origin, Report& report) {
  try {
    return build(text, origin, report);
  } catch (const Refused& refused) {
    report.error(refused.mark, refused.path, refused.message);
  } catch (const YAML::Exception& e) {
    Mark mark{origin};
    if (origin == Origin::file && !e.mark.is_null()) mark = {origin, e.mark.line + 1, e.mark.column + 1};
    // The library's words may hold a piece of the text.
    const bool quotable = origin != Origin::environment;
    report.error(mark, {},
                 "not valid YAML" + (quotable ? ": " + explain_syntax(text, mark.line, mark.column, e.msg) : ""));
  }
  return std::nullopt;
}

}  // namespace fusewire::config
