// SPDX-License-Identifier: Apache-2.0
#include "proxy/cli/manifest_sidecar.hpp"

#include <algorithm>
#include <functional>

namespace fusewire::cli::manifest {
namespace {

using Kind = Value::Kind;

constexpr std::string_view kContainer = "fusewire";
constexpr std::string_view kLabel = "fusewire/sidecar";  // what a PodMonitor or a NetworkPolicy finds the pods by

// A folder for the ConfigMap, never a subPath: only a folder follows the swap of its link when the map changes.
constexpr const char* kSidecar = R"(
name: fusewire
image: IMAGE
restartPolicy: Always
args: [run]
ports:
  - {name: fusewire-probes, containerPort: 9902}
startupProbe:
  httpGet: {path: /admin/ready, port: fusewire-probes}
  periodSeconds: 1
  failureThreshold: 30
readinessProbe:
  httpGet: {path: /admin/ready, port: fusewire-probes}
  periodSeconds: 5
livenessProbe:
  httpGet: {path: /admin/health, port: fusewire-probes}
  periodSeconds: 10
  failureThreshold: 3
resources:
  requests: {cpu: 50m, memory: 32Mi}
  limits: {memory: 128Mi}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
  seccompProfile: {type: RuntimeDefault}
volumeMounts:
  - {name: fusewire-config, mountPath: /etc/fusewire, readOnly: true}
  - {name: fusewire-admin, mountPath: /etc/fusewire-admin, readOnly: true}
)";

constexpr const char* kVolumes = R"(
- name: fusewire-config
  configMap: {name: MAP}
- name: fusewire-admin
  secret: {secretName: fusewire-admin}
)";

Value string_of(std::string_view text) {
  Value value;
  value.kind = Kind::scalar;
  value.text = text;
  value.string = true;
  return value;
}

Value parsed(const char* text) { return parse(text).front(); }

// The one of `items` with that name.
Value* named(Value& list, std::string_view name) {
  const auto found = std::ranges::find_if(list.items, [&](Value& item) { return item.text_of("name") == name; });
  return found == list.items.end() ? nullptr : &*found;
}

// What stands under the key, or an empty one where there was nothing.
Value& child(Value& map, std::string_view key, Kind kind) {
  Value* found = map.find(key);
  if (found && found->kind != Kind::null && found->kind != kind)
    throw Error("`" + std::string(key) + "` is not what a pod has there");
  if (!found) {
    Value name = string_of(key);
    name.string = false;  // a plain word
    map.entries.push_back({std::move(name), Value()});
    found = &map.entries.back().value;
  }
  if (found->is_empty()) found->flow = false;
  found->kind = kind;
  return *found;
}

void put(Value& list, Value item, bool first) {
  if (Value* old = named(list, item.text_of("name")))
    *old = std::move(item);
  else
    list.items.insert(first ? list.items.begin() : list.items.end(), std::move(item));
}

bool is_ours(Value& container) { return container.text_of("restartPolicy") == "Always"; }

void refuse_namesakes(Value& spec) {
  Value* containers = spec.find("containers");
  Value* before = spec.find("initContainers");
  Value* namesake = before ? named(*before, kContainer) : nullptr;
  if ((containers && named(*containers, kContainer)) || (namesake && !is_ours(*namesake)))
    throw Error("a pod has a container `fusewire` already that is no sidecar");
}

void inject_pod(Value& pod, const Sidecar& settings) {
  if (!pod.find("spec")) throw Error("a pod has no `spec`");
  Value& spec = child(pod, "spec", Kind::map);
  refuse_namesakes(spec);
  Value container = parsed(kSidecar);
  *container.find("image") = string_of(settings.image);
  put(child(spec, "initContainers", Kind::list), std::move(container), true);
  Value volumes = parsed(kVolumes);
  *volumes.items.front().find("configMap")->find("name") = string_of(settings.config_map);
  for (Value& volume : volumes.items) put(child(spec, "volumes", Kind::list), std::move(volume), false);
  child(child(child(pod, "metadata", Kind::map), "labels", Kind::map), kLabel, Kind::scalar) = string_of("true");
}

// And the key with it, where nothing else is left.
void drop_if_empty(Value& map, std::string_view key) {
  Value* value = map.find(key);
  if (value && value->is_empty()) map.erase(key);
}

void remove(Value& map, std::string_view key, std::string_view name) {
  if (Value* list = map.find(key)) {
    std::erase_if(list->items, [name](Value& item) { return item.text_of("name") == name; });
    drop_if_empty(map, key);
  }
}

// Only where the label says that we have been there.
void uninject_pod(Value& pod) {
  Value* spec = pod.find("spec");
  Value* metadata = pod.find("metadata");
  Value* labels = metadata ? metadata->find("labels") : nullptr;
  if (!spec || !labels || !labels->find(kLabel)) return;
  labels->erase(kLabel);
  drop_if_empty(*metadata, "labels");
  drop_if_empty(pod, "metadata");
  remove(*spec, "initContainers", kContainer);
  remove(*spec, "volumes", "fusewire-config");
  remove(*spec, "volumes", "fusewire-admin");
}

Value* down(Value* from, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) from = from ? from->find(key) : nullptr;
  return from;
}

// A pod, or the template of one; nullptr: the object makes no pods.
Value* pod_of(Value& object) {
  const std::string kind = object.text_of("kind");
  if (kind == "Pod") return &object;
  if (kind == "PodTemplate") return object.find("template");
  if (kind == "CronJob") return down(&object, {"spec", "jobTemplate", "spec", "template"});
  constexpr std::string_view kWithTemplate[] = {"Deployment", "StatefulSet", "DaemonSet",
                                                "ReplicaSet", "Job",         "ReplicationController"};
  if (std::ranges::find(kWithTemplate, kind) == std::end(kWithTemplate)) return nullptr;
  return down(&object, {"spec", "template"});
}

std::size_t each_pod(std::vector<Value>& objects, const std::function<void(Value&)>& edit) {
  std::size_t pods = 0;
  for (Value& object : objects) {
    if (Value* pod = pod_of(object)) {
      edit(*pod);
      ++pods;
    } else if (Value* items = object.find("items"); items && object.text_of("kind").ends_with("List")) {
      pods += each_pod(items->items, edit);
    }
  }
  return pods;
}

}  // namespace

std::size_t inject(std::vector<Value>& documents, const Sidecar& settings) {
  return each_pod(documents, [&](Value& pod) { inject_pod(pod, settings); });
}

std::size_t uninject(std::vector<Value>& documents) { return each_pod(documents, uninject_pod); }

}  // namespace fusewire::cli::manifest
