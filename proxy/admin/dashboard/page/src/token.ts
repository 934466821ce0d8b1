// SPDX-License-Identifier: Apache-2.0
// The admin's token, kept by this tab only and gone with it.

const kKey = "fusewire-token";

export function token(): string {
  return sessionStorage.getItem(kKey) ?? "";
}

export function keepToken(value: string) {
  sessionStorage.setItem(kKey, value);
  changed();
}

export function forgetToken() {
  sessionStorage.removeItem(kKey);
  changed();
}

let changed: () => void = () => undefined;
export function onTokenChange(callback: () => void) {
  changed = callback;
}

export function authorization(): { [name: string]: string } {
  return token() ? { Authorization: `Bearer ${token()}` } : {};
}
