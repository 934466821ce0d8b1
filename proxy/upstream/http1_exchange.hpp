// SPDX-License-Identifier: Apache-2.0
// One request and its response on an HTTP/1.1 connection (RFC 9112): writes the head and the framed body, parses the
// response strictly, finds its body's end.
#pragma once

#include <algorithm>
#include <optional>

#include "proxy/http/body_decoder.hpp"
#include "proxy/http/chunk_writer.hpp"
#include "proxy/http/head_progress.hpp"
#include "proxy/http/upstream_stream.hpp"
#include "proxy/net/scratch.hpp"
#include "proxy/upstream/upstream_pool.hpp"

namespace fusewire::proxy {

// Made in place by its StreamSource, for each request anew, on a connection that is the source's and that nobody else
// uses or watches until the exchange is finished. On the worker's thread.
class Http1Exchange final : public UpstreamStream, private Watcher {
 public:
  // `scratch`: where a head is built. `news`: the driver's event. All of them outlive the exchange; the connection does
  // until finish().
  Http1Exchange(UpstreamConnection& connection, const config::UpstreamLimits& limits, Scratch::Pool& scratch,
                Event& news)
      : connection_(connection),
        channel_(connection.channel()),
        limits_(limits),
        scratch_(scratch),
        news_(news),
        written_before_(channel_.bytes_written()) {
    channel_.watch(this);
  }
  Http1Exchange(const Http1Exchange&) = delete;
  Http1Exchange& operator=(const Http1Exchange&) = delete;

  bool try_send(const RequestHead&, const RequestPiece&) override;
  bool try_send_body(const RequestPiece&) override;
  Task<void> flush() override;
  bool write_failed() const override { return channel_.write_failed(); }
  bool write_blocked() const override { return channel_.write_blocked(); }
  std::uint64_t bytes_sent() const override { return channel_.bytes_written() - written_before_; }

  HeadRead read_head(UpstreamHead&) override;
  BodyRead read_body(std::string_view& piece) override;
  void consume_body() override;
  bool has_news() const override { return !channel_.buffer().empty() || channel_.ended(); }
  const Fields& trailers() const override { return body_->trailers(); }
  std::string_view malformed() const override { return malformed_; }
  TlsFault tls_fault() const override;
  void listen() override { channel_.start_read(); }

  std::optional<Time> idle_since() const override;
  bool received_any() const override { return received_any_; }
  bool ended_unprocessed() const override;

  void cancel() override { channel_.close(); }
  bool finish() override;

  // How long the connection may be idle after the response: as the response says, but no longer than configured.
  milliseconds keep_alive(milliseconds configured) const { return std::min(configured, keep_alive_); }

 private:
  void on_activity() override { news_.set(); }

  Task<void> flush_head();
  http::HeadResult parse_head(Response&);
  http::HeadLimits head_limits() const;
  bool switches_unasked(const Response&, const http::HeadResult&) const;
  HeadRead nothing_yet() const { return channel_.ended() ? HeadRead::ended : HeadRead::wait; }
  HeadRead refuse_head(std::string_view why);
  void begin_body(const UpstreamHead&);

  UpstreamConnection& connection_;
  Channel& channel_;  // the connection's
  const config::UpstreamLimits& limits_;
  Scratch::Pool& scratch_;
  Event& news_;
  const std::uint64_t written_before_;  // on this connection, before this request

  const Request* request_ = nullptr;
  const Protocols* upgrades_ = nullptr;  // that the request asks for
  std::optional<Scratch> head_text_;     // while the head is being written
  Gather unsent_;
  http::ChunkWriter chunks_;

  http::HeadProgress head_progress_;
  std::optional<http::BodyDecoder> body_;  // from the final head on
  milliseconds keep_alive_ = milliseconds::max();
  std::size_t taken_ = 0;  // bytes of the buffer under the last piece of the body
  std::string_view malformed_;
  unsigned interims_ = 0;
  bool received_any_ = false;
  bool holds_interim_ = false;  // in the buffer
  bool request_ended_ = false;  // all of it has been given to the channel
  bool is_persistent_ = false;  // a final head has come, and the connection goes on behind its body (RFC 9112 §9.3)
};

}  // namespace fusewire::proxy
