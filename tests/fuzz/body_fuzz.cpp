// SPDX-License-Identifier: Apache-2.0
// A body is the same body however its bytes were cut: same content, same verdict, same end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/http/body_decoder.hpp"

namespace {

using fusewire::BodyKind;
using fusewire::proxy::http::BodyDecoder;

struct Seen {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
};

Seen read(std::string_view bytes, BodyKind kind, std::uint64_t length, std::size_t piece) {
  BodyDecoder decoder(kind, length);
  Seen seen;
  std::string pending;
  for (std::size_t at = 0; at < bytes.size() && !decoder.done() && !decoder.failed(); at += piece) {
    pending += bytes.substr(at, piece);
    for (bool moved = true; moved && !pending.empty() && !decoder.done() && !decoder.failed();) {
      const auto step = decoder.decode(pending.data(), pending.size());
      if (step.consumed > pending.size()) std::abort();
      seen.content += step.data;
      seen.consumed += step.consumed;
      pending.erase(0, step.consumed);
      moved = step.consumed > 0;
    }
  }
  seen.done = decoder.done();
  seen.failed = decoder.failed();
  if (decoder.decoded() != seen.content.size() && !seen.failed) std::abort();
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto kind = data[0] % 4 == 0 ? BodyKind::length : BodyKind::chunked;
  const std::uint64_t length = data[0] / 4;
  const std::size_t piece = std::max<std::size_t>(data[1], 1);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Seen whole = read(bytes, kind, length, bytes.size() + 1);
  const Seen cut = read(bytes, kind, length, piece);
  if (whole.done != cut.done || whole.failed != cut.failed) std::abort();
  if (!whole.failed && (whole.content != cut.content || whole.consumed != cut.consumed)) std::abort();
  return 0;
}
