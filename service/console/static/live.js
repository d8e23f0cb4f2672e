// What others do, as it happens: one stream from the service while the page is looked at.
//
// A stream that breaks is opened again behind the last event that came, so nothing is missed. What cannot be streamed
// (too many pages of one moderator are open) is looked up now and then instead.

import { announce, ask, prefix, t } from "./base.js";

const KINDS = ["queued", "claimed", "released", "decided", "undone", "escalated", "gone"];
const PAUSES_MS = [300, 1_000, 2_000, 5_000, 10_000];
const GRACE_MS = 1_500; // a connection that comes back within this time was not worth a word
const LONG_MS = 5 * 60_000; // who was away for longer looks again instead of hearing of all that happened
const LOOK_MS = 15_000;

/**
 * Follow the stream from `after` on. `heard(kind, {id, version, who})`: something happened to a comment;
 * `counts(stats)`: how many wait; `look()`: look at everything anew. The outbox shows that there is no connection.
 */
export function follow(after, { outbox, heard, counts = () => {}, look = () => {} }) {
  let source = null;
  let last = after;
  let failed = 0;
  let again = null; // timer of the next try
  let lost = null; // timer until it is shown
  let leftAt = 0;

  function open() {
    clearTimeout(again);
    again = null;
    if (source || document.hidden) return;
    source = new EventSource(`${prefix}/stream${last ? `?after=${encodeURIComponent(last)}` : ""}`);
    source.addEventListener("open", found);
    source.addEventListener("error", missed);
    source.addEventListener("counts", (event) => { const stats = JSON.parse(event.data); show(stats); counts(stats); });
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        heard(kind, JSON.parse(event.data));
      });
    }
  }

  function close() {
    source?.close();
    source = null;
  }

  function found() {
    failed = 0;
    clearTimeout(lost);
    lost = null;
    if (outbox.isAway) announce(t("Connected again."));
    outbox.away(false);
  }

  async function missed() {
    close();
    lost ??= setTimeout(() => outbox.away(true), GRACE_MS);
    const pause = PAUSES_MS[Math.min(failed++, PAUSES_MS.length - 1)];
    const status = await ask("GET", "/session").then(() => 200, (refused) => refused.status);
    if (status === 200 && failed > 2) { // the service is there, the stream is not
      found();
      failed = 3;
      look();
      again = setTimeout(open, LOOK_MS);
    } else if (status === 401 || status === 403) {
      clearTimeout(lost);
      outbox.signedOut();
    } else {
      again = setTimeout(open, pause);
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      leftAt = Date.now();
      clearTimeout(lost);
      lost = null;
      close();
    } else {
      if (Date.now() - leftAt > LONG_MS) { last = ""; look(); }
      open();
    }
  });
  outbox.reopen = open;
  addEventListener("online", open);
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

function show(stats) {
  for (const each of document.querySelectorAll("[data-count]")) {
    each.textContent = stats[each.dataset.count].toLocaleString(document.documentElement.lang);
  }
}
