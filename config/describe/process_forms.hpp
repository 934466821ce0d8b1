// SPDX-License-Identifier: Apache-2.0
// How the values of the process itself are written.
#pragma once

#include <string>
#include <vector>

#include "config/describe/forms.hpp"

namespace fusewire::config {

// Hosts without port, in lower case.
struct HostList : ScalarList {
  static void read(const Reader&, std::string_view key, std::vector<std::string>& out);
  static std::optional<Node> print(const std::vector<std::string>& hosts) { return texts_node(hosts); }
};

// http[s]://HOST[:PORT], without a path.
struct CollectorUrl : Scalar {
  static void read(const Reader&, std::string_view key, Endpoint& out);
  static std::optional<Node> print(const Endpoint& collector) { return text_node(collector.url); }
  static std::string schema() { return R"({"type": "string"})"; }
  static std::string range() { return "a URL without a path"; }
};
bool is_service_name(std::string_view);

// 0 = auto.
struct WorkerCount : Scalar {
  static void read(const Reader&, std::string_view key, unsigned& out);
  static std::optional<Node> print(unsigned count) { return count == 0 ? word_node("auto") : count_node(count); }
  static std::string schema();
  static std::string range();
};

// http:// or https://, shown as far as its host.
struct WebUrlText : FreeText {
  static void read(const Reader&, std::string_view key, std::string& out);
  static std::optional<Node> print(const std::string& url);
};

// Names of kWebhookEvents, each once, at least one.
struct WebhookEventList : ScalarList {
  static void read(const Reader&, std::string_view key, std::vector<WebhookEvent>& out);
  static std::optional<Node> print(const std::vector<WebhookEvent>&);
  static std::string schema();
};

// A file with a secret, which is read when the secret is needed, and looked at here.
struct SecretPath : FilePath {
  static void read(const Reader&, std::string_view key, std::string& out);
};

// The same of a file that holds a URL.
struct WebUrlPath : FilePath {
  static void read(const Reader&, std::string_view key, std::string& out);
};

// A name in labels of metrics and in logs.
struct LabelText : FreeText {
  static void read(const Reader&, std::string_view key, std::string& out);
};

// Of a secret, which is what is printed, or not.
struct SecretFile : FilePath {
  static std::optional<Node> print(const std::string&) { return std::nullopt; }
};

}  // namespace fusewire::config
