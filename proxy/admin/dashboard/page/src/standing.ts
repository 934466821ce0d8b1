// SPDX-License-Identifier: Apache-2.0
// Why a breaker is in its state, and until when, in words.
import { clock, count, countDown, kShownWords, shownState, span, tripSentence } from "./format";
import type { Model } from "./model";
import type { Breaker, Upstream } from "./types";

// What is left of a time that was `ms` when the latest frame was made.
export function left(model: Model, ms: number): number {
  return Math.max(0, ms - model.age());
}

export function isRejecting(breaker: Breaker): boolean {
  if (breaker.mode && breaker.mode !== "enforce") return false;
  const shown = shownState(breaker);
  return shown === "open" || shown === "forced_open";
}

export function isCalm(breaker: Breaker): boolean {
  return shownState(breaker) === "closed" || shownState(breaker) === "disabled";
}

export interface Until {
  count: string; // "0:23"; empty: nothing runs
  words: string; // "until the first trial call"
}

export function until(model: Model, breaker: Breaker): Until {
  switch (shownState(breaker)) {
    case "forced_open":
    case "forced_closed":
      if (breaker.override_remaining_ms === undefined) return { count: "", words: "until released" };
      return { count: countDown(left(model, breaker.override_remaining_ms)), words: "until the override ends" };
    case "open": {
      if (breaker.retry_after_ms === undefined) return { count: "", words: "" };
      const ms = left(model, breaker.retry_after_ms);
      if (ms > 0) return { count: countDown(ms), words: "until a trial call" };
      return { count: "0:00", words: "the next call is a trial" };
    }
    case "half_open": {
      const trial = breaker.half_open ?? {};
      const needed = breaker.thresholds?.success_threshold;
      return {
        count: "",
        words: `${count(trial.successes)} of ${count(needed)} trial calls succeeded`,
      };
    }
    default:
      return { count: "", words: "" };
  }
}

export function since(model: Model, breaker: Breaker): string {
  const overridden = breaker.override && breaker.override !== "none";
  const ms = overridden ? breaker.time_in_override_ms : breaker.time_in_state_ms;
  return ms === undefined ? "" : `for ${span(ms + model.age())}`;
}

// What made it leave the closed state, where trials have failed since.
function began(model: Model, breaker: Breaker): string {
  const own = model.events.filter((event) => event.breaker === breaker.name && event.event === "transition");
  let failed = 0;
  for (const event of own.reverse()) {
    if (event.to !== "open") continue;
    if (event.from === "closed")
      return `Open since ${clock(Date.parse(event.at))}: ${tripSentence(event)}. ${failed === 1 ? "A trial has" : `${failed} trials have`} failed since.`;
    ++failed;
  }
  return "";
}

export function why(model: Model, breaker: Breaker): string {
  const trip = breaker.last_trip;
  const shown = shownState(breaker);
  if (shown === "forced_open") return `Every call is rejected by an override. Without it the circuit would be ${breaker.state.replace("_", "-")}.`;
  if (shown === "forced_closed") return `Every call passes, by an override. Without it the circuit would be ${breaker.state.replace("_", "-")}.`;
  if (shown === "disabled") return "This breaker is off: it counts nothing and rejects nothing.";
  if (!trip?.reason) return shown === "closed" ? "It has not tripped since this process began." : "";
  const ago = trip.at ? span(model.now() - Date.parse(trip.at)) : "";
  const sentence = tripSentence(trip);
  if (shown === "closed") return `Last tripped ${ago} ago: ${sentence}.`;
  const first = trip.reason === "probe_failed" || trip.reason === "half_open_timeout" ? began(model, breaker) : "";
  return first || `Tripped ${ago} ago: ${sentence}.`;
}

export function modeNote(breaker: Breaker): string {
  return breaker.mode === "shadow" ? "Shadow mode: it only counts what it would have rejected; every call passes." : "";
}

// Where clients are answered by something else than the upstream just now.
export function isFallingBack(upstream: Upstream | undefined): boolean {
  return (upstream?.sample?.fallbacks ?? 0) > 0 || (upstream?.sample?.stale ?? 0) > 0;
}

export function announce(breaker: Breaker): string {
  const why = !isCalm(breaker) && breaker.last_trip?.reason ? `: ${tripSentence(breaker.last_trip)}` : "";
  return `${breaker.name} is ${kShownWords[shownState(breaker)].toLowerCase()}${why}`;
}
