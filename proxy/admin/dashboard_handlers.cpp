// SPDX-License-Identifier: Apache-2.0
#include "proxy/admin/dashboard/assets.hpp"
#include "proxy/admin/handlers.hpp"

namespace fusewire::proxy::admin {
namespace {

// Scripts, styles, images and figures come from this address only, none stand in the page, no other site may frame it,
// and no text is ever taken for markup.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

// RFC 9110 §13.1.2; a weak comparison.
bool is_known(const Request& request, std::string_view etag) {
  if (!request.if_none_match) return false;
  return *request.if_none_match == "*" || request.if_none_match->find(etag) != std::string::npos;
}

Reply asset_reply(const Call& call, const dashboard::Asset& asset) {
  Reply reply;
  reply.content_type = asset.content_type;
  reply.cache_control = "no-cache";  // kept, and asked about: an upgrade is seen at the next look
  reply.fields = {{"ETag", std::string(asset.etag)},
                  {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
                  {"Referrer-Policy", "no-referrer"},
                  {"Cross-Origin-Opener-Policy", "same-origin"},
                  {"Cross-Origin-Resource-Policy", "same-origin"}};
  if (is_known(call.request, asset.etag))
    reply.status = 304;
  else
    reply.body = asset.bytes;
  return reply;
}

}  // namespace

Reply get_dashboard(const Call& call) { return asset_reply(call, *dashboard::find_asset("index.html")); }

Reply get_dashboard_file(const Call& call) {
  if (const dashboard::Asset* asset = dashboard::find_asset(call.name)) return asset_reply(call, *asset);
  return problem(404, "NotFound", "the dashboard has no such file");
}

Reply get_dashboard_stream(const Call&) {
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.stream_dashboard = true;
  return reply;
}

}  // namespace fusewire::proxy::admin
