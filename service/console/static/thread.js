// The thread around a comment: fetched when somebody opens it, so that a card costs nothing more without it.

import { Refused, announce, fragment, t, tn } from "./base.js";
import { refresh } from "./times.js";

async function load(thread) {
  const place = thread.querySelector("[data-thread-place]");
  if (place.dataset.state) return;
  place.dataset.state = "loading";
  try {
    const part = await fragment(`/queue/${encodeURIComponent(thread.closest("article.card").dataset.id)}/thread?part=1`);
    place.replaceChildren(...part.children);
    place.dataset.state = "loaded";
    refresh(place);
    const others = place.querySelectorAll(".post:not(.here)").length;
    announce(tn("Thread: %(n)d other comment.", "Thread: %(n)d other comments.", others));
  } catch (refused) {
    delete place.dataset.state; // opening it once more tries again; the link is still there
    if (!(refused instanceof Refused)) throw refused;
    announce(t("The thread could not be loaded."));
  }
}

/** Threads under `root` load when they open. */
export function watchThreads(root) {
  root.addEventListener("toggle", ({ target }) => { if (target.open && target.matches("details.thread")) load(target); }, true);
}

/** Open or close the thread of a card. */
export function toggleThread(card) {
  const thread = card?.querySelector("details.thread");
  if (!thread) return false;
  thread.open = !thread.open;
  if (thread.open) thread.scrollIntoView({ block: "nearest" });
  return true;
}
