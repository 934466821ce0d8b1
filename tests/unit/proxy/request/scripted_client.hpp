// SPDX-License-Identifier: Apache-2.0
// A client without a connection: what it sends and takes is what the test says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/client_stream.hpp"

namespace fusewire::testing {

// It must outlive the runner that writes to it. Of its request's body it sends nothing beyond what came with the head;
// `body` says what an upload that asks for more is answered.
class ScriptedClient final : public proxy::ClientStream {
 public:
  struct Taken {
    unsigned responses = 0;
    int status = 0;
    std::string fields;  // a line each, those of the response before those of the proxy
    std::string body;
    std::vector<std::size_t> pieces;  // their sizes
    bool whole = false;               // the last part has come
    bool broken_off = false;
    bool is_last = false;  // no further request is taken from it
    bool no_more = false;  // the request goes on without it
  };
  const Taken& taken() const { return taken_; }
  unsigned stalls() const { return stalls_; }  // how often somebody has waited for it

  // From the next part on it takes its response slowly, until take_again().
  void stall() { slow_ = true; }
  void take_again() {
    slow_ = false;
    moved_.set();
  }
  // The runner's event is for the test to set.
  void leave() {
    left_ = true;
    if (waits_) moved_.set();
  }

  BodyRead body = BodyRead::wait;

  bool gone() const override { return left_; }
  bool closed() const override { return false; }
  void listen() override {}
  void watch_for_end() override {}
  void reset() override { left_ = true; }
  BodyRead read_body(std::string_view&) override { return left_ ? BodyRead::gone : body; }
  void consume_body() override {}
  std::size_t unread() const override { return 0; }
  void wait_for_body(Time) override {}
  void begin_upload(proxy::Event&) override {}
  void end_upload() override {}
  bool try_write(proxy::Gather&) override { return true; }
  proxy::Task<void> flush(proxy::Gather&) override { return proxy::Task<void>::ended(); }
  bool write_blocked() const override { return waits_; }

  bool write(const proxy::ResponsePart& part) override {
    if (part.start != nullptr) begin(*part.start);
    taken_.body.append(part.piece);
    if (!part.piece.empty()) taken_.pieces.push_back(part.piece.size());
    taken_.whole = part.last;
    return !slow_;
  }
  proxy::Task<void> flush_response() override {
    ++stalls_;
    waits_ = true;
    while (slow_ && !left_) co_await moved_.wait();
    waits_ = false;
  }
  bool write_failed() const override { return left_; }
  void close_after_response() override { taken_.is_last = true; }
  void end_sending() override { taken_.no_more = true; }
  void break_off() override { taken_.broken_off = true; }

 private:
  void begin(const proxy::ResponseStart& start) {
    ++taken_.responses;
    taken_.status = start.status;
    for (const Field& field : start.fields)
      taken_.fields.append(field.name).append(": ").append(field.value).append("\r\n");
    taken_.fields.append(start.extra_fields);
  }

  Taken taken_;
  proxy::Event moved_;
  unsigned stalls_ = 0;
  bool left_ = false;
  bool slow_ = false;
  bool waits_ = false;
};

}  // namespace fusewire::testing
