// SPDX-License-Identifier: Apache-2.0
#include "config/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace fusewire::config {
namespace {

// One expression and what is kept for its searches. The less, the sooner RE2 does without where a text makes it keep
// something new for each byte, which is what takes longest.
constexpr std::int64_t kMaxMemory = std::int64_t{64} << 10;
constexpr int kMaxProgram = 500;            // instructions
constexpr std::size_t kLeastSearched = 16;  // bytes that a text counts as at least: an empty one takes some time, too

re2::RE2::Options options() {
  re2::RE2::Options options;
  options.set_max_mem(kMaxMemory);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_never_capture(true);
  return options;
}

}  // namespace

CompiledPattern::CompiledPattern(const std::string& expression)
    : compiled_(std::make_unique<const re2::RE2>(expression, options())) {
  if (compiled_->ok()) {
    // The program that searches from the end is made here, not by the first search; it may not fit.
    const int backwards = compiled_->ReverseProgramSize();
    const int size = std::max(compiled_->ProgramSize(), backwards);
    if (backwards < 0 || size > kMaxProgram) throw std::invalid_argument("it is too large");
    steps_a_byte_ = std::min(static_cast<std::size_t>(size), steps_a_byte_);
    return;
  }
  const std::string& why = compiled_->error();
  const std::size_t quoted = compiled_->error_arg().empty() ? 0 : compiled_->error_arg().size() + 2;  // ": PIECE"
  throw std::invalid_argument(why.substr(0, why.size() - std::min(quoted, why.size())));
}

CompiledPattern::~CompiledPattern() = default;
CompiledPattern::CompiledPattern(CompiledPattern&&) noexcept = default;
CompiledPattern& CompiledPattern::operator=(CompiledPattern&&) noexcept = default;

std::size_t CompiledPattern::steps(std::string_view text) const noexcept {
  return std::clamp(text.size(), kLeastSearched, kSearched) * steps_a_byte_;
}

bool CompiledPattern::is_in(std::string_view text) const noexcept try {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), std::min(text.size(), kSearched)), *compiled_);
} catch (const std::bad_alloc&) {
  return false;
}

}  // namespace fusewire::config
