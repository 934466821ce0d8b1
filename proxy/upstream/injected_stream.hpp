// SPDX-License-Identifier: Apache-2.0
// What an injected abort (PUT /admin/faults) looks like to those who forward a request: an endpoint that takes the
// request and answers at once, or closes the connection. There is no connection behind it.
#pragma once

#include <string>

#include "proxy/http/upstream_stream.hpp"

namespace fusewire::proxy {

class InjectedStream final : public UpstreamStream {
 public:
  // `abort` as in fault::Injected, not 0; the names stand in the answer's body.
  InjectedStream(std::uint16_t abort, std::string_view upstream, std::string_view request_id);

  bool try_send(const RequestHead&, const RequestPiece&) override;
  bool try_send_body(const RequestPiece&) override;
  Task<void> flush() override { return Task<void>::ended(); }
  bool write_failed() const override { return ended_; }
  bool write_blocked() const override { return false; }
  // Nothing leaves this process. But an endpoint that answers, or closes the connection behind the request, has had it.
  std::uint64_t bytes_sent() const override { return sent_; }

  HeadRead read_head(UpstreamHead&) override;
  BodyRead read_body(std::string_view& piece) override;
  void consume_body() override {}
  bool has_news() const override { return true; }
  const Fields& trailers() const override { return trailers_; }
  std::string_view malformed() const override { return {}; }
  void listen() override {}

  std::optional<Time> idle_since() const override { return std::nullopt; }
  bool received_any() const override { return answered_; }
  bool ended_unprocessed() const override { return false; }

  void cancel() override { ended_ = true; }
  bool finish() override { return false; }

 private:
  const std::uint16_t abort_;
  std::string head_;
  std::string body_;
  Fields trailers_;  // none
  std::uint64_t sent_ = 0;
  bool to_head_ = false;
  bool answered_ = false;
  bool ended_ = false;
};

}  // namespace fusewire::proxy
