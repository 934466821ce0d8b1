// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "proxy/cli/manifest_sidecar.hpp"
#include "tests/unit/proxy/cli/run.hpp"

using namespace fusewire;
using namespace fusewire::testing;
namespace manifest = fusewire::cli::manifest;

namespace {

const std::string kDeployment = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: &labels {app: shop}
spec:
  replicas: 2
  selector:
    matchLabels: *labels
  template:
    metadata:
      labels: *labels
      annotations:
        port: "8080"
        answer: "yes"
        version: '1.10'
        nothing:
    spec:
      containers:
        - name: shop
          image: shop:1
          command: [/bin/sh, -c]
          args:
            - |
              echo "one"
                echo two
          env:
            - {name: DEBUG, value: "0"}
)";

const std::string kPod =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {containers: [{name: app, image: a}]}\n";

std::string as_written(const std::string& text) { return manifest::write(manifest::parse(text)); }

std::string injected(const std::string& text, const std::string& image = "fusewire:test") {
  auto documents = manifest::parse(text);
  manifest::inject(documents, {image, "fusewire"});
  return manifest::write(documents);
}

std::string uninjected(const std::string& text) {
  auto documents = manifest::parse(text);
  manifest::uninject(documents);
  return manifest::write(documents);
}

// The pod, or pod template, of a document of that kind.
manifest::Value pod_in(const std::string& text, std::initializer_list<const char*> path) {
  manifest::Value value = manifest::parse(text).front();
  for (const char* key : path) {
    manifest::Value* found = value.find(key);
    REQUIRE_MESSAGE(found, key);
    value = manifest::Value(*found);
  }
  return value;
}

std::string indented(std::string text, const std::string& by) {
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) text.insert(at, by);
  return text;
}

}  // namespace

TEST_CASE("what was quoted stays a string, what was not keeps its type") {
  const std::string text =
      "port: \"8080\"\nbare: 8080\nanswer: \"yes\"\nyes: yes\n\"no\": no\nempty: \"\"\nnull1: null\nnull2: ~\nlist: "
      "[]\n"
      "map: {}\noctal: 0644\nflow: {a: 1, b: [x, \"2\"]}\n";
  CHECK(as_written(text) ==
        "port: \"8080\"\nbare: 8080\nanswer: \"yes\"\nyes: yes\n\"no\": no\nempty: \"\"\nnull1: null\nnull2: null\n"
        "list: []\nmap: {}\noctal: 0644\nflow: {a: 1, b: [x, \"2\"]}\n");
  CHECK(as_written("a: 'it''s'\nb: !!str 8080\n") == "a: \"it's\"\nb: \"8080\"\n");
}

TEST_CASE("a text over several lines is the same text afterwards") {
  for (const char* text :
       {"a: |\n  one\n    two\n\n  three\n", "a: |-\n  one\n  two\n", "a: |+\n  one\n\n\nb: 1\n",
        "a: >\n  one\n  two\n\n  three\n", "a: |2\n    begins with spaces\n", "a: plain\n  goes on\n",
        "- |\n  one\n  two\n- - |\n    nested\n    text\n", "a: \"tab\\tbell\\a nel\\u0085 ls\\L\"\n",
        "a: \"one\\n\\n\"\n", "a: \"\\none\\n\"\n", "a: \"one\\r\\ntwo\"\n", "a: 'x: y # z'\n"}) {
    const auto before = manifest::parse(text);
    CHECK_MESSAGE(manifest::parse(manifest::write(before)) == before, manifest::write(before));
    CHECK(as_written(as_written(text)) == as_written(text));
  }
}

