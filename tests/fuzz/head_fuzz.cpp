// SPDX-License-Identifier: Apache-2.0
// A head's verdict does not depend on how its bytes arrived: what is complete is incomplete one byte earlier and the
// same without what follows it, and what is refused early is never complete later.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/http/head_parser.hpp"

namespace {

using fusewire::proxy::http::HeadResult;
using fusewire::proxy::http::Parsed;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class Parse>
void check(std::string_view bytes, Parse parse) {
  const HeadResult whole = parse(bytes);
  if (whole.parsed == Parsed::complete) {
    require(whole.size > 0 && whole.size <= bytes.size());
    const HeadResult alone = parse(bytes.substr(0, whole.size));
    require(alone.parsed == Parsed::complete && alone.size == whole.size);
    require(parse(bytes.substr(0, whole.size - 1)).parsed == Parsed::incomplete);
    require(parse(bytes.substr(0, whole.size / 2)).parsed == Parsed::incomplete);
  } else {
    require(parse(bytes.substr(0, bytes.size() / 2)).parsed != Parsed::complete);
  }
  require((whole.parsed == Parsed::refused) == (whole.problem != fusewire::Problem::none));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const fusewire::proxy::http::HeadLimits limits{.max_line = 256, .max_bytes = 2048, .max_fields = 16};
  check(bytes, [&](std::string_view piece) {
    fusewire::Request request;
    return parse_request_head(piece, limits, request);
  });
  for (const bool to_head : {false, true})
    check(bytes, [&](std::string_view piece) {
      fusewire::Response response;
      return parse_response_head(piece, limits, to_head, response);
    });
  return 0;
}
