// The menu of an article on a card: heated, pre-moderated or closed at once, and taken back at once.

import { Refused, ask, t, toast } from "./base.js";
import { refusal } from "./outbox.js";

/** The status of an article on every card of it. */
function show(root, place, { status, said }) {
  for (const each of root.querySelectorAll("[data-place]")) {
    if (each.dataset.place !== place) continue;
    const tag = each.querySelector("[data-standing]");
    tag.className = `tag article-${status}`;
    tag.textContent = said;
    tag.hidden = status === "open";
    const open = each.querySelector('button[value="open 0"]');
    if (open) open.hidden = status === "open";
  }
}

async function send(root, place, path, body) {
  const [kind] = place.split(":", 1);
  const fields = { [kind]: place.slice(kind.length + 1), ...body };
  try {
    const found = await ask("POST", path, fields);
    show(root, place, found);
    return found;
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    toast(refused.problem.code === "status_changed" ? t("Somebody else changed the status meanwhile.") : refusal(refused));
    return null;
  }
}

async function change(root, form, button) {
  const { place } = form.closest("[data-place]").dataset;
  const [status, hours] = button.value.split(" ");
  form.closest("details").open = false;
  form.closest("article.card")?.focus({ preventScroll: true });
  const found = await send(root, place, "/article/status", { status, hours: Number(hours) });
  if (found) toast(t("The article: %(status)s", { status: found.said }), t("Take back"), () => send(root, place, "/article/undo", { version: found.version }));
}

/** Take over the forms of the menus under `root`. */
export function watchPlaces(root) {
  root.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-place-form]") || !event.submitter) return;
    event.preventDefault();
    event.stopPropagation();
    change(root, event.target, event.submitter);
  }, true);
}

/** Open the menu of a card's article; false: it has none. */
export function openPlace(card) {
  const menu = card?.querySelector("details.place-menu");
  if (!menu) return false;
  menu.open = true;
  menu.querySelector("button").focus();
  return true;
}