TEST_CASE("the sidecar comes first among the init containers, and the rest of the pod stays as it was") {
  const std::string text = injected(kDeployment);
  auto pod = pod_in(text, {"spec", "template"});
  auto& first = pod.find("spec")->find("initContainers")->items.front();
  CHECK(first.text_of("name") == "fusewire");
  CHECK(first.text_of("image") == "fusewire:test");
  CHECK(first.text_of("restartPolicy") == "Always");
  CHECK(pod.find("spec")->find("volumes")->items.size() == 2);
  CHECK(pod.find("metadata")->find("labels")->text_of("fusewire/sidecar") == "true");
  CHECK(pod.find("metadata")->find("labels")->find("fusewire/sidecar")->string);
  CHECK(
      has(text, "        port: \"8080\"\n        answer: \"yes\"\n        version: \"1.10\"\n        nothing: null\n"));
  CHECK(has(text, "            - |\n              echo \"one\"\n                echo two\n"));
  // The anchor is shared with the selector, which must not change.
  CHECK(pod_in(text, {"spec", "selector", "matchLabels"}).entries.size() == 1);
  CHECK(pod_in(text, {"metadata", "labels"}).entries.size() == 1);
}

TEST_CASE("injected twice is injected once, with the image of the last time") {
  CHECK(injected(injected(kDeployment)) == injected(kDeployment));
  CHECK(injected(injected(kDeployment, "fusewire:old")) == injected(kDeployment));
}

TEST_CASE("each kind that makes pods gets the sidecar, and gives the same document back without it") {
  const std::string pod = "metadata:\n  labels: {app: a}\nspec:\n  containers:\n    - {name: app, image: a}\n";
  const std::string bare = "spec:\n  restartPolicy: Never\n  containers:\n    - {name: app, image: a}\n";
  const auto with_template = [](const std::string& kind, const std::string& of) {
    return "kind: " + kind + "\nspec:\n  template:\n" + indented(of, "    ");
  };
  std::vector<std::string> all = {
      "kind: Pod\n" + pod, "kind: PodTemplate\ntemplate:\n" + indented(bare, "  "),
      "kind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n" + indented(bare, "        ")};
  for (const char* kind : {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"})
    all.push_back(with_template(kind, pod));
  all.push_back(with_template("Job", bare));
  std::string list = "kind: List\nitems:\n";
  std::string stream;
  for (const std::string& one : all) {
    const std::string text = injected(one);
    CHECK_MESSAGE(has(text, "mountPath: /etc/fusewire-admin"), one);
    CHECK(uninjected(text) == as_written(one));
    stream += "---\n" + one;
    std::string item = indented(one, "    ");
    item[2] = '-';
    list += item;
  }
  for (const std::string& many : {list, stream}) {
    auto documents = manifest::parse(many);
    CHECK(manifest::inject(documents, {"i", "m"}) == all.size());
    CHECK(manifest::uninject(documents) == all.size());
    CHECK(documents == manifest::parse(many));
  }
}

TEST_CASE("what the pod has of its own is neither changed nor taken out") {
  const std::string text =
      "kind: Pod\nmetadata: {labels: {a: b}}\nspec:\n  initContainers: [{name: first, image: i}]\n"
      "  containers: [{name: app, image: a}]\n  volumes: [{name: data, emptyDir: {}}]\n";
  CHECK(uninjected(injected(text)) == as_written(text));
  CHECK(uninjected(text) == as_written(text));
  auto pod = pod_in(injected(text), {"spec"});
  CHECK(pod.find("initContainers")->items.back().text_of("name") == "first");
  CHECK(pod.find("volumes")->items.front().text_of("name") == "data");
}

TEST_CASE("what makes no pods passes through, and so do manifests in JSON") {
  const std::string text = "kind: ConfigMap\ndata:\n  fusewire.yaml: |\n    listen: 127.0.0.1:8080\n";
  CHECK(injected(text) == text);
  const std::string json = R"({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": []}})";
  CHECK(uninjected(injected(json)) == json + "\n");
}

TEST_CASE("a merge key is expanded, what the map says itself wins") {
  CHECK(as_written("base: &b {a: 1, b: 2}\nx:\n  <<: *b\n  b: 3\n") == "base: {a: 1, b: 2}\nx:\n  b: 3\n  a: 1\n");
}

