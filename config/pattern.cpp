// SPDX-License-Identifier: Apache-2.0
#include "config/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace fusewire::config {
namespace {

// What is kept for the searches of one expression, beside itself.
constexpr std::int64_t kMaxMemory = std::int64_t{1} << 20;
// Instructions: with a byte of the text each may cost some nanoseconds, where the memory is used up.
constexpr int kMaxProgram = 500;

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
  if (compiled_->ok() && compiled_->ProgramSize() > kMaxProgram) throw std::invalid_argument("it is too large");
  if (compiled_->ok()) return;
  const std::string& why = compiled_->error();
  const std::size_t quoted = compiled_->error_arg().empty() ? 0 : compiled_->error_arg().size() + 2;  // ": PIECE"
  throw std::invalid_argument(why.substr(0, why.size() - std::min(quoted, why.size())));
}

CompiledPattern::~CompiledPattern() = default;
CompiledPattern::CompiledPattern(CompiledPattern&&) noexcept = default;
CompiledPattern& CompiledPattern::operator=(CompiledPattern&&) noexcept = default;

bool CompiledPattern::is_in(std::string_view text) const noexcept try {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), std::min(text.size(), kSearched)), *compiled_);
} catch (const std::bad_alloc&) {
  return false;
}

}  // namespace fusewire::config
