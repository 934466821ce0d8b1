// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <unordered_map>

#include "config/readable_text.hpp"
#include "config/utf8.hpp"
#include "proxy/cli/manifest_value.hpp"

namespace fusewire::cli::manifest {
namespace {

std::string at(const YAML::Mark& mark) {
  if (mark.is_null()) return "";
  return "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ": ";
}

class Reader {
 public:
  Value read(const YAML::Node& node, std::size_t depth) {
    if (++values_ > kMaxValues || depth > kMaxDepth)
      throw Error(at(node.Mark()) + "the document is too large, or too deep, with its aliases expanded");
    if (node.IsScalar() && (bytes_ += node.Scalar().size()) > kMaxBytes)
      throw Error(at(node.Mark()) + "the document has more than 16 MiB of text with its aliases expanded");
    Value value;
    if (node.IsScalar()) {
      read_scalar(node, value);
    } else if (node.IsSequence()) {
      value.kind = Value::Kind::list;
      value.flow = node.Style() == YAML::EmitterStyle::Flow;
      for (const YAML::Node& item : node) value.items.push_back(read(item, depth + 1));
    } else if (node.IsMap()) {
      value.flow = node.Style() == YAML::EmitterStyle::Flow;
      read_map(node, value, depth);
    }
    return value;
  }

 private:
  // The library's tag of a plain scalar is "?", of any other "!".
  static void read_scalar(const YAML::Node& node, Value& value) {
    value.kind = Value::Kind::scalar;
    value.text = node.Scalar();
    if (config::find_bad_utf8(value.text))  // what the library makes of them
      throw Error(at(node.Mark()) + "the escapes \\N and \\_ are not supported: write \\u0085 and \\u00a0");
    value.string = node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str" ||
                   value.text.find('\n') != std::string::npos;  // a plain one over several lines
    if (!value.string && !node.Tag().empty() && node.Tag() != "?")
      throw Error(at(node.Mark()) + "the tag " + node.Tag() + " can't be kept");
  }

  void read_map(const YAML::Node& node, Value& value, std::size_t depth) {
    value.kind = Value::Kind::map;
    std::vector<Value> merged;
    std::unordered_map<std::string, YAML::Mark> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) throw Error(at(entry.first.Mark()) + "a key must be a word");
      Value name = read(entry.first, depth + 1);
      Value of_name = read(entry.second, depth + 1);
      const bool merges = name.text == "<<" && !name.string;
      const auto [first, added] = seen.emplace(name.text, entry.first.Mark());
      if (!added && !merges)
        throw Error(at(entry.first.Mark()) + "duplicate key; first given in line " +
                    std::to_string(first->second.line + 1));
      if (!merges)
        value.entries.push_back({std::move(name), std::move(of_name)});
      else if (of_name.kind == Value::Kind::list)
        std::move(of_name.items.begin(), of_name.items.end(), std::back_inserter(merged));
      else
        merged.push_back(std::move(of_name));
    }
    // What the map says itself wins, then what is merged first.
    for (Value& from : merged)
      for (Entry& one : from.entries)
        if (seen.emplace(one.key.text, YAML::Mark::null_mark()).second) value.entries.push_back(std::move(one));
  }

  std::size_t values_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

std::vector<Value> parse(const std::string& text) {
  if (const auto bad = config::find_unreadable(text)) {
    const auto [line, column] = config::place_of(text, bad->offset);
    throw Error("line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + std::string(bad->why));
  }
  try {
    Reader reader;
    std::vector<Value> documents;
    for (const YAML::Node& node : YAML::LoadAll(text))
      if (!node.IsNull()) documents.push_back(reader.read(node, 0));
    return documents;
  } catch (const YAML::Exception& error) {
    throw Error(at(error.mark) + error.msg);
  }
}

}  // namespace fusewire::cli::manifest