TEST_CASE("a manifest that says a key twice, or is no plain text, is refused with its place") {
  CHECK_THROWS_WITH_AS(manifest::parse("kind: Pod\nspec: {}\nspec: {a: 1}\n"),
                       "line 3, column 1: duplicate key; first given in line 2", manifest::Error);
  CHECK_THROWS_WITH_AS(manifest::parse(std::string("a: b\nc: d\0e\n", 12)), "line 2, column 5: a control character",
                       manifest::Error);
  CHECK_THROWS_WITH_AS(manifest::parse("a: \x04\n---\nb: c\n"), "line 1, column 4: a control character",
                       manifest::Error);
  CHECK_THROWS_WITH_AS(manifest::parse("a: \"\\N\"\n"),
                       "line 1, column 4: the escapes \\N and \\_ are not supported: write \\u0085 and \\u00a0",
                       manifest::Error);
  CHECK_THROWS_WITH_AS(manifest::parse("a: \xff\n"), "line 1, column 4: not valid UTF-8", manifest::Error);
}

TEST_CASE("a manifest whose aliases repeat a long text is refused, however few values it has") {
  std::string text = "x: &a " + std::string(100'000, 'y') + "\nz: [";
  for (int i = 0; i < 200; ++i) text += "*a, ";
  CHECK_THROWS_WITH_AS(manifest::parse(text + "]\n"),
                       "line 1, column 4: the document has more than 16 MiB of text with its aliases expanded",
                       manifest::Error);
}

TEST_CASE("large maps that are merged are no work worth speaking of") {
  std::string text = "a: &a {";
  for (int i = 0; i < 30'000; ++i) text += "k" + std::to_string(i) + ": 1, ";
  text += "}\nb: {<<: *a, ";
  for (int i = 0; i < 30'000; ++i) text += "m" + std::to_string(i) + ": 1, ";
  CHECK(manifest::parse(text + "}\n").front().find("b")->entries.size() == 60'000);
}

TEST_CASE("what can't be kept, or would clash, is refused") {
  CHECK_THROWS_WITH_AS(manifest::parse("a: !secret x\n"), "line 1, column 4: the tag !secret can't be kept",
                       manifest::Error);
  CHECK_THROWS_AS(manifest::parse("a: [1\n"), manifest::Error);
  CHECK_THROWS_AS(manifest::parse("{{ .Values.name }}: x\n"), manifest::Error);
  CHECK_THROWS_AS(manifest::parse("? [a]\n: b\n"), manifest::Error);
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int n = 0; n < 10; ++n) bomb += (n ? ", " : "") + alias;
    bomb += "]\n";
  }
  CHECK_THROWS_AS(manifest::parse(bomb), manifest::Error);
  CHECK_THROWS_AS(manifest::parse("a: &a [*a]\n"), manifest::Error);
  CHECK_THROWS_AS(injected("kind: Pod\nspec: {containers: [{name: fusewire}]}\n"), manifest::Error);
  CHECK_THROWS_AS(injected("kind: Pod\nspec: {initContainers: [{name: fusewire}], containers: []}\n"), manifest::Error);
  CHECK_THROWS_AS(injected("kind: Pod\nspec: {containers: [], volumes: {a: b}}\n"), manifest::Error);
  CHECK_THROWS_AS(injected("kind: Pod\nmetadata: {name: a}\n"), manifest::Error);
}

TEST_CASE("the command reads a file and writes the result, with 2 for what it can't read") {
  const File file(kPod);
  const Ran ran = fusewire_cli({"inject", "--image", "registry/fusewire:9", "--config", "shop-fusewire", file.path()});
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(has(ran.out, "image: \"registry/fusewire:9\", restartPolicy: Always"));
  CHECK(has(ran.out, "{name: \"shop-fusewire\"}"));
  const File injected_file(ran.out);
  const Ran back = fusewire_cli({"inject", "--uninject", injected_file.path()});
  CHECK(back.out == as_written(kPod));
  const File nothing("kind: Service\n");
  CHECK(has(fusewire_cli({"inject", nothing.path()}).err, "there are no pods in it"));
  const File bad("a: [");
  CHECK(fusewire_cli({"inject", bad.path()}).status == 2);
  CHECK(fusewire_cli({"inject", bad.path()}).out.empty());
  CHECK(fusewire_cli({"inject", "/nowhere/x.yaml"}).status == 2);
  CHECK(fusewire_cli({"inject", "--uninject", "--image", "x", file.path()}).status == 2);
}
