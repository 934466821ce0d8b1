// SPDX-License-Identifier: Apache-2.0
#include "config/messages.hpp"

#include <algorithm>
#include <numeric>

#include "config/printable.hpp"
#include "config/scalars.hpp"

namespace fusewire::config {
namespace {

constexpr std::size_t kLongestCompared = 64;
constexpr std::size_t kLongestQuoted = 60;

// Insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

bool starts_alike(std::string_view a, std::string_view b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  return shorter >= 3 && a.substr(0, shorter) == b.substr(0, shorter);
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.size() > kLongestCompared) return std::nullopt;
  const std::string wanted = to_lower(word);
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kLongestCompared) continue;
    std::size_t distance = edit_distance(wanted, to_lower(candidate));
    if (starts_alike(wanted, candidate)) distance = std::min<std::size_t>(distance, 1);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (const auto near = nearest(word, candidates)) return "; did you mean '" + *near + "'?";
  constexpr std::size_t kShown = 24;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, candidates.size()); ++i)
    out += (i == 0 ? "; expected one of: " : ", ") + std::string(candidates[i]);
  return candidates.size() > kShown ? out + ", …" : out;
}

std::string without_userinfo(std::string_view text) {
  const std::size_t at = text.rfind('@');
  const std::string_view before = text.substr(0, at == std::string_view::npos ? 0 : at);
  const std::size_t colon = before.find(':');
  if (colon == std::string_view::npos) return std::string(text);
  const bool scheme = before.substr(colon).starts_with("://");
  return std::string(scheme ? text.substr(0, colon + 3) : "").append("…").append(text.substr(at));
}

std::string quote(std::string_view whole) {
  const std::string text = without_userinfo(whole);
  std::size_t end = std::min(text.size(), kLongestQuoted);
  while (end > 0 && end < text.size() && (text[end] & '\xc0') == '\x80') --end;  // not within a character
  return "'" + printable(std::string_view(text).substr(0, end)) + (end < text.size() ? "…'" : "'");
}

std::string from_variable(const Node& node) { return "<from " + node.from + ">"; }

std::string shown(const Node* node, std::string own) {
  if (node == nullptr || node->from.empty()) return own;
  return from_variable(*node);
}

std::string describe_key(const Node& node) { return node.key_from_variable ? from_variable(node) : quote(node.key); }

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::scalar:
      return shown(&node, quote(node.text));
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
    default:
      return "nothing";
  }
}

}  // namespace fusewire::config
