// SPDX-License-Identifier: Apache-2.0
// Judges an object by its kind's schema. The schemas allow fields that they do not know, as the API server drops them in
// silence; here they are errors: what a validator never reads is no field.
import { readFileSync } from "node:fs";
import * as yaml from "yaml";

const packages = { "monitoring.coreos.com": "@kubernetes-models/prometheus-operator" };

async function model(object) {
  const [group, version] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["", object.apiVersion];
  const from = packages[group] ?? "kubernetes-models";
  const found = await import(`${from}/${group ? `${group}/` : ""}${version}/${object.kind}`);
  return found[object.kind];
}

function watched(value, path, read) {
  if (value === null || typeof value !== "object") return value;
  return new Proxy(value, {
    get(target, key, receiver) {
      const inner = `${path}/${String(key)}`;
      read.add(inner);
      return watched(Reflect.get(target, key, receiver), inner, read);
    },
  });
}

function* paths(value, path = "") {
  if (value === null || typeof value !== "object") return;
  for (const key of Object.keys(value)) {
    yield `${path}/${key}`;
    yield* paths(value[key], `${path}/${key}`);
  }
}

export async function judge(object) {
  const Model = await model(object);
  new Model(object).validate(); // throws
  const read = new Set(["/apiVersion", "/kind"]);
  Model.prototype.validate.call(watched(object, "", read));
  const unknown = [...paths(object)].filter((path) => !read.has(path));
  if (unknown.length) throw new Error(`unknown fields: ${unknown.join(", ")}`);
}

// As Kubernetes reads it: YAML 1.1, where `yes` is true and 0644 octal.
export function documents(text) {
  return yaml
    .parseAllDocuments(text, { version: "1.1", merge: true, maxAliasCount: 1000 })
    .map((document) => {
      if (document.errors.length) throw document.errors[0];
      return document.toJS();
    })
    .filter((object) => object !== null);
}

export const file = (path) => documents(readFileSync(path, "utf8"));
