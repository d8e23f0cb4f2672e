// Notes on a card: written without leaving it. What could not be sent stays in its field.

import { Refused, ask, element, prefix, t, toast } from "./base.js";
import { closeChoices } from "./keys.js";
import { refusal } from "./outbox.js";
import { refresh } from "./times.js";

const said = (refused) => (refused.problem.code === "notes_full" ? t("This comment has the maximum number of notes.") : refusal(refused));

async function send(form) {
  const button = form.querySelector("button");
  const field = form.elements.text;
  if (button.disabled || !field.value.trim()) return;
  button.disabled = true;
  try {
    const path = form.getAttribute("action").slice(prefix.length);
    show(form, await ask("POST", path, { text: field.value }));
    field.value = "";
    toast(t("The note is saved."));
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    toast(said(refused));
  } finally {
    button.disabled = false;
  }
}

function show(form, { id, by, at, text }) {
  const notes = form.closest("[data-notes]");
  if (!notes.querySelector(`[data-note="${CSS.escape(id)}"]`)) {
    notes.querySelector("ul").append(element(
      "li", { "data-note": id }, element("strong", {}, element("bdi", {}, by)), " ",
      element("time", { class: "small", datetime: at, "data-ago": true }), element("div", { class: "said-so", dir: "auto" }, text),
    ));
    refresh(notes);
  }
  closeChoices(notes);
  notes.closest("article.card")?.focus({ preventScroll: true });
}

/** Take over the forms for notes under `root`; Ctrl+Enter sends one. */
export function watchNotes(root) {
  root.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-note-form]")) return;
    event.preventDefault();
    event.stopPropagation();
    send(event.target);
  }, true);
  root.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-note-form]");
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}
