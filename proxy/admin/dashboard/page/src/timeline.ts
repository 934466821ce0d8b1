// SPDX-License-Identifier: Apache-2.0
// Transitions and overrides of all breakers: as lanes on one axis of time, and as a list, newest first.
import { h, setAttribute, setChildren, setHidden, setText, svg } from "./dom";
import { clock, eventSentence, kShownWords, span, stateWord } from "./format";
import type { Shown } from "./format";
import { stateIcon } from "./icons";
import type { Model } from "./model";
import { overrides, periods } from "./periods";
import type { LoggedEvent } from "./types";

const kExtents = [
  [10 * 60_000, "10 min"],
  [60 * 60_000, "1 h"],
  [6 * 60 * 60_000, "6 h"],
] as const;
const kListed = 60;
const kLanes = 30;
const kWidth = 1000;

function iconOf(event: LoggedEvent): Shown | null {
  if (event.event === "transition") return event.to ?? null;
  if (event.event === "override_set") return event.override as Shown;
  if (event.event === "reset") return "closed";
  return null;
}

export class Timeline {
  readonly element: HTMLElement;
  private extent: number = kExtents[0][0];
  private readonly lanes = h("ul", { class: "lanes" });
  private readonly axis = h("div", { class: "axis", "aria-hidden": "true" });
  private readonly list = h("ol", { class: "events" });
  private readonly none = h("p", { class: "note" }, "Nothing has happened yet.");
  private readonly items = new Map<number, HTMLElement>();
  private readonly rows = new Map<string, { row: HTMLElement; plot: SVGElement; text: HTMLElement }>();

  constructor(private readonly model: Model) {
    const choices = h("div", { class: "extents", role: "group", "aria-label": "How far back the lanes reach" });
    for (const [ms, text] of kExtents) {
      const button = h("button", { type: "button", class: "small", "aria-pressed": String(ms === this.extent) }, text);
      button.addEventListener("click", () => {
        this.extent = ms;
        for (const other of choices.children) setAttribute(other, "aria-pressed", String(other === button));
        this.update();
      });
      choices.append(button);
    }
    this.element = h(
      "section",
      { class: "timeline", "aria-labelledby": "timeline-name" },
      h("div", { class: "section-head" }, h("h2", { id: "timeline-name" }, "Transitions and overrides"), choices),
      this.lanes,
      this.axis,
      this.none,
      this.list,
    );
  }

  update() {
    this.drawLanes();
    this.listEvents();
  }

  private drawLanes() {
    const end = this.model.now();
    const begin = end - this.extent;
    const byBreaker = new Map<string, LoggedEvent[]>();
    for (const event of this.model.events) byBreaker.set(event.breaker, [...(byBreaker.get(event.breaker) ?? []), event]);
    const wanted: HTMLElement[] = [];
    for (const [name, events] of [...byBreaker].sort(([a], [b]) => a.localeCompare(b))) {
      const breaker = this.model.breaker(name);
      if (!breaker || wanted.length === kLanes) continue;
      wanted.push(this.lane(name, events, begin, end));
    }
    setChildren(this.lanes, wanted);
    setHidden(this.axis, wanted.length === 0);
    const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => clock(begin + share * this.extent, false));
    if (this.axis.textContent !== marks.join("")) setChildren(this.axis, marks.map((mark) => h("span", {}, mark)));
  }

  private lane(name: string, events: LoggedEvent[], begin: number, end: number): HTMLElement {
    let found = this.rows.get(name);
    if (!found) {
      const plot = svg("svg", { viewBox: `0 0 ${kWidth} 16`, preserveAspectRatio: "none", "aria-hidden": "true" });
      const text = h("span", { class: "unseen" });
      found = { row: h("li", {}, h("span", { class: "lane-name" }, name), plot as unknown as Node, text), plot, text };
      this.rows.set(name, found);
    }
    const x = (at: number) => ((Math.max(at, begin) - begin) / (end - begin)) * kWidth;
    const bar = (from: number, to: number, y: string, height: string, kind: string) =>
      svg("rect", { x: x(from).toFixed(1), y, width: Math.max(x(to) - x(from), 2).toFixed(1), height, class: kind });
    const state = this.model.breaker(name)?.state ?? "closed";
    const inState = periods(events, state, begin, end);
    const forced = overrides(events, begin, end);
    found.plot.replaceChildren(
      ...inState.map((each) => bar(each.from, each.to, "3", "10", `lane-${each.state}`)),
      ...forced.map((each) => bar(each.from, each.to, "0", "16", `lane-${each.kind}`)),
    );
    const open = inState.filter((each) => each.state === "open");
    const time = open.reduce((sum, each) => sum + each.to - each.from, 0);
    setText(found.text, `: open ${open.length} times for ${span(time)}, ${forced.length} overrides; now ${stateWord(state)}`);
    return found.row;
  }

  private listEvents() {
    const newest = this.model.events.slice(-kListed).reverse();
    const wanted = newest.map((event) => {
      const item = this.items.get(event.id) ?? this.item(event);
      this.items.set(event.id, item);
      return item;
    });
    for (const id of this.items.keys()) if (!newest.some((event) => event.id === id)) this.items.delete(id);
    setChildren(this.list, wanted);
    setHidden(this.none, newest.length > 0);
  }

  private item(event: LoggedEvent): HTMLElement {
    const at = Date.parse(event.at);
    const shown = iconOf(event);
    return h(
      "li",
      { class: shown ? `is-${shown}` : "" },
      h("time", { datetime: event.at, title: event.at }, clock(at)),
      h("span", { class: "state-icon" }, shown && shown in kShownWords ? (stateIcon(shown) as unknown as Node) : null),
      h("span", {}, h("strong", {}, event.breaker), ` ${eventSentence(event)}`),
    );
  }

  // A new process counts its events from 1 again.
  clear() {
    this.items.clear();
    this.rows.clear();
  }
}
