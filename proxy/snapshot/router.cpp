// SPDX-License-Identifier: Apache-2.0
#include "proxy/snapshot/router.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>

#include "filters/connection_field.hpp"

namespace fusewire::proxy {

namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kMaxNamed = 5;  // hosts in a sentence

// An IPv6 address, whose spellings are many, in its shortest form; nothing where it is none.
std::string_view shortest(std::string_view address, std::array<char, 256>& space) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr binary{};
  if (address.size() >= text.size()) return {};
  std::copy(address.begin(), address.end(), text.begin());
  if (inet_pton(AF_INET6, text.data(), &binary) != 1) return {};
  return inet_ntop(AF_INET6, &binary, space.data(), static_cast<socklen_t>(space.size()));
}

// The host of an authority without its port and without a closing dot, in lower case; in `space` unless it is too long
// to be a name.
std::string_view host_of(std::string_view authority, std::array<char, 256>& space) {
  const auto close = authority.find(']');
  const auto colon = authority.find(':', close == std::string_view::npos ? 0 : close);
  auto host = authority.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') return shortest(host.substr(1, host.size() - 2), space);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.size() > space.size()) return {};
  std::transform(host.begin(), host.end(), space.begin(), lower);
  return {space.data(), host.size()};
}

// Whether a path's first `length` characters are whole segments of it.
bool ends_segment(std::string_view path, std::size_t length) {
  return length == path.size() || path[length] == '/' || path[length - 1] == '/';
}

// "; the hosts of its routes are a, b and 3 more"
std::string sentence_of(const std::set<std::string_view>& names, std::size_t all) {
  std::string text;
  std::size_t named = 0;
  for (auto name = names.begin(); name != names.end() && named < kMaxNamed; ++name, ++named)
    text.append(named == 0 ? "; the hosts of its routes are " : ", ").append(*name);
  if (named != 0 && named < all) text.append(" and ").append(std::to_string(all - named)).append(" more");
  return text;
}

}  // namespace

Router::Router(const std::vector<config::Route>& routes, const std::set<std::string>& unnamed) : routes_(&routes) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const config::Match& match = routes[i].match;
    std::array<char, 256> space;
    add(match.host.empty() ? any_host_ : hosts_[std::string(host_of(match.host, space))], i);
  }
  std::set<std::string_view> names;
  for (const auto& [host, paths] : hosts_)
    if (!unnamed.contains(host) && !unnamed.contains("[" + host + "]")) names.insert(host);
  known_hosts_ = sentence_of(names, hosts_.size());
}

void Router::add(Paths& paths, std::size_t index) {
  const config::Match& match = (*routes_)[index].match;
  if (!match.path.empty()) {
    paths.exact[match.path].push_back(index);
  } else if (match.path_prefix.empty()) {
    paths.any.push_back(index);
  } else {
    paths.prefix[match.path_prefix].push_back(index);
    auto& lengths = paths.prefix_lengths;
    const auto at = std::lower_bound(lengths.begin(), lengths.end(), match.path_prefix.size());
    if (at == lengths.end() || *at != match.path_prefix.size()) lengths.insert(at, match.path_prefix.size());
  }
}

std::optional<std::size_t> Router::match(const Request& request) const {
  std::size_t best = kNone;
  if (const Paths* paths = paths_of(request.authority)) find(*paths, request, best);
  find(any_host_, request, best);
  return best == kNone ? std::nullopt : std::optional(best);
}

const Router::Paths* Router::paths_of(std::string_view authority) const {
  if (hosts_.empty()) return nullptr;
  std::array<char, 256> space;
  const auto found = hosts_.find(host_of(authority, space));
  return found == hosts_.end() ? nullptr : &found->second;
}

std::string Router::why_no_match(const Request& request) const {
  std::string why = "no route of this listener matches the request";
  if (hosts_.empty() || paths_of(request.authority) != nullptr) return why;
  return why + known_hosts_;
}

void Router::find(const Paths& paths, const Request& request, std::size_t& best) const {
  consider(paths.any, request, best);
  if (!paths.exact.empty())
    if (const auto found = paths.exact.find(request.path); found != paths.exact.end())
      consider(found->second, request, best);
  for (std::size_t length : paths.prefix_lengths) {
    if (length > request.path.size()) break;
    if (!ends_segment(request.path, length)) continue;
    if (const auto found = paths.prefix.find(request.path.substr(0, length)); found != paths.prefix.end())
      consider(found->second, request, best);
  }
}

// The first of the candidates whose method and fields match too, if it comes before the best so far.
void Router::consider(const Candidates& candidates, const Request& request, std::size_t& best) const {
  for (std::size_t index : candidates) {
    if (index >= best) return;
    if (rest_matches((*routes_)[index].match, request)) {
      best = index;
      return;
    }
  }
}

namespace {

// Matches what is forwarded: a field that Connection names is removed, and a repeated one is ambiguous.
bool has_field(const Request& request, std::string_view name, std::string_view value) {
  const Field* only = nullptr;
  for (const Field& field : request.fields) {
    if (!iequals(field.name, name)) continue;
    if (only != nullptr) return false;
    only = &field;
  }
  return only != nullptr && only->value == value && !named_by_connection(request.fields, name);
}

}  // namespace

bool Router::rest_matches(const config::Match& match, const Request& request) const {
  if (!match.methods.empty() &&
      std::find(match.methods.begin(), match.methods.end(), request.method) == match.methods.end())
    return false;
  return std::all_of(match.headers.begin(), match.headers.end(),
                     [&](const auto& header) { return has_field(request, header.first, header.second); });
}

}  // namespace fusewire::proxy
