// SPDX-License-Identifier: Apache-2.0
// What may be changed from here: the call, and what it will do, in words.
import { bytes, count, kShownWords, rate, shownState } from "./format";
import type { Model } from "./model";

export type ActionName = "reset" | "force-open" | "force-close" | "release" | "purge" | "drain";

export interface Action {
  name: ActionName;
  title: string;
  confirm: string; // the button
  takesTime: boolean; // an override, which may end by itself
  danger: boolean;
  method: "POST" | "DELETE";
  path: string;
  consequence: (model: Model) => string;
}

export function upstreamOf(breaker: string): string {
  return breaker.split("/", 1)[0]!;
}

function path(breaker: string, change: string): string {
  return `admin/circuit-breakers/${encodeURIComponent(breaker)}/${change}`;
}

function traffic(model: Model, breaker: string): string {
  const sample = breaker.includes("/") ? undefined : model.upstream(breaker)?.sample;
  return sample ? ` Just now that is ${rate(sample.requests)}.` : "";
}

function standing(model: Model, name: string): string {
  const breaker = model.breaker(name);
  return breaker ? `It is ${kShownWords[shownState(breaker)].toLowerCase()} now. ` : "";
}

export function breakerAction(change: "reset" | "force-open" | "force-close" | "release", name: string): Action {
  const common = { name: change, takesTime: false, danger: false, method: "POST" as const, path: path(name, change) };
  switch (change) {
    case "reset":
      return {
        ...common,
        title: `Reset ${name}`,
        confirm: "Reset",
        consequence: (model) =>
          `${standing(model, name)}It becomes closed at once, its window and its back-off start from nothing, and calls flow to the upstream again. If the upstream still fails, it will trip again.`,
      };
    case "force-open":
      return {
        ...common,
        title: `Force ${name} open`,
        confirm: "Force open",
        takesTime: true,
        danger: true,
        consequence: (model) =>
          `${standing(model, name)}Every call to it is rejected from now on, with a 503 or by its fallback, whether the upstream is well or not.${traffic(model, name)}`,
      };
    case "force-close":
      return {
        ...common,
        title: `Force ${name} closed`,
        confirm: "Force closed",
        takesTime: true,
        danger: true,
        consequence: (model) =>
          `${standing(model, name)}Every call goes to the upstream from now on, however it fails: clients will wait for its time-outs.${traffic(model, name)}`,
      };
    case "release":
      return {
        ...common,
        title: `Release ${name}`,
        confirm: "Release",
        consequence: (model) => {
          const state = model.breaker(name)?.state.replace("_", "-") ?? "unknown";
          return `The override ends at once, and the breaker decides by itself again. Its own state is ${state}.`;
        },
      };
  }
}

export function purgeAction(upstream: string): Action {
  return {
    name: "purge",
    title: `Purge the cache of ${upstream}`,
    confirm: "Purge",
    takesTime: false,
    danger: true,
    method: "DELETE",
    path: `admin/cache/${encodeURIComponent(upstream)}`,
    consequence: (model) => {
      const cache = model.upstream(upstream)?.cache;
      return `${count(cache?.entries)} stored answers (${bytes(cache?.bytes)}) are dropped. Until they have been fetched again, nothing stale can be answered while ${upstream} fails.`;
    },
  };
}

export function drainAction(): Action {
  return {
    name: "drain",
    title: "Drain this process",
    confirm: "Drain",
    takesTime: false,
    danger: true,
    method: "POST",
    path: "admin/drain",
    consequence: () =>
      "It turns not ready, stops accepting connections, finishes what runs, and ends. It does not come back unless something starts it again; this page loses its connection.",
  };
}
