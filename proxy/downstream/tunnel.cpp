// SPDX-License-Identifier: Apache-2.0
#include "proxy/downstream/tunnel.hpp"

#include "proxy/net/clock.hpp"
#include "proxy/net/spawn.hpp"

namespace fusewire::proxy {

Tunnel::Tunnel(DeadlineWheel& wheel, ChannelPtr client, std::unique_ptr<UpstreamConnection> upstream, milliseconds idle)
    : client_(std::move(client)),
      upstream_(std::move(upstream)),
      idle_(idle),
      idle_due_(wheel, [this] { on_idle(); }),
      from_client_(*this, *client_, upstream_->channel(), Flag::client_gone),
      from_upstream_(*this, upstream_->channel(), *client_, Flag::upstream_reset) {
  client_->watch(&from_client_);
  upstream_->channel().watch(&from_upstream_);
  client_->watch_for_reset();
  upstream_->channel().watch_for_reset();
}

void Tunnel::keep(const AccessRecord& record, std::shared_ptr<const void> endpoint) {
  const auto copy = [](std::string& to, std::string_view text) { return std::string_view(to = text); };
  record_ = record;
  record_.trace_id = copy(trace_id_, record.trace_id);
  record_.method = copy(method_, record.method);
  record_.path = copy(path_, record.path);
  record_.host = copy(host_, record.host);
  record_.route = copy(route_name_, record.route);
  record_.upstream = copy(upstream_name_, record.upstream);
  endpoint_ = std::move(endpoint);
}

AccessRecord Tunnel::finished_record(Time started, Time ended) const {
  AccessRecord record = record_;
  record.bytes_in = bytes_in();
  record.bytes_out = bytes_out();
  record.total = ended - started;
  record.flags = static_cast<Flags>(record.flags | flags_);
  return record;
}

Task<void> Tunnel::run() {
  running_ = 2;
  touch();
  spawn(pump(from_upstream_), "tunnel");
  spawn(pump(from_client_), "tunnel");
  co_await over_.wait();
  idle_due_.disarm();
  client_->close();
  upstream_->channel().close();
}

Task<void> Tunnel::pump(Side& side) {
  bool more = true;
  while (more) more = co_await pass_on(side);
  if (side.from.eof())
    side.to.shutdown_send();
  else
    end(side.broken);
  // The awaiting coroutine may destroy this tunnel: it is woken from the loop, where none of our functions is running.
  if (--running_ == 0) side.from.loop().soon([this] { over_.set(); });
}

// The next piece. False: there will be none.
Task<bool> Tunnel::pass_on(Side& side) {
  ReadBuffer& buffer = side.from.buffer();
  while (buffer.empty()) {
    if (side.from.ended()) co_return false;
    buffer.shrink();
    side.from.start_read();
    co_await side.news.wait();
  }
  // More may come while this is being written: a read was asked for before the 101.
  const std::size_t size = buffer.size();
  Gather gather;
  gather.add(buffer.view());
  if (!side.to.try_write(gather)) co_await side.to.flush(gather);
  if (side.to.write_failed()) {
    end(side.broken == Flag::client_gone ? Flag::upstream_reset : Flag::client_gone);
    co_return false;
  }
  side.bytes += size;
  buffer.consume(size);
  touch();
  co_return true;
}

void Tunnel::heard_of(Side& side) {
  if (side.from.was_reset()) return end(side.broken);
  side.news.set();
}

void Tunnel::cut() { end(Flag{}); }

void Tunnel::end(Flag why) {
  if (std::exchange(cut_, true)) return;
  flags_ = bits(why);
  client_->reset();
  upstream_->channel().reset();
  from_client_.news.set();
  from_upstream_.news.set();
}

// ------------------------------------------------------------------------------------------------------ standing still

void Tunnel::touch() {
  written_before_ = client_->bytes_written() + upstream_->channel().bytes_written();
  left_before_ = 0;
  idle_due_.arm(steady_now() + idle_);
}

// A piece may be long under way to a slow reader: in its write, or in the kernel's queue.
bool Tunnel::still_moves() {
  Channel& upstream = upstream_->channel();
  const bool written = client_->bytes_written() + upstream.bytes_written() != written_before_;
  const std::size_t left = client_->unacknowledged() + upstream.unacknowledged();
  const std::size_t before = std::exchange(left_before_, left);
  return written || (left > 0 && (before == 0 || left < before));
}

void Tunnel::on_idle() {
  if (!still_moves()) return end(Flag::upstream_timeout);
  const std::size_t left = left_before_;
  touch();
  left_before_ = left;
}

}  // namespace fusewire::proxy
