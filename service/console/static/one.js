// A single comment, by its id: its forms do the work, keys press their buttons.

import { watchAssignments } from "./assign.js";
import { element, t } from "./base.js";
import { showLookers } from "./here.js";
import { chooseMacro, common, closeChoices, guard, listen, openChoice, unveil } from "./keys.js";
import { follow } from "./live.js";
import { Outbox } from "./outbox.js";
import { watchNotes } from "./notes.js";
import { openPlace, watchPlaces } from "./place.js";
import { toggleThread, watchThreads } from "./thread.js";
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
  reject: () => { if (!unveil(card)) openChoice(card, "reject"); },
  escalate: () => { openChoice(card, "escalate"); },
  macro: () => { if (!unveil(card)) chooseMacro(card); },
  note: () => { openChoice(card, "note"); },
  assign: () => { openChoice(card, "assign"); },
  article: () => openPlace(card),
  thread: () => toggleThread(card),
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
watchPlaces(card);
watchNotes(card);
watchThreads(card);
watchAssignments(card, () => location.reload()); // who may decide it may be another one now
card.focus({ preventScroll: true });
card.addEventListener("submit", (event) => {
  const { name, value } = event.submitter ?? {};
  if ((["reject", "macro"].includes(name) || value === "approve") && unveil(card)) { closeChoices(card); event.preventDefault(); }
});

// What somebody else does about it meanwhile stands above it.
const one = document.getElementById("one");
const me = one.dataset.account;
const outbox = new Outbox(`${one.dataset.site}.${me}`);
const line = element("p", { class: "notice", role: "status", hidden: true });
const lookers = element("p", { class: "small", role: "status", hidden: true });
one.prepend(line, lookers);
const SAID = {
  claimed: (who) => t("%(who)s has it now.", { who }),
  undone: (who) => t("%(who)s has it now.", { who }),
  decided: (who) => (who ? t("%(who)s was faster: it is decided.", { who }) : t("It is decided already.")),
  escalated: () => t("It was escalated."),
  assigned: (who, to) => t("It is assigned to %(who)s. To decide it, assign it to yourself.", { who: to }),
  gone: () => t("The comment is gone."),
};
follow(one.dataset.after, {
  outbox,
  comment: card.dataset.id,
  present: (people) => showLookers(lookers, people, card.dataset.id),
  heard: (kind, { id, who, to }) => {
    if (id !== card.dataset.id || who === me || to === me) return;
    line.hidden = !SAID[kind];
    line.textContent = SAID[kind]?.(who, to) ?? "";
  },
});
