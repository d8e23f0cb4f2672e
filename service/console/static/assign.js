// Assign a comment to somebody without leaving the page; the names of people are fetched when a field for one is entered.

import { Refused, ask, element, prefix, t, toast } from "./base.js";
import { closeChoices } from "./keys.js";
import { refusal } from "./outbox.js";

let names = null;

/** Offer the names of people in every field for one under `root`. */
export function offerPeople(root) {
  root.addEventListener("focusin", async (event) => {
    if (!event.target.matches('input[list="people"]') || names) return;
    names = ask("GET", "/queue/people").catch(() => ({ names: [] }));
    const found = (await names).names;
    document.getElementById("people").replaceChildren(...found.map((value) => element("option", { value })));
    if (!found.length) names = null; // again with the next field
  });
}

/** Whom the form's buttons mean; null: nobody was named. */
export function named(form, button) {
  if (button?.value === "me") return document.body.dataset.account;
  if (button?.value === "nobody") return "";
  return form.elements.to.value.trim() || null;
}

export function whatIs(refused) {
  const { code, errors = [] } = refused.problem;
  if (errors.some(({ pointer }) => pointer === "/to")) return t("Nobody with this name may decide it.");
  if (code === "may_not_judge") return t("Somebody else must judge this one: that person did before.");
  if (code === "not_waiting") return t("This comment does not wait any more.");
  return refusal(refused);
}

export const said = (to) => (to ? t("Assigned to %(who)s", { who: to }) : t("Assigned to nobody"));

/** The person on the card, and the buttons that change something now. */
function show(card, form, assigned) {
  const me = document.body.dataset.account;
  card.querySelector(".assignee").replaceChildren(element("bdi", {}, assigned === me ? t("you") : assigned || t("nobody")));
  form.querySelector('button[value="me"]').hidden = assigned === me;
  form.querySelector('button[value="nobody"]').hidden = !assigned;
  form.elements.to.value = "";
}

/** Take over the forms on cards. `assigned(card, isHeld)`: it is done; `isHeld`: this moderator still holds it. */
export function watchAssignments(root, assigned) {
  offerPeople(root);
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-assign-form]")) return;
    event.preventDefault();
    event.stopPropagation();
    const card = form.closest("article.card");
    const to = named(form, event.submitter);
    if (to === null) { form.elements.to.focus(); return; }
    try {
      const found = await ask("POST", form.getAttribute("action").slice(prefix.length), { to });
      closeChoices(card);
      show(card, form, found.assigned_to ?? "");
      toast(said(found.assigned_to));
      assigned(card, Boolean(found.lease));
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      toast(whatIs(refused));
    }
  }, true);
}
