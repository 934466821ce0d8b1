// SPDX-License-Identifier: Apache-2.0
// Whether this build looks for memory that is used after it was freed: then nothing is recycled.
#pragma once

namespace fusewire::proxy {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace fusewire::proxy
