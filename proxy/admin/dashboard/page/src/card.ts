// SPDX-License-Identifier: Apache-2.0
// One upstream with its breaker: a line that can be opened into everything that is known of it.
import { breakerAction, faultWords, purgeAction, removeFaultAction } from "./actions";
import type { Action } from "./actions";
import { Charts } from "./charts";
import { h, setAttribute, setChildren, setHidden, setText } from "./dom";
import { Endpoints } from "./endpoints";
import { Figures } from "./figures";
import { count, countDown, kShownWords, milliseconds, percent, rate, shownState } from "./format";
import type { Shown } from "./format";
import { StateIcon } from "./icons";
import type { Model } from "./model";
import { periods } from "./periods";
import { isCalm, isFallingBack, left, modeNote, since, until, why } from "./standing";
import { nearest, TripMeters } from "./trip_meters";
import type { Breaker, Fault, LoggedEvent, Upstream } from "./types";

export type Ask = (title: string, actions: Action[]) => void;
export type AskFault = (upstream: string) => void;

const kStateClasses: Shown[] = ["closed", "open", "half_open", "forced_open", "forced_closed", "disabled"];

export class Card {
  readonly element: HTMLElement;
  readonly details = h("details");
  shown: Shown = "closed";
  private readonly icon = new StateIcon();
  private readonly word = h("span", { class: "word" });
  private readonly since = h("span", { class: "since" });
  private readonly count = h("strong", { class: "count" });
  private readonly untilWords = h("span", { class: "until-words" });
  private readonly falling = h("span", { class: "falling" }, "falling back");
  private readonly faulty = h("span", { class: "falling faulty" }, "fault injected");
  private readonly figures = h("span", { class: "brief" });
  private readonly near = h("span", { class: "near-text" });
  private readonly why = h("p", { class: "why" });
  private readonly mode = h("p", { class: "mode" });
  private readonly faultText = h("p", { class: "fault" });
  private fault: Fault | null = null;
  private readonly answers = h("p", { class: "answers" });
  private readonly slots = h("div", { class: "slots" });
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private readonly meters = new TripMeters();
  private readonly charts: Charts;
  private readonly endpoints: Endpoints;
  private readonly all = new Figures();
  private readonly rest = h("details", { class: "rest" });
  private touched = false;
  private troubledBelow = false;

  constructor(
    private readonly model: Model,
    readonly name: string,
    private readonly ask: Ask,
    askFault: AskFault,
  ) {
    this.charts = new Charts(model, name);
    this.endpoints = new Endpoints(model, name, (breaker) => this.change(breaker));
    const id = `upstream-${encodeURIComponent(name)}`;
    const heading = h("h3", { id: `${id}-name` }, name);
    const summary = h(
      "summary",
      { click: () => (this.touched = true) },
      h("span", { class: "standing" }, this.icon.element, this.word),
      heading,
      h("span", { class: "until" }, this.count, " ", this.untilWords, " ", this.since),
      h("span", { class: "pills" }, this.falling, this.faulty),
      this.near,
      this.figures,
    );
    const actions = h("div", { class: "actions", role: "group", "aria-label": `Actions on ${name}` });
    for (const action of [breakerAction("reset", name), breakerAction("force-open", name), breakerAction("force-close", name), breakerAction("release", name), purgeAction(name)]) {
      const button = h("button", { type: "button", click: () => ask(action.title, [action]) }, action.name === "purge" ? "Purge cache…" : `${action.confirm}…`);
      this.buttons.set(action.name, button);
      actions.append(button);
    }
    const remove = removeFaultAction(name);
    this.addButton(actions, "inject-fault", "Inject fault…", () => askFault(name));
    this.addButton(actions, remove.name, `${remove.confirm}…`, () => ask(remove.title, [remove]));
    this.rest.append(h("summary", {}, "Endpoints, limits, cache"), h("div", { class: "rest-body" }, this.endpoints.element, this.all.element));
    this.rest.open = matchMedia("(min-width: 761px)").matches;
    this.details.append(
      summary,
      h(
        "div",
        { class: "body" },
        h("div", { class: "reason" }, this.why, this.mode, this.faultText, this.slots, this.answers, this.meters.element, actions),
        this.charts.element,
        this.rest,
      ),
    );
    this.element = h("article", { class: "card", id, "aria-labelledby": `${id}-name`, tabindex: "-1" }, this.details);
    this.details.addEventListener("toggle", () => this.show(this.onScreen));
  }

  private addButton(actions: HTMLElement, name: string, text: string, click: () => void) {
    const button = h("button", { type: "button", click }, text);
    this.buttons.set(name, button);
    actions.append(button);
  }

