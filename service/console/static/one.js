// A single comment, by its id: its forms do the work, keys press their buttons.

import { common, closeChoices, guard, listen, openChoice } from "./keys.js";
import "./times.js";

const card = document.querySelector("#one article.card");
const chosen = JSON.parse(document.getElementById("one").dataset.keys);
const press = (name) => () => {
  const button = card.querySelector(`[data-do="${name}"]`);
  if (!button) return false;
  guard();
  button.form.requestSubmit(button);
  return true;
};
const shared = common(chosen);
listen(chosen, {
  ...shared,
  approve: press("approve"),
  skip: press("skip"),
  reject: () => { openChoice(card, "reject"); },
  escalate: () => { openChoice(card, "escalate"); },
  reveal: () => {
    const veil = card.querySelector("details.veil");
    if (veil) veil.open = !veil.open;
  },
  escape: () => closeChoices(card),
  digit: (event) => {
    if (shared.wentTo(event.key)) return true;
    const button = card.querySelector(`details.choice[open] [data-digit="${event.key}"]`);
    if (!button) return false;
    guard();
    button.form.requestSubmit(button);
    return true;
  },
});
card.focus({ preventScroll: true });
