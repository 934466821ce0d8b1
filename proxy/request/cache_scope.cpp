// SPDX-License-Identifier: Apache-2.0
#include "proxy/request/cache_scope.hpp"

#include <optional>
#include <string_view>

#include "filters/connection_field.hpp"
#include "filters/list_field.hpp"
#include "proxy/http/chars.hpp"

namespace fusewire::proxy {

namespace {

// What a value of Forwarded says of the site that was asked for, and nothing of who has asked (RFC 7239 §4).
void append_site(std::string& scope, std::string_view forwarded) {
  bool strict = true;
  const auto add = [&](std::string_view pair) {
    const std::string_view name = pair.substr(0, pair.find('='));
    strict = strict && http::is_token(name);  // others may be read in more than one way
    if (iequals(name, "host") || iequals(name, "proto")) scope.append(pair).append(";");
  };
  const bool well_formed =
      for_each_member(forwarded, ',', [&](std::string_view element) { for_each_member(element, ';', add); });
  if (!well_formed || !strict) scope.append(forwarded).append("\n");
}

}  // namespace

void append_cache_scope(std::string& scope, const Request& request, const http::ConnectionOptions& connection,
                        const Route& route) {
  std::optional<ConnectionNames> named;
  if (connection.names_fields) named.emplace(request.fields);
  for (const Field& field : request.fields) {
    if (named && named->contains(field.name)) continue;  // it goes no further
    if (field.id == FieldId::x_forwarded_proto || field.id == FieldId::x_forwarded_host ||
        field.id == FieldId::x_forwarded_port)
      scope.append(1, static_cast<char>(field.id)).append(field.value).append("\n");
    else if (field.id == FieldId::x_forwarded_site)
      scope.append(field.name).append(":").append(field.value).append("\n");
    else if (field.id == FieldId::forwarded)
      append_site(scope, field.value);
  }
  if (!scope.empty()) scope.append(route.cache_scope);
}

}  // namespace fusewire::proxy
