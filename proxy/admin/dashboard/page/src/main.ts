// SPDX-License-Identifier: Apache-2.0
import { drainAction } from "./actions";
import { Card } from "./card";
import { ChangeDialog } from "./change_dialog";
import { h, setChildren, setHidden, setText } from "./dom";
import { shownState } from "./format";
import type { Shown } from "./format";
import { Model } from "./model";
import { announce, isCalm, isFallingBack } from "./standing";
import { Stream } from "./stream";
import type { Trouble } from "./stream";
import { Strip } from "./strip";
import { Timeline } from "./timeline";
import { forgetToken, keepToken, onTokenChange, token } from "./token";
import type { Frame, Hello, History, LoggedEvent, Upstream } from "./types";

const kOpenedByItself = 4; // so many upstreams or fewer: all are open at first
const kRank: { [state in Shown]: number } = { open: 0, half_open: 1, forced_open: 2, forced_closed: 3, closed: 4, disabled: 5 };

class Page {
  private readonly model = new Model();
  private readonly strip = new Strip(this.model, () => this.dialog.open("Drain this process", [drainAction()]), () => forgetToken());
  private readonly dialog = new ChangeDialog(this.model, (what) => this.say(what));
  private readonly timeline = new Timeline(this.model);
  private readonly cards = new Map<string, Card>();
  private readonly list = h("div", { class: "cards" });
  private readonly banner = h("p", { class: "banner", role: "status" });
  private readonly spoken = h("p", { class: "unseen", "aria-live": "polite" });
  private readonly signIn = this.makeSignIn();
  private readonly search = h("input", { type: "search", id: "search", placeholder: "name", autocomplete: "off", spellcheck: "false" });
  private readonly troubled = h("input", { type: "checkbox", id: "troubled" });
  private readonly stream = new Stream("admin/dashboard/stream", {
    message: (event, data) => this.message(event, data),
    trouble: (trouble) => this.trouble(trouble),
  });
  private readonly onScreen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) this.cardOf(entry.target)?.show(entry.isIntersecting);
    },
    { rootMargin: "200px" },
  );
  private readonly states = new Map<string, Shown>();

  constructor(root: HTMLElement) {
    const filters = h(
      "div",
      { class: "filters", role: "search" },
      h("label", { for: "search" }, "Find"),
      this.search,
      h("span", { class: "check" }, this.troubled, h("label", { for: "troubled" }, "only what is not closed")),
    );
    const upstreams = h(
      "section",
      { class: "upstreams", "aria-labelledby": "upstreams-name" },
      h("div", { class: "section-head" }, h("h2", { id: "upstreams-name" }, "Upstreams"), filters),
      this.list,
    );
    root.replaceChildren(
      this.strip.element,
      this.banner,
      h("main", { id: "main", tabindex: "-1" }, this.signIn.element, upstreams, this.timeline.element),
      h(
        "footer",
        {},
        ...[["admin/circuit-breakers", "breakers"], ["admin/upstreams", "upstreams"], ["admin/events", "events"], ["admin/config", "configuration"], ["metrics", "metrics"], ["dashboard/licences.txt", "licences"]].map(
          ([href, text]) => h("a", { href }, text!),
        ),
      ),
      this.spoken,
      this.dialog.element,
    );
    setHidden(this.banner, true);
    for (const filter of [this.search, this.troubled]) filter.addEventListener("input", () => this.render());
    document.addEventListener("keydown", (event) => this.key(event));
    onTokenChange(() => this.strip.tick());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.cards.forEach((card) => card.restyle()));
    setInterval(() => this.tick(), 200);
    this.stream.start();
  }

  private message(event: string, data: unknown) {
    if (event === "hello") {
      this.model.hello(data as Hello);
      this.timeline.clear();
      this.signIn.hide();
    } else if (event === "history") {
      this.model.history(data as History);
    } else if (event === "events") {
      this.model.add((data as { events: LoggedEvent[] }).events);
      this.timeline.update();
    } else if (event === "frame" && this.model.frame(data as Frame)) {
      this.render();
    }
  }

  private trouble(trouble: Trouble) {
    if (trouble.kind === "token") {
      this.signIn.show(token() !== "");
      forgetToken();
    } else {
      this.warn(trouble.kind === "refused" ? `The figures are refused: ${trouble.detail}.` : "The connection is lost; trying again. What is shown is old, and count-downs run on.");
    }
    this.strip.tick();
  }

  private warn(text: string) {
    setText(this.banner, text);
    setHidden(this.banner, text === "");
    this.banner.classList.toggle("bad", text !== "");
  }

  private render() {
    const { process } = this.model;
    const reload = process.last_reload;
    const errors = reload?.errors ?? [];
    const more = (reload?.error_count ?? 0) - 1;
    if (process.draining) this.warn("This process drains: it takes no new connections, finishes what runs, and ends.");
    else if (reload?.successful === false && errors[0])
      this.warn(`The last reload failed, and the configuration of before stays: ${errors[0]}${more > 0 ? ` (and ${more} more)` : ""}`);
    else this.warn("");
    this.strip.update();
    this.renderCards();
    this.timeline.update();
    this.speak();
    const open = this.model.breakers().filter((breaker) => shownState(breaker) === "open" || shownState(breaker) === "forced_open").length;
    const title = open ? `${open} open · Fusewire` : "Fusewire";
    if (document.title !== title) document.title = title;
  }

  private renderCards() {
    const upstreams = this.model.upstreams();
    const names = new Set(upstreams.map((upstream) => upstream.upstream));
    for (const [name, card] of this.cards)
      if (!names.has(name)) {
        this.onScreen.unobserve(card.element);
        card.close();
        this.cards.delete(name);
      }
    const byBreaker = new Map<string, LoggedEvent[]>();
    for (const event of this.model.events) byBreaker.set(event.breaker, [...(byBreaker.get(event.breaker) ?? []), event]);
    for (const upstream of upstreams) {
      const card = this.cards.get(upstream.upstream) ?? this.begin(upstream.upstream, upstreams.length);
      card.update(upstream, this.model.breaker(upstream.upstream), byBreaker.get(upstream.upstream) ?? []);
    }
    const wanted = upstreams.filter((upstream) => this.isWanted(upstream)).sort((a, b) => this.compare(a, b));
    setChildren(this.list, wanted.map((upstream) => this.cards.get(upstream.upstream)!.element));
  }

  private begin(name: string, of: number): Card {
    const card = new Card(this.model, name, (title, actions) => this.dialog.open(title, actions), (upstream) => this.dialog.openFault(upstream));
    this.cards.set(name, card);
    card.open(of <= kOpenedByItself);
    this.onScreen.observe(card.element);
    return card;
  }

  private isWanted(upstream: Upstream): boolean {
    if (!upstream.upstream.toLowerCase().includes(this.search.value.trim().toLowerCase())) return false;
    const breaker = this.model.breaker(upstream.upstream);
    return !this.troubled.checked || Boolean(upstream.fault) || isFallingBack(upstream) || this.isTroubledBelow(upstream) || (breaker !== undefined && !isCalm(breaker));
  }

  private isTroubledBelow(upstream: Upstream): boolean {
    return this.model.below(upstream.upstream).some((breaker) => !isCalm(breaker));
  }

  // What needs a look comes first.
  private compare(a: Upstream, b: Upstream): number {
    const rank = (upstream: Upstream) => {
      const state = kRank[shownState(this.model.breaker(upstream.upstream))];
      return isFallingBack(upstream) || this.isTroubledBelow(upstream) ? Math.min(state, 2) : state;
    };
    return rank(a) - rank(b) || a.upstream.localeCompare(b.upstream, "en", { numeric: true });
  }

  private speak() {
    const said: string[] = [];
    const first = this.states.size === 0;
    for (const breaker of this.model.breakers()) {
      const shown = shownState(breaker);
      if (!first && this.states.has(breaker.name) && this.states.get(breaker.name) !== shown) said.push(announce(breaker));
      this.states.set(breaker.name, shown);
    }
    if (said.length) this.say(said.slice(0, 3).join(". "));
  }

  private say(text: string) {
    setText(this.spoken, text);
  }

  private tick() {
    this.strip.tick();
    for (const [name, card] of this.cards) card.tick(this.model.breaker(name));
  }

  private cardOf(element: Element): Card | undefined {
    return [...this.cards.values()].find((card) => card.element === element);
  }

  // "/" goes to the search field, as in many lists.
  private key(event: KeyboardEvent) {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || this.dialog.element.open) return;
    event.preventDefault();
    this.search.focus();
  }

  private makeSignIn() {
    const field = h("input", { id: "read-token", type: "password", autocomplete: "off", spellcheck: "false" });
    const error = h("p", { class: "error", role: "alert" });
    const form = h(
      "form",
      { class: "sign-in", novalidate: true, "aria-label": "Admin token" },
      h("h2", {}, "Reading needs the admin token"),
      h("p", {}, "This process has admin.read_requires_token. The token is kept by this tab only, until it is closed."),
      h("div", { class: "row" }, h("label", { for: "read-token" }, "Admin token"), field, h("button", { type: "submit", class: "primary" }, "Show")),
      error,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!field.value) return;
      keepToken(field.value);
      field.value = "";
      this.stream.start();
    });
    setHidden(form, true);
    return {
      element: form,
      show: (wrong: boolean) => {
        setHidden(form, false);
        setText(error, wrong ? "That token is not the right one." : "");
        field.focus();
      },
      hide: () => setHidden(form, true),
    };
  }
}

const root = document.getElementById("root");
if (root) new Page(root);
