// One key, one deed; only where nobody is writing, and no key that is held down does anything twice.

import { announce, t } from "./base.js";

const GUARD_MS = 250;
let guardedUntil = 0;

/** After a decision nothing is taken for the next one for a moment. */
export function guard() {
  guardedUntil = performance.now() + GUARD_MS;
}

const isGuarded = () => performance.now() < guardedUntil;

// The second half of a double click must not decide what the first half revealed, nor the comment that came next.
document.addEventListener("click", (event) => {
  if (!isGuarded() || !event.target.closest("article.card form button, #list button")) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

function isWriting(target) {
  return target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]") != null;
}

/** Call `deeds[action](event)` for the keys that `chosen` maps actions to. A deed that answers false leaves the key alone. */
export function listen(chosen, deeds) {
  const byKey = new Map(Object.entries(chosen).filter(([, key]) => key).map(([action, key]) => [key, action]));
  for (const place of document.querySelectorAll("[data-key]")) showKey(place, chosen);
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || document.querySelector("dialog[open]")) return;
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    if (isWriting(event.target) || ((event.ctrlKey || event.metaKey) && !isUndo)) return;
    const action = isUndo ? "undo" : byKey.get(event.key) ?? (/^[0-9]$/.test(event.key) ? "digit" : event.key === "Escape" ? "escape" : undefined);
    if (!action || !deeds[action]) return;
    if (event.key === "Enter" && event.target.closest("button, a, summary")) return;
    if (event.repeat || isGuarded()) { event.preventDefault(); return; }
    if (deeds[action](event) !== false) event.preventDefault();
  });
}

/** Open the veil over a text that was not shown yet; true: it was closed, and what was asked for must be asked for again. */
export function unveil(card) {
  const veil = card?.querySelector("details.veil");
  if (!veil || veil.open || veil.dataset.seen) return false;
  veil.open = true;
  guard();
  announce(t("The text is shown now. Decide once more."));
  return true;
}

document.addEventListener("toggle", ({ target }) => {
  if (target.open && target.matches("details.veil")) target.dataset.seen = "true";
}, true);

/** The key in a button is the one that was chosen. */
export function showKey(place, chosen) {
  const key = chosen[place.dataset.key];
  place.hidden = !key;
  place.textContent = key ?? "";
}

/** The dialog with all keys, and the links to other queues by `g` and a digit. */
export function common(chosen) {
  const help = document.getElementById("help");
  document.querySelector("[data-help]")?.addEventListener("click", () => help.showModal());
  let goes = -Infinity;
  return {
    help: () => help.showModal(),
    view: () => document.querySelector("a[data-view]")?.click(),
    search: () => {
      const field = document.querySelector(".filter select");
      const menu = document.querySelector(".filter");
      if (!menu) return false;
      menu.open = true;
      field.focus();
    },
    saved: () => {
      const menu = document.querySelector(".saved");
      if (!menu) return false;
      menu.open = true;
      menu.querySelector(".sheet a, .sheet input:not([type=hidden])")?.focus();
    },
    go: () => { goes = performance.now(); },
    /** Whether a digit belongs to the `g` before it. */
    wentTo: (digit) => {
      if (performance.now() - goes > 2_000) return false;
      goes = -Infinity;
      document.querySelector(`a[data-go="${digit}"]`)?.click();
      return true;
    },
  };
}

const DECIDED = { approve: () => t("Approved"), reject: () => t("Rejected"), escalate: () => t("Escalated") };

/** What the button of a macro decides, and how a message says it. */
export function macroOf({ value, dataset: { decision } }) {
  return [{ decision, macro: value }, `${DECIDED[decision]()}: ${value}`];
}

/** Open the menu of macros, if the site has any. */
export function chooseMacro(root) {
  if (!root.querySelector('details.choice[data-choice="macro"]')) announce(t("This site has no macros."));
  else if (openChoice(root, "macro")) announce(t("Choose a macro by its number."));
}

/** Open one choice (reject, escalate) of a card or of the list, and close the others. */
export function openChoice(root, name) {
  for (const each of root.querySelectorAll("details.choice")) each.open = each.dataset.choice === name && !each.open;
  const opened = root.querySelector(`details.choice[data-choice="${name}"][open]`);
  opened?.querySelector("textarea, input:not([type=hidden])")?.focus();
  return opened;
}

/** Escape closes a choice and gives the focus back to its card. */
export function closeChoices(root) {
  const opened = root.querySelectorAll("details.choice[open]");
  for (const each of opened) each.open = false;
  return opened.length > 0;
}
