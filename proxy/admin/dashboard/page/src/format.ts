// SPDX-License-Identifier: Apache-2.0
// Figures as a person reads them.
import type { Breaker, LoggedEvent, State, Trip } from "./types";

export const kUnknown = "–";

export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? kUnknown : Math.round(n).toLocaleString("en");
}

export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return kUnknown;
  if (perSecond === 0) return "0/s";
  if (perSecond < 10) return `${perSecond.toFixed(1)}/s`;
  return `${count(perSecond)}/s`;
}

export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined) return kUnknown;
  const value = ratio * 100;
  return `${value > 0 && value < 1 ? value.toFixed(1) : Math.round(value)} %`;
}

export function milliseconds(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return kUnknown;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(ms < 10_000 ? 2 : 1))} s`;
  return span(ms);
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return kUnknown;
  if (n < 1024) return `${n} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = n / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; ++unit) value /= 1024;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

// "45 s", "3 min 12 s", "2 h 5 min", "4 d 3 h"
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 && minutes < 10 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

// "0:23": whole seconds, rounded up, so that it reads 0:00 only when the time is over.
export function countDown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const two = (n: number) => String(n).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

export function clock(at: number, seconds = true): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}${seconds ? `:${two(date.getSeconds())}` : ""}`;
}

// "adaptive_limit_ms" -> "adaptive limit (ms)"
export function label(key: string): string {
  return key.replace(/_(ms|bytes)$/, " ($1)").replaceAll("_", " ");
}

export function stateWord(state: State | string): string {
  return state === "half_open" ? "half-open" : state;
}

// What clients meet: an override goes before the state.
export type Shown = "closed" | "open" | "half_open" | "forced_open" | "forced_closed" | "disabled";

export function shownState(breaker: Breaker | undefined): Shown {
  if (!breaker) return "closed";
  if (breaker.mode === "disabled") return "disabled";
  if (breaker.override === "forced_open" || breaker.override === "forced_closed") return breaker.override;
  return breaker.state;
}

export const kShownWords: { [state in Shown]: string } = {
  closed: "Closed",
  open: "Open",
  half_open: "Half-open",
  forced_open: "Forced open",
  forced_closed: "Forced closed",
  disabled: "Disabled",
};

export function tripSentence(trip: Trip | LoggedEvent): string {
  const { value = 0, threshold = 0, window } = trip;
  switch (trip.reason) {
    case "consecutive_failures":
      return `${count(value)} failures in a row (limit ${count(threshold)})`;
    case "consecutive_slow_calls":
      return `${count(value)} slow calls in a row (limit ${count(threshold)})`;
    case "failure_count":
      return `${count(value)} failures in its window (limit ${count(threshold)})`;
    case "failure_rate":
      return `${percent(value)} of ${count(window?.calls)} calls failed (limit ${percent(threshold)})`;
    case "slow_call_rate":
      return `${percent(value)} of ${count(window?.judged)} calls were slow (limit ${percent(threshold)})`;
    case "probe_failed":
      return "a trial call failed";
    case "half_open_timeout":
      return "the trial calls took too long";
    default:
      return trip.reason ? label(trip.reason) : "";
  }
}

export function eventSentence(event: LoggedEvent): string {
  switch (event.event) {
    case "transition": {
      const way = `${stateWord(event.from ?? "")} → ${stateWord(event.to ?? "")}`;
      const why = event.reason ? `: ${tripSentence(event)}` : "";
      return way + why + (event.open_for_ms ? `; open for ${milliseconds(event.open_for_ms)}` : "");
    }
    case "override_set":
      return stateWord(label(event.override ?? "override")) + (event.for_ms ? ` for ${span(event.for_ms)}` : " until released");
    case "override_ended":
      return `${label(event.override ?? "override")} ${event.cause === "expired" ? "ended: its time is over" : "released"}`;
    case "reset":
      return "reset: closed, with an empty window";
    default:
      return label(event.event);
  }
}
