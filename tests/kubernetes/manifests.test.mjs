// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { documents, file, judge } from "./schemas.mjs";

const { FUSEWIRE, MANIFESTS, ROOT } = process.env;
const examples = `${ROOT}/examples/kubernetes`;
const inject = (input, ...options) => execFileSync(FUSEWIRE, ["inject", ...options, "-"], { input, encoding: "utf8" });
const inner = (objects) => objects.flatMap((object) => (object.kind === "List" ? object.items : [object]));

function podSpec(object) {
  if (object.kind === "Pod") return object.spec;
  if (object.kind === "CronJob") return object.spec.jobTemplate.spec.template.spec;
  return object.spec?.template?.spec;
}

// Pod Security "restricted", of a container in its pod.
function assertRestricted(container, pod) {
  const own = container.securityContext ?? {};
  const of = (key) => own[key] ?? pod.securityContext?.[key];
  assert.equal(own.allowPrivilegeEscalation, false);
  assert.deepEqual(own.capabilities, { drop: ["ALL"] });
  assert.equal(of("runAsNonRoot"), true);
  assert.notEqual(of("runAsUser"), 0);
  assert.equal(of("seccompProfile").type, "RuntimeDefault");
  assert.equal(own.privileged, undefined);
}

function assertSidecar(pod) {
  const [sidecar] = pod.initContainers;
  assert.equal(sidecar.name, "fusewire");
  assert.equal(sidecar.restartPolicy, "Always");
  assertRestricted(sidecar, pod);
  assert.equal(sidecar.securityContext.readOnlyRootFilesystem, true);
  assert.ok(sidecar.resources.requests && sidecar.resources.limits.memory);
  for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"])
    assert.ok(sidecar.ports.some(({ name }) => name === sidecar[probe].httpGet.port), probe);
  for (const mount of sidecar.volumeMounts) {
    assert.equal(mount.subPath, undefined, "a subPath does not follow a ConfigMap's change");
    assert.ok(pod.volumes.some(({ name }) => name === mount.name), mount.name);
  }
  for (const { name } of sidecar.ports) assert.ok(name.length <= 15, `${name} is too long for a port's name`);
}

test("a field that Kubernetes does not know, or of another type, is found", async () => {
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: { containers: [{ name: "a", imagee: "b" }] } };
  await assert.rejects(judge(pod), /unknown fields: \/spec\/containers\/0\/imagee/);
  pod.spec.containers[0] = { name: "a", image: "b", env: [{ name: "N", value: 1 }] };
  await assert.rejects(judge(pod));
});

for (const name of ["egress", "ingress"])
  test(`each object of the ${name} example is as its schema wants it, and its pods are restricted`, async () => {
    const objects = file(`${name}.yaml`);
    assert.ok(objects.length >= 3);
    for (const object of objects) await judge(object);
    const pods = objects.map(podSpec).filter((pod) => pod?.initContainers);
    assert.equal(pods.length, 1);
    assertSidecar(pods[0]);
    for (const container of pods[0].containers) assertRestricted(container, pods[0]);
  });

test("the PodMonitor finds the port and the label that a sidecar has", async () => {
  const [monitor] = file(`${examples}/pod-monitor.yaml`);
  await judge(monitor);
  const [deployment] = documents(inject(readFileSync(`${MANIFESTS}/deployment.yaml`, "utf8")));
  for (const [key, value] of Object.entries(monitor.spec.selector.matchLabels))
    assert.equal(deployment.spec.template.metadata.labels[key], value);
  const ports = deployment.spec.template.spec.initContainers[0].ports.map(({ name }) => name);
  for (const { port } of monitor.spec.podMetricsEndpoints) assert.ok(ports.includes(port));
});

for (const name of readdirSync(MANIFESTS))
  test(`inject, twice, and out again: ${name}`, async () => {
    const text = readFileSync(`${MANIFESTS}/${name}`, "utf8");
    const before = documents(text);
    const once = inject(text, "--image", "registry.example/fusewire:1", "--config", "my-fusewire");
    let pods = 0;
    for (const object of inner(documents(once))) {
      await judge(object);
      const pod = podSpec(object);
      if (!pod) continue;
      ++pods;
      assertSidecar(pod);
      assert.equal(pod.initContainers[0].image, "registry.example/fusewire:1");
      assert.ok(pod.volumes.some(({ configMap }) => configMap?.name === "my-fusewire"));
    }
    assert.equal(pods, inner(before).filter(podSpec).length);
    assert.ok(pods > 0);
    assert.equal(inject(once, "--image", "registry.example/fusewire:1", "--config", "my-fusewire"), once);
    assert.deepEqual(documents(inject(once, "--uninject")), before);
  });