  private onScreen = false;
  show(onScreen: boolean) {
    this.onScreen = onScreen;
    this.charts.show(onScreen && this.details.open);
  }
  // By the page, unless its reader has opened or closed it.
  open(open: boolean) {
    if (!this.touched) this.details.open = open;
  }
  close() {
    this.charts.close();
  }
  restyle() {
    this.charts.clear();
    this.show(this.onScreen);
  }

  update(upstream: Upstream, breaker: Breaker | undefined, events: LoggedEvent[]) {
    this.brief(upstream, breaker);
    if (!this.details.open) return;
    if (breaker) {
      setText(this.mode, modeNote(breaker));
      this.meters.update(breaker, this.model.below(this.name).length > 1);
      this.halfOpen(breaker);
      const now = this.model.now();
      this.charts.update(periods(events, breaker.state, now - this.model.windowMs(), now));
    }
    const sample = upstream.sample;
    const answered = sample && (sample.rejected > 0 || sample.fallbacks > 0);
    setText(this.answers, answered ? `Rejecting ${rate(sample.rejected)}; fallbacks answer ${rate(sample.fallbacks)}, of them stale ${rate(sample.stale)}.` : "");
    this.endpoints.update(upstream);
    this.all.update(upstream, breaker);
    this.tick(breaker);
  }

  // What changes with time alone.
  tick(breaker: Breaker | undefined) {
    const fault = this.fault;
    if (fault)
      setText(
        this.faultText,
        `A fault is injected: ${faultWords(fault)}. It ends in ${countDown(left(this.model, fault.remaining_ms ?? 0))}; so far ${count(fault.delayed)} were delayed and ${count(fault.aborted)} aborted.`,
      );
    if (!breaker) return;
    const wait = until(this.model, breaker);
    setText(this.count, wait.count);
    setText(this.untilWords, wait.words);
    setText(this.since, since(this.model, breaker));
    setText(this.why, why(this.model, breaker));
  }

  private brief(upstream: Upstream, breaker: Breaker | undefined) {
    const shown = shownState(breaker);
    const below = this.model.below(this.name).filter((each) => !isCalm(each));
    if ((shown !== this.shown && shown !== "closed") || (below.length && !this.troubledBelow)) this.open(true);
    this.troubledBelow = below.length > 0;
    this.shown = shown;
    this.icon.update(shown);
    setText(this.word, kShownWords[shown] + (breaker?.mode === "shadow" ? " (shadow)" : ""));
    for (const each of kStateClasses) this.element.classList.toggle(`is-${each}`, each === shown);
    setHidden(this.falling, !isFallingBack(upstream));
    const near = breaker && shown === "closed" ? nearest(breaker) : undefined;
    const worst = below.map((each) => `${each.name.slice(this.name.length + 1)} is ${kShownWords[shownState(each)].toLowerCase()}`);
    setText(this.near, worst.length ? worst.slice(0, 2).join(", ") + (worst.length > 2 ? ` and ${worst.length - 2} more` : "") : near && near.share > 0 ? `${near.text} ${near.label}` : "");
    this.near.classList.toggle("near", worst.length > 0 || (near?.share ?? 0) >= 0.6);
    const sample = upstream.sample;
    const failing = sample && sample.requests > 0 ? percent(sample.failures / sample.requests) : "0 %";
    setText(this.figures, sample ? `${rate(sample.requests)} · ${failing} failing · p99 ${milliseconds(sample.p99)}` : "");
    this.fault = upstream.fault ?? null;
    setHidden(this.faulty, !this.fault);
    setHidden(this.faultText, !this.fault);
    setHidden(this.buttons.get("remove-fault")!, !this.fault);
    setHidden(this.buttons.get("release")!, !breaker?.override || breaker.override === "none");
    this.tick(breaker);
  }

  private halfOpen(breaker: Breaker) {
    const trial = breaker.half_open;
    setHidden(this.slots, shownState(breaker) !== "half_open" || !trial);
    if (!trial || this.slots.hidden) return;
    const most = trial.max_calls ?? 0;
    const used = Math.min(trial.in_flight ?? 0, most);
    const marks = Array.from({ length: Math.min(most, 20) }, (_, i) => h("i", { class: i < used ? "slot used" : "slot", "aria-hidden": "true" }));
    const text = `${count(trial.in_flight)} of ${count(most)} trial slots in use; ${count(trial.successes)} of ${count(breaker.thresholds?.success_threshold)} successes needed, ${count(trial.failures)} failed`;
    setAttribute(this.slots, "data-text", text);
    setChildren(this.slots, [...marks, h("span", {}, text)]);
  }

  private change(breaker: string) {
    const overridden = (this.model.breaker(breaker)?.override ?? "none") !== "none";
    const names = [...(overridden ? (["release"] as const) : []), "reset", "force-open", "force-close"] as const;
    this.ask(`Change ${breaker}`, names.map((name) => breakerAction(name, breaker)));
  }
}
