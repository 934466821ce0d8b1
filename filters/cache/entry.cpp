// SPDX-License-Identifier: Apache-2.0
#include "filters/cache/entry.hpp"

#include <array>
#include <utility>

#include "filters/connection_field.hpp"

namespace fusewire::cache {
namespace {

// Of this connection or hop (RFC 9110 §7.6.1, RFC 9111 §3.1), or made anew with each answer. Asked for each field of
// each response: lengths first.
bool never_stored(std::string_view name) noexcept {
  switch (name.size()) {
    case 2:
      return iequals(name, "te");
    case 3:
      return iequals(name, "age");
    case 7:
      return iequals(name, "trailer") || iequals(name, "upgrade");
    case 10:
      return iequals(name, "connection") || iequals(name, "keep-alive");
    case 12:
      return iequals(name, "x-request-id");
    case 14:
      return iequals(name, "content-length");
    case 16:
      return iequals(name, "proxy-connection");
    case 17:
      return iequals(name, "transfer-encoding");
    case 18:
      return iequals(name, "proxy-authenticate");
    case 19:
      return iequals(name, "proxy-authorization");
    case 25:
      return iequals(name, "proxy-authentication-info");
    default:
      return false;
  }
}

// Which fields of one message are stored.
class Keeps {
 public:
  explicit Keeps(const Fields& fields) : named_(fields) {}

  bool operator()(std::string_view name) const noexcept { return !never_stored(name) && !named_.contains(name); }

 private:
  ConnectionNames named_;
};

// Fields that describe the stored bytes: an update does not touch them.
bool of_the_bytes(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> kNames = {"content-length", "content-encoding", "content-type",
                                                      "content-range"};
  return iequals_any(name, kNames);
}

// Fills head and fields. The views that fields holds need a head that never moves: it is reserved once.
class Copier {
 public:
  Copier(Entry& entry, const Fields& fields) : entry_(entry) {
    std::size_t size = sizeof("Date") + 29;
    for (const Field& field : fields) size += field.name.size() + field.value.size();
    entry.head.reserve(size);
    entry.fields.reserve(fields.size() + 1);
  }
  void add(std::string_view name, std::string_view value, FieldId id) {
    const std::string_view stored_name = put(name);
    entry_.fields.add(stored_name, put(value), id);
  }

 private:
  std::string_view put(std::string_view text) {
    const std::size_t from = entry_.head.size();
    entry_.head.append(text);
    return std::string_view(entry_.head).substr(from);
  }

  Entry& entry_;
};

// With one Date: where the response's cannot be read, the time of receipt (RFC 9110 §6.6.1).
void copy_fields(Entry& entry, const Fields& fields, HttpTime wall) {
  Copier copier(entry, fields);
  const Keeps keeps(fields);
  bool dated = !entry.freshness.dated;
  for (const Field& field : fields) {
    const bool stays = iequals(field.name, "date") ? !std::exchange(dated, true) : keeps(field.name);
    if (stays) copier.add(field.name, field.value, field.id);
  }
  if (entry.freshness.dated) return;
  const auto now = format_http_date(wall);
  copier.add("Date", {now.data(), now.size()}, FieldId::date);
}

std::size_t cost_of(const Entry& entry) noexcept {
  // Nodes of list and map, reference counts, the allocator's own: about 300 bytes.
  std::size_t bytes = sizeof(Entry) + 300 + entry.uri.size() * 2 + entry.head.capacity();
  bytes += entry.route_scope.size() + entry.fields.size() * sizeof(Field) + entry.body->capacity();
  for (const Selecting& field : entry.selecting)
    bytes += sizeof(Selecting) + field.name.size() + (field.value ? field.value->size() : 0);
  return bytes;
}

// Entity tags are compared as the fields spell them: W/"1" and "1" are not known to be the same bytes. A validator that
// only one of the two has contradicts nothing, and confirms nothing.
Agreement by_validators(const Entry& entry, const Fields& fresh, HttpTime now) noexcept {
  const auto etag = fresh.find("etag");
  const auto modified = fresh.find("last-modified");
  const auto date = modified ? parse_http_date(*modified, now) : std::nullopt;
  if (etag && !entry.etag.empty() && *etag != entry.etag) return Agreement::other;
  if (modified && entry.last_modified && date != entry.last_modified) return Agreement::other;
  const bool unknown = (etag && entry.etag.empty()) || (modified && !entry.last_modified);
  return unknown || (!etag && !modified) ? Agreement::unsaid : Agreement::same;
}

}  // namespace

std::string_view opaque_tag(std::string_view etag) noexcept { return etag.starts_with("W/") ? etag.substr(2) : etag; }

std::string_view strong_etag(const Fields& fields) noexcept {
  const std::string_view etag = fields.find("etag").value_or("");
  return etag.size() >= 2 && etag.front() == '"' && etag.back() == '"' ? etag : std::string_view{};
}

EntryPtr make_entry(Origin origin, Body body) {
  auto entry = std::make_shared<Entry>();
  entry->partition = std::move(origin.partition);
  entry->generation = origin.generation;
  entry->route_scope = origin.route_scope;
  entry->uri = std::move(origin.uri);
  entry->selecting = selecting_fields(origin.response.fields, origin.request.fields);
  entry->status = origin.response.status;
  entry->freshness = origin.freshness;
  entry->body = std::move(body);
  copy_fields(*entry, origin.response.fields, origin.wall);
  entry->etag = entry->fields.find("etag").value_or("");
  if (const auto modified = entry->fields.find("last-modified"))
    entry->last_modified = parse_http_date(*modified, origin.wall);
  entry->cost = cost_of(*entry);
  return entry;
}

Response updated(const Entry& entry, const Response& fresh) {
  const Keeps keeps(fresh.fields);
  const bool tagged = !entry.etag.empty();
  const auto replaces = [&](std::string_view name) {
    return !of_the_bytes(name) && keeps(name) && !(tagged && iequals(name, "etag"));
  };
  Response merged;
  merged.status = entry.status;
  merged.body = BodyKind::length;
  merged.content_length = entry.body->size();
  for (const Field& field : entry.fields) {
    const bool replaced = replaces(field.name) && fresh.fields.find(field.name);
    if (!replaced && !iequals(field.name, "date")) merged.fields.add(field.name, field.value, field.id);
  }
  for (const Field& field : fresh.fields)
    if (replaces(field.name) || iequals(field.name, "age")) merged.fields.add(field.name, field.value, field.id);
  return merged;
}

bool still_holds(const Entry& entry, const Response& not_modified, HttpTime now) noexcept {
  if (const auto etag = not_modified.fields.find("etag")) return opaque_tag(*etag) == opaque_tag(entry.etag);
  if (const auto modified = not_modified.fields.find("last-modified"))
    return parse_http_date(*modified, now) == entry.last_modified;
  return true;
}

Agreement agreement_of_304(const Entry& entry, const Response& not_modified, HttpTime now) noexcept {
  const bool has_validator = !entry.etag.empty() || entry.last_modified;
  const bool names_validator = not_modified.fields.find("etag") || not_modified.fields.find("last-modified");
  if (!has_validator && !names_validator) return Agreement::same;
  return by_validators(entry, not_modified.fields, now);
}

Agreement agreement_of_head(const Entry& entry, const Response& head, HttpTime now) noexcept {
  const auto length = head.fields.find("content-length");
  if (head.status != entry.status || (length && *length != std::to_string(entry.body->size()))) return Agreement::other;
  return by_validators(entry, head.fields, now);
}

}  // namespace fusewire::cache
