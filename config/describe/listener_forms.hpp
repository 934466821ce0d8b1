// SPDX-License-Identifier: Apache-2.0
// How the values of listeners and routes are written.
#pragma once

#include <string>
#include <vector>

#include "config/addresses.hpp"
#include "config/describe/forms.hpp"

namespace fusewire::config {

// HOST:PORT or unix:/path.
struct AddressText : Scalar {
  static void read(const Reader&, std::string_view key, Address& out);
  static std::optional<Node> print(const Address& address) { return text_node(format_address(address)); }
  static std::string schema() { return R"({"$ref": "#/$defs/address"})"; }
};

struct AddressOrOff : Scalar {
  static void read(const Reader&, std::string_view key, std::optional<Address>& out);
  static std::optional<Node> print(const std::optional<Address>&);
  static std::string schema() { return R"({"anyOf": [{"enum": ["off", false]}, {"$ref": "#/$defs/address"}]})"; }
};

// The permission bits of a file, in octal and in quotes.
struct FileMode : Scalar {
  static void read(const Reader&, std::string_view key, std::optional<unsigned>& out);
  static std::optional<Node> print(std::optional<unsigned>);
  static std::string schema() { return R"({"type": "string"})"; }
};

struct NetworkList : ScalarList {
  static void read(const Reader&, std::string_view key, std::vector<Network>& out);
  static std::optional<Node> print(const std::vector<Network>&);
};

// In lower case.
struct HostText : FreeText {
  static void read(const Reader&, std::string_view key, std::string& out);
};

// Of a request's target; left out where it is empty.
struct RequestPath : FreeText {
  static void read(const Reader&, std::string_view key, std::string& out);
};

// Left out where none is named.
struct MethodList : ScalarList {
  static void read(const Reader&, std::string_view key, std::vector<std::string>& out);
  static std::optional<Node> print(const std::vector<std::string>&);
};

// With exact values; left out where there is none.
struct MatchedFields : FieldMap {
  static void read(const Reader&, std::string_view key, FieldList& out);
  static std::optional<Node> print(const FieldList&);
};

// Protocols, in lower case.
struct UpgradeList : ScalarList {
  static void read(const Reader&, std::string_view key, std::vector<std::string>& out);
  static std::optional<Node> print(const std::vector<std::string>& protocols) { return texts_node(protocols); }
  static std::string schema() { return R"({"type": "array", "items": {"type": "string", "not": {"const": "h2c"}}})"; }
};

struct HostRewriteText : Scalar {
  static void read(const Reader&, std::string_view key, HostRewrite& out);
  static std::optional<Node> print(const HostRewrite&);
  static std::string schema() { return R"({"type": "string"})"; }
};

}  // namespace fusewire::config
