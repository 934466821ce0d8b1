// SPDX-License-Identifier: Apache-2.0
// One stored response. Immutable once made, so that any thread may read it and a hit copies nothing: a reply shares it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/cache/freshness.hpp"
#include "filters/cache/key.hpp"
#include "filters/cache/partition.hpp"
#include "filters/cache/vary.hpp"
#include "filters/message.hpp"

namespace fusewire::cache {

using Body = std::shared_ptr<const std::string>;

struct Entry {
  Entry() = default;
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  std::shared_ptr<Partition> partition;
  std::uint64_t generation = 0;  // these three: its scope
  std::string route_scope;
  std::string uri;
  std::vector<Selecting> selecting;
  int status = 0;
  // End-to-end fields in order, with a Date; without Age and Content-Length, which are made anew. Views of `head`.
  Fields fields;
  std::string head;
  Body body;
  Freshness freshness;
  std::string_view etag;  // as it came, W/ included; empty: none
  std::optional<HttpTime> last_modified;
  std::size_t cost = 0;  // bytes held against cache_memory

  Scope scope() const noexcept { return {*partition, generation, route_scope}; }
};

using EntryPtr = std::shared_ptr<const Entry>;

// Without W/.
std::string_view opaque_tag(std::string_view etag) noexcept;

// The strong form of a response's ETag; empty when there is none or it is weak.
std::string_view strong_etag(const Fields&) noexcept;

// What an entry is made of. The views are copied; `body` is shared.
struct Origin {
  std::shared_ptr<Partition> partition;
  std::string uri;
  const Request& request;
  const Response& response;
  const Freshness& freshness;
  HttpTime wall;  // when the response came
  std::uint64_t generation = 0;
  std::string_view route_scope = {};
};
EntryPtr make_entry(Origin, Body body);

// The stored response with the fields of a 304 or of an answer to HEAD in place of its own (RFC 9111 §3.2), as if it
// had come anew. Its entity tag stays: it names the stored bytes. Its views last as long as both.
Response updated(const Entry&, const Response& fresh);

// Whether a 304 to a request with this entry's own validators confirms it. What names no validator does, and so does
// its entity tag in the weak or the strong form: servers compare weakly (RFC 9110 §13.1.2), and some that compress
// responses send one form with a body and the other form without.
bool still_holds(const Entry&, const Response& not_modified, HttpTime now) noexcept;

// What a response that came without its body says of a stored one.
enum class Agreement : std::uint8_t {
  same,    // it speaks of the stored representation: each validator that it names is the stored one
  other,   // it contradicts what is stored
  unsaid,  // neither
};
// Of a 304 to a client's own conditions (RFC 9111 §4.3.4): `other` may refer to what that client has instead of this
// entry.
Agreement agreement_of_304(const Entry&, const Response& not_modified, HttpTime now) noexcept;
// Of a 200 to HEAD (§4.3.5).
Agreement agreement_of_head(const Entry&, const Response& head, HttpTime now) noexcept;

}  // namespace fusewire::cache
