// SPDX-License-Identifier: Apache-2.0
// When a breaker was in which state, read off its transitions.
import type { LoggedEvent, State } from "./types";

export interface Period {
  from: number; // ms since 1970
  to: number;
  state: State;
}

export interface Override {
  from: number;
  to: number;
  kind: string; // forced_open, forced_closed
}

// From `begin` to `end`; before the first transition the breaker was in the state that this one left.
export function periods(events: LoggedEvent[], current: State, begin: number, end: number): Period[] {
  const found: Period[] = [];
  let since = begin;
  let state: State | null = null;
  for (const event of events) {
    if (event.event !== "transition" || !event.from || !event.to) continue;
    const at = Date.parse(event.at);
    if (at > since) found.push({ from: since, to: Math.min(at, end), state: state ?? event.from });
    since = Math.max(since, at);
    state = event.to;
  }
  if (end > since) found.push({ from: since, to: end, state: state ?? current });
  return found.filter((period) => period.to > begin);
}

export function overrides(events: LoggedEvent[], begin: number, end: number): Override[] {
  const found: Override[] = [];
  for (const event of events) {
    const at = Date.parse(event.at);
    const last = found.at(-1);
    if (event.event === "override_set") {
      if (last && last.to === Infinity) last.to = at;
      found.push({ from: at, to: Infinity, kind: event.override ?? "" });
    } else if ((event.event === "override_ended" || event.event === "reset") && last && last.to === Infinity) {
      last.to = at;
    }
  }
  return found
    .map((each) => ({ ...each, from: Math.max(each.from, begin), to: Math.min(each.to, end) }))
    .filter((each) => each.to > begin);
}
