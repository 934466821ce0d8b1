// SPDX-License-Identifier: Apache-2.0
// A request that the upstream has answered with 101: the call ends there, the connection becomes a tunnel.
#include "proxy/downstream/session.hpp"

#include "proxy/net/clock.hpp"

namespace fusewire::proxy {

// A client that has read the 101 finds the call counted. What the upstream sent behind it goes to the client with it.
Task<void> Session::begin_tunnel(CallRunner& first, CallRunner& source, Reply& reply) {
  source.done(source.exchange().response_end);
  first.done();
  close_ = true;  // no further request, whatever comes of it
  status_ = reply.status;
  const Time now = steady_now();
  if (listener_ != nullptr) count(worker_, *listener_, finished(nullptr, now));
  Scratch scratch(worker_.scratch());
  append_response_head(*scratch, {.status = reply.status,
                                  .reason = source.forward().response().reason,
                                  .fields = reply.fields,
                                  .connection = &source.forward().response_connection(),
                                  .body = ClientBody::none,
                                  .content_length = {},
                                  .extra_fields = reply.extra_fields,
                                  .request_id = inbound_.request_id,
                                  .date_line = {},
                                  .close = false,
                                  .http10 = false,
                                  .upgrades = inbound_.upgrades});
  Gather gather;
  gather.add(*scratch);
  co_await send(gather);
  if (!client_->write_failed()) open_tunnel(first, source);
  co_await first.finish();
  call_ = nullptr;
  if (!tunnel_) write_access_line(worker_, snapshot_->config.log, access_record(finished(&first, now)), now);
  worker_.give_back(std::move(reply.fields));
}

void Session::open_tunnel(CallRunner& first, CallRunner& source) {
  tunnel_ = std::make_unique<Tunnel>(worker_.deadlines(), client_, source.forward().take_connection(),
                                     source.call.timeouts->tunnel_idle);
  tunnel_->method = inbound_.request.method;
  tunnel_->path = inbound_.request.path;
  tunnel_->host = inbound_.request.authority;
  tunnel_->endpoint = first.endpoint();
  tunnel_->record = access_record(finished(&first, steady_now()));
  tunnel_->route_name = tunnel_->record.route;
  tunnel_->upstream_name = tunnel_->record.upstream;
  tunnel_->record.route = tunnel_->route_name;
  tunnel_->record.upstream = tunnel_->upstream_name;
  tunnel_->record.method = tunnel_->method;
  tunnel_->record.path = tunnel_->path;
  tunnel_->record.host = tunnel_->host;
}

// The exchange and its buffers are gone by now: a tunnel without traffic holds little.
Task<void> Session::run_tunnel() {
  worker_.give_back(std::move(inbound_.request.fields));
  inbound_.request = {};
  let_snapshot_go();
  co_await tunnel_->run();
  snapshot_ = worker_.snapshot();  // says what is logged
  const Time end = steady_now();
  AccessRecord& line = tunnel_->record;
  line.bytes_in = tunnel_->bytes_in();
  line.bytes_out = tunnel_->bytes_out();
  line.total = end - started_;
  const Flags cut = stopped_ ? bits(Flag::shut_down) : Flags{0};
  line.flags = static_cast<Flags>(line.flags | tunnel_->flags() | cut);
  write_access_line(worker_, snapshot_->config.log, line, end);
}

}  // namespace fusewire::proxy
