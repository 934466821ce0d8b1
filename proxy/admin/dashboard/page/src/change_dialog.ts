// SPDX-License-Identifier: Apache-2.0
// Asks before a change: what will happen, for how long, and for the token where there is none yet.
import type { Action } from "./actions";
import { h, setHidden, setText } from "./dom";
import type { Model } from "./model";
import { detailOf } from "./stream";
import { authorization, forgetToken, keepToken, token } from "./token";

const kTimes = [
  ["1m", "1 minute"],
  ["10m", "10 minutes"],
  ["1h", "1 hour"],
  ["8h", "8 hours"],
  ["", "until it is released"],
] as const;

export class ChangeDialog {
  private readonly title = h("h2", { id: "change-title" });
  private readonly choices = h("fieldset", { class: "choices" });
  private readonly consequence = h("p", { id: "change-consequence", class: "consequence" });
  private readonly time = h("select", { id: "change-time" }, ...kTimes.map(([value, text]) => h("option", { value }, text)));
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
    setText(this.consequence, action.consequence(this.model));
    setText(this.confirm, action.confirm);
    this.confirm.classList.toggle("danger", action.danger);
    setHidden(this.timeRow, !action.takesTime);
    const refused = this.model.process.token_configured === false;
    setHidden(this.tokenRow, token() !== "" || refused);
    this.confirm.disabled = refused;
    if (refused) setText(this.error, "No admin.token is configured, so this process takes no changes.");
  }

  private async submit() {
    const action = this.action;
    if (!action) return;
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

  // Why it failed; empty: it did not.
  private async send(action: Action): Promise<string> {
    const query = action.takesTime && this.time.value ? `?for=${this.time.value}` : "";
    try {
      const response = await fetch(action.path + query, { method: action.method, headers: authorization(), cache: "no-store" });
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
