// SPDX-License-Identifier: Apache-2.0
// A body is the same body however its bytes were cut; bytes behind it are not touched; a chunked one that is written
// again is read as the same content and trailers.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "proxy/http/body_decoder.hpp"
#include "proxy/http/chunk_writer.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace fusewire;
using namespace fusewire::fuzz;
using proxy::http::BodyDecoder;

struct Seen {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
  bool failed = false;
  std::vector<std::pair<std::string, std::string>> trailers;
  bool operator==(const Seen&) const = default;
};

// One call for each piece; whatever a call leaves is given again with the next piece. `pieces` receives the body.
Seen read(BodyDecoder& decoder, std::string_view bytes, std::size_t piece, std::vector<std::string>& pieces) {
  Seen seen;
  for (std::size_t end = 0; end < bytes.size() && !decoder.done() && !decoder.failed();) {
    end = std::min(bytes.size(), end + piece);
    while (seen.consumed < end && !decoder.done() && !decoder.failed()) {
      const std::string_view left = bytes.substr(seen.consumed, end - seen.consumed);
      Exact memory(left);
      const auto step = decoder.decode(memory.data(), left.size());
      require(step.consumed > 0 && step.consumed <= left.size() && step.data.size() <= step.consumed);
      require(memory.view().substr(step.consumed) == left.substr(step.consumed));
      pieces.emplace_back(step.data);
      seen.content += step.data;
      seen.consumed += step.consumed;
    }
  }
  seen.done = decoder.done();
  seen.failed = decoder.failed();
  require(seen.failed || decoder.decoded() == seen.content.size());
  if (seen.done)
    for (const Field& field : decoder.trailers()) seen.trailers.emplace_back(field.name, field.value);
  return seen;
}

void check_written_again(const Seen& seen, const std::vector<std::string>& pieces, const Fields& trailers) {
  proxy::http::ChunkWriter writer;
  std::string wire;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    proxy::Gather gather;
    writer.add(gather, pieces[i], i + 1 == pieces.size(), trailers);
    for (const auto& part : gather.parts()) wire.append(static_cast<const char*>(part.data()), part.size());
  }
  BodyDecoder decoder(BodyKind::chunked, 0);
  std::vector<std::string> ignored;
  const Seen again = read(decoder, wire, wire.size(), ignored);
  require(again.done && again.content == seen.content && again.consumed == wire.size());
  auto expected = again.trailers.begin();
  for (const Field& field : trailers) {
    if (field.id != FieldId::other) continue;
    require(expected != again.trailers.end() && expected->first == field.name && expected->second == field.value);
    ++expected;
  }
  require(expected == again.trailers.end());
}

}  // namespace

// The first byte: a length body (below 32) or a chunked one; the second: the size of a piece.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const bool chunked = data[0] >= 32;
  const std::size_t piece = data[1] % 64 + 1U;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto make = [&] { return BodyDecoder(chunked ? BodyKind::chunked : BodyKind::length, chunked ? 0 : data[0]); };
  BodyDecoder at_once = make();
  BodyDecoder in_pieces = make();
  std::vector<std::string> body;
  std::vector<std::string> ignored;
  const Seen cut = read(in_pieces, bytes, piece, body);
  const Seen whole = read(at_once, bytes, bytes.size(), ignored);
  require(whole.failed == cut.failed && (whole.failed || whole == cut));
  if (chunked && cut.done) check_written_again(cut, body, in_pieces.trailers());
  return 0;
}
