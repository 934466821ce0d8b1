// SPDX-License-Identifier: Apache-2.0
// What may be changed from here: the call, and what it will do, in words.
import type { FaultChoice } from "./fault_fields";
import { bytes, clock, count, kShownWords, milliseconds, rate, shownState, span } from "./format";
import type { Model } from "./model";

export type ActionName = "reset" | "force-open" | "force-close" | "release" | "purge" | "drain" | "inject-fault" | "remove-fault";

export interface Action {
  name: ActionName;
  title: string;
  confirm: string; // the button
  takesTime: boolean; // an override, which may end by itself
  danger: boolean;
  method: "POST" | "PUT" | "DELETE";
  path: string;
  injects?: string; // a fault, into that upstream: its choice and its time go with the body
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

function share(percent: number | null | undefined, what: string): string {
  return `${Number((percent ?? 100).toFixed(2))} % of its attempts ${what}`;
}

// "50 % of its attempts are delayed by 2 s"; empty: nothing is injected.
export function faultWords(fault: { delay_ms?: number | null; delay_percent?: number | null; abort?: number | "reset" | null; abort_percent?: number | null }): string {
  const words = [];
  if (fault.delay_ms) words.push(share(fault.delay_percent, `are delayed by ${milliseconds(fault.delay_ms)}`));
  if (fault.abort === "reset") words.push(share(fault.abort_percent, "end as if the upstream had closed the connection"));
  else if (fault.abort) words.push(share(fault.abort_percent, `are answered ${fault.abort} in its place`));
  return words.join(", and ");
}

const kUnits: { [unit in "ms" | "s" | "m" | "h"]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
export function inMilliseconds(duration: string): number {
  const [, number, unit] = /^(\d+)(ms|s|m|h)$/.exec(duration) ?? [];
  return number && unit ? Number(number) * kUnits[unit as keyof typeof kUnits] : 0;
}

export function faultAction(upstream: string, choice: () => FaultChoice, lasts: () => string): Action {
  return {
    name: "inject-fault",
    title: `Inject a fault into ${upstream}`,
    confirm: "Inject fault",
    takesTime: true,
    danger: true,
    method: "PUT",
    path: "admin/faults",
    injects: upstream,
    consequence: (model) => {
      const chosen = choice();
      const words = faultWords({ ...chosen, delay_ms: inMilliseconds(chosen.delay) });
      if (!words) return "Nothing is injected yet.";
      const ms = inMilliseconds(lasts());
      const before = model.upstream(upstream)?.fault ? " It replaces the fault that is injected now." : "";
      return `${words}, until ${clock(model.now() + ms)} (${span(ms)} from now). Clients meet it, and the breaker, retries and fallbacks take it for the doing of ${upstream}; health checks do not meet it.${traffic(model, upstream)}${before}`;
    },
  };
}

export function removeFaultAction(upstream: string): Action {
  return {
    name: "remove-fault",
    title: `Remove the fault of ${upstream}`,
    confirm: "Remove fault",
    takesTime: false,
    danger: false,
    method: "DELETE",
    path: `admin/faults/${encodeURIComponent(upstream)}`,
    consequence: () => `Nothing is injected into ${upstream} from now on. Attempts that are being delayed go on within a quarter of a second; a circuit that has opened closes by its own trials.`,
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
