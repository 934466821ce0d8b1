// SPDX-License-Identifier: Apache-2.0
// Asks before a change: what will happen, for how long, and for the token where there is none yet.
import { faultAction } from "./actions";
import type { Action } from "./actions";
import { h, setHidden, setText } from "./dom";
import { FaultFields } from "./fault_fields";
import type { Model } from "./model";
import { detailOf } from "./stream";
import { authorization, forgetToken, keepToken, token } from "./token";

const kTimes = [
  ["1m", "1 minute"],
  ["5m", "5 minutes"],
  ["10m", "10 minutes"],
  ["1h", "1 hour"],
  ["8h", "8 hours"],
  ["", "until it is released"],
] as const;

const kFaultTimes = ["1m", "5m", "10m", "1h"]; // a fault always ends

export class ChangeDialog {
  private readonly title = h("h2", { id: "change-title" });
  private readonly choices = h("fieldset", { class: "choices" });
  private readonly fault = new FaultFields(() => this.describe());
  private readonly consequence = h("p", { id: "change-consequence", class: "consequence" });
  private readonly time = h("select", { id: "change-time", change: () => this.describe() }, ...kTimes.map(([value, text]) => h("option", { value }, text)));
  private readonly timeRow = h("div", { class: "row" }, h("label", { for: "change-time" }, "For how long"), this.time);
  private readonly token = h("input", { id: "change-token", type: "password", autocomplete: "off", spellcheck: "false" });
  private readonly tokenRow = h(
    "div",
    { class: "row" },
    h("label", { for: "change-token" }, "Admin token"),
    this.token,
    h("p", { class: "note" }, "Kept by this tab only, until it is closed."),
  );
  private readonly error = h("p", { class: "error", role: "alert" });
  private readonly confirm = h("button", { type: "submit", class: "primary" });
  private readonly form = h(
    "form",
    { novalidate: true },
    this.title,
    this.choices,
    this.fault.element,
    this.consequence,
    this.timeRow,
    this.tokenRow,
    this.error,
    h("div", { class: "buttons" }, h("button", { type: "button", click: () => this.element.close() }, "Cancel"), this.confirm),
  );
  readonly element = h("dialog", { "aria-labelledby": "change-title", "aria-describedby": "change-consequence" }, this.form);
  private action: Action | null = null;

  constructor(
    private readonly model: Model,
    private readonly done: (what: string) => void,
  ) {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.submit();
    });
  }

  openFault(upstream: string) {
    this.fault.reset();
    const action = faultAction(upstream, () => this.fault.choice(), () => this.time.value);
    this.open(action.title, [action]);
    this.fault.element.querySelector("select")?.focus();
  }

  // One action to be confirmed, or several to choose from.
  open(title: string, actions: Action[]) {
    setText(this.title, title);
    this.choices.replaceChildren(h("legend", {}, "What to do"));
    setHidden(this.choices, actions.length < 2);
    actions.forEach((action, i) => {
      const id = `choice-${i}`;
      const radio = h("input", { type: "radio", name: "choice", id, change: () => this.choose(action) });
      radio.checked = i === 0;
      this.choices.append(h("div", {}, radio, h("label", { for: id }, action.confirm)));
    });
    this.time.value = "10m";
    this.token.value = "";
    setText(this.error, "");
    this.choose(actions[0]!);
    this.element.showModal();
    (actions.length > 1 ? this.choices.querySelector("input") : token() ? this.confirm : this.token)?.focus();
  }

  private choose(action: Action) {
    this.action = action;
    setHidden(this.fault.element, action.injects === undefined);
    for (const option of this.time.options) option.hidden = option.disabled = action.injects !== undefined && !kFaultTimes.includes(option.value);
    this.describe();
    setText(this.confirm, action.confirm);
    this.confirm.classList.toggle("danger", action.danger);
    setHidden(this.timeRow, !action.takesTime);
    const refused = this.model.process.token_configured === false;
    setHidden(this.tokenRow, token() !== "" || refused);
    this.confirm.disabled = refused;
    if (refused) setText(this.error, "No admin.token is configured, so this process takes no changes.");
  }

  private describe() {
    if (this.action) setText(this.consequence, this.action.consequence(this.model));
  }

  private async submit() {
    const action = this.action;
    if (!action) return;
    const trouble = action.injects === undefined ? "" : this.fault.trouble();
    if (trouble) return setText(this.error, trouble);
    if (!token()) {
      if (!this.token.value) {
        setText(this.error, "A change needs the admin token.");
        this.token.focus();
        return;
      }
      keepToken(this.token.value);
    }
    this.confirm.disabled = true;
    setText(this.error, "");
    const failure = await this.send(action);
    this.confirm.disabled = false;
    if (failure) {
      setText(this.error, failure);
      return;
    }
    this.element.close();
    this.done(`Done: ${action.title}.`);
  }

  private bodyOf(action: Action): string | null {
    if (action.injects === undefined) return null;
    const { delay, delay_percent, abort, abort_percent } = this.fault.choice();
    return JSON.stringify({
      upstream: action.injects,
      for: this.time.value,
      ...(delay ? { delay, delay_percent } : {}),
      ...(abort !== null ? { abort, abort_percent } : {}),
    });
  }

  // Why it failed; empty: it did not.
  private async send(action: Action): Promise<string> {
    const body = this.bodyOf(action);
    const query = !body && action.takesTime && this.time.value ? `?for=${this.time.value}` : "";
    const headers = { ...authorization(), ...(body ? { "Content-Type": "application/json" } : {}) };
    try {
      const response = await fetch(action.path + query, { method: action.method, headers, body, cache: "no-store" });
      if (response.ok) return "";
      if (response.status !== 401) return `Refused: ${await detailOf(response)}.`;
      forgetToken();
      this.token.value = "";
      setHidden(this.tokenRow, false);
      this.token.focus();
      return "That token is not the right one. Nothing was changed.";
    } catch {
      return "No answer: it is not known whether the change was made.";
    }
  }
}
