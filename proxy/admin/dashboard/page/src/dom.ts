// SPDX-License-Identifier: Apache-2.0
// Elements without markup: text is only ever set as text.

type Child = Node | string | null | undefined;
type Attributes = { [name: string]: string | boolean | undefined | ((event: Event) => void) };

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  apply(element, attributes);
  append(element, children);
  return element;
}

const kSvg = "http://www.w3.org/2000/svg";
export function svg(tag: string, attributes: { [name: string]: string } = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS(kSvg, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function apply(element: HTMLElement, attributes: Attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
}

function append(element: HTMLElement, children: Child[]) {
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
}

// Writes only what has changed: a screen reader, a selection and the layout stay undisturbed.
export function setText(element: Element, text: string) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function setHidden(element: HTMLElement, hidden: boolean) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

// The children become these, in this order. What stays in place is not touched, and the focus stays where it was.
export function setChildren(parent: Element, wanted: Node[]) {
  const focused = document.activeElement;
  let at = parent.firstChild;
  for (const child of wanted) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true });
}
