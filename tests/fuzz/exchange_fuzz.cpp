// SPDX-License-Identifier: Apache-2.0
// Whole exchanges: a client and an upstream that say whatever they like, in pieces, to the real session, forward and
// pool. What the origin sees are the client's requests, unambiguous, or nothing; what the client sees are well-framed
// answers in order, and no byte of the upstream outside of one.
//
// An input is one byte of options and a script: bytes for the client to send, and behind 0xff a letter that says who
// does what from there on (see Player). So raw requests are scripts; the origin answers them by itself.
#include <cstdint>
#include <memory>

#include "tests/fuzz/check.hpp"
#include "tests/fuzz/exchange/stage.hpp"
#include "tests/fuzz/exchange/verdict.hpp"

namespace {

using namespace fusewire::fuzz;

constexpr std::size_t kMaxSteps = 64;
constexpr std::size_t kMaxPieces = 256;

struct Options {
  explicit Options(std::uint8_t bits)
      : piece(std::size_t{1} << (bits & 3) * 2),
        whole((bits & 3) == 3),
        setup{.cache = (bits & 4) != 0, .small_body = (bits & 8) != 0, .serve = (bits & 20) == 20} {}

  std::size_t piece;  // 1, 4 or 16 bytes at a time
  bool whole;         // or all at once
  Setup setup;
};

class Player {
 public:
  Player(const Options& options, std::string_view script)
      : options_(options),
        stage_(World::of(options.setup), script.find("\xff"
                                                     "a") == script.npos &&
                                             script.find("\xff"
                                                         "w") == script.npos) {
    stage_.open_client();
    for (std::size_t steps = 0; steps < kMaxSteps; ++steps) {
      const auto mark = script.find('\xff');
      step(script.substr(0, mark));
      if (mark == std::string_view::npos || mark + 1 == script.size()) break;
      begin(script[mark + 1]);
      script.remove_prefix(mark + 2);
    }
    stage_.settle();
    judge(stage_, options_.setup);
    stage_.end();
    judge(stage_, options_.setup);
  }

 private:
  // What a letter does at once; what follows it goes where it says.
  void begin(char letter) {
    kind_ = letter;
    OriginEnd* const origin = stage_.origin();
    switch (letter) {
      case 'e':  // the client's FIN
        stage_.client().finish();
        break;
      case 'x':
        stage_.client().close();
        break;
      case 'n':  // another client
        stage_.settle();
        judge(stage_, options_.setup);
        stage_.open_client();
        break;
      case 'h':  // the upstream's FIN
        if (origin != nullptr) origin->finish();
        break;
      case 'f':
        if (origin != nullptr) origin->close();
        break;
      case 's':
        stage_.settle();
        break;
      default:
        break;
    }
    stage_.turn();
  }

  void step(std::string_view bytes) {
    switch (kind_) {
      case 'a':  // an answer to the next request as soon as its head is there
      case 'w':  // or when it is whole
        stage_.script({.bytes = std::string(bytes), .when_whole = kind_ == 'w'});
        stage_.turn();
        break;
      case 'u':  // the upstream says this now, asked or not
        in_pieces(bytes, [&](std::string_view piece) {
          if (OriginEnd* const origin = stage_.origin()) origin->send(piece);
        });
        break;
      default:
        in_pieces(bytes, [&](std::string_view piece) { stage_.client().send(piece); });
    }
  }

  template <class Send>
  void in_pieces(std::string_view bytes, Send send) {
    const std::size_t size = options_.whole ? bytes.size() : std::max(options_.piece, bytes.size() / kMaxPieces + 1);
    while (!bytes.empty()) {
      send(bytes.substr(0, size));
      bytes.remove_prefix(std::min(bytes.size(), size));
      stage_.turn();
    }
  }

  const Options options_;
  Stage stage_;
  char kind_ = 'c';
};

}  // namespace

// Most of the time would go to the sanitizer's memory of freed memory otherwise.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "malloc_context_size=6:quarantine_size_mb=16"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Player(Options(data[0]), std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
