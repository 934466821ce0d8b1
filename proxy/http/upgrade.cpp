// SPDX-License-Identifier: Apache-2.0
#include "proxy/http/upgrade.hpp"

#include <algorithm>

#include "proxy/http/chars.hpp"

namespace fusewire::proxy {

namespace {

using std::string_view;

bool lists(const Protocols& allowed, string_view protocol) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const auto& one) { return iequals(one, protocol); });
}

// visit(protocol) for each protocol that the Upgrade field(s) name; those that are none fit no list.
template <class Visit>
void for_each_protocol(const Fields& fields, Visit visit) {
  for (const Field& field : fields) {
    if (field.id != FieldId::upgrade) continue;
    for (string_view list = field.value; !list.empty();)
      if (const auto protocol = http::next_element(list); !protocol.empty()) visit(protocol);
  }
}

bool names(const Fields& fields, string_view protocol) {
  bool found = false;
  for_each_protocol(fields, [&](string_view one) { found = found || iequals(one, protocol); });
  return found;
}

}  // namespace

bool asks_for_upgrade(const Request& request, const Protocols& allowed) {
  const bool has_body =
      request.body == BodyKind::chunked || (request.body == BodyKind::length && request.content_length > 0);
  if (request.minor_version == 0 || has_body) return false;
  bool found = false;
  for_each_protocol(request.fields, [&](string_view protocol) { found = found || lists(allowed, protocol); });
  return found;
}

void append_upgrade(std::string& out, const Fields& fields, const Protocols& allowed) {
  bool any = false;
  for_each_protocol(fields, [&](string_view protocol) {
    if (!lists(allowed, protocol)) return;
    out.append(any ? ", " : "Connection: Upgrade\r\nUpgrade: ").append(protocol);
    any = true;
  });
  if (any) out.append("\r\n");
}

bool switches_as_asked(const Response& response, const http::ConnectionOptions& connection, const Fields& request,
                       const Protocols& allowed) {
  if (!connection.upgrade || response.minor_version == 0) return false;
  bool any = false;
  bool asked = true;
  for_each_protocol(response.fields, [&](string_view protocol) {
    any = true;
    asked = asked && lists(allowed, protocol) && names(request, protocol);
  });
  return any && asked;
}

}  // namespace fusewire::proxy
