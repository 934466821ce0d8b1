// SPDX-License-Identifier: Apache-2.0
// A JSON text whose strings hold {{placeholders}}. It is parsed first and filled afterwards, so that no value can
// change its structure, whatever is in it.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace fusewire::proxy {

// What is wrong with the text: no JSON, or a placeholder that there is none of; empty: nothing.
std::string judge_template(const std::string& text);

// The text with every placeholder replaced, as JSON. The text has been judged.
std::string fill_template(const std::string& text, const std::function<std::string(std::string_view)>& value_of);

}  // namespace fusewire::proxy
