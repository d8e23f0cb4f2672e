// What others do, as it happens: one stream from the service while the page is looked at.
//
// A stream that breaks is opened again behind the last event that came, so nothing is missed. What cannot be streamed
// (too many pages of one moderator are open) is looked up now and then instead.

import { announce, ask, prefix, t, toast } from "./base.js";
import { showHere } from "./here.js";

const KINDS = ["queued", "claimed", "released", "decided", "undone", "escalated", "gone", "assigned", "unassigned", "freed"];
const PAUSES_MS = [300, 1_000, 2_000, 5_000, 10_000];
const GRACE_MS = 1_500; // a connection that comes back within this time was not worth a word
const LONG_MS = 5 * 60_000; // who was away for longer looks again instead of hearing of all that happened
const LOOK_MS = 15_000;

/**
 * Follow the stream from `after` on. `heard(kind, {id, version, who, to})`: something happened to a comment;
 * `counts(stats)`: how many wait; `look()`: look at everything anew; `present(people)`: who else is here. `comment`: the
 * only one on the page, which others are told. The outbox shows that there is no connection.
 */
export function follow(after, { outbox, heard, counts = () => {}, look = () => {}, present = () => {}, comment = "" }) {
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
    source = new EventSource(`${prefix}/stream?${new URLSearchParams({ after: last, comment })}`);
    source.addEventListener("open", found);
    source.addEventListener("error", missed);
    source.addEventListener("counts", (event) => { const stats = JSON.parse(event.data); show(stats); counts(stats); });
    source.addEventListener("present", (event) => { const people = JSON.parse(event.data); showHere(people); present(people); });
    source.addEventListener("mentioned", (event) => {
      last = event.lastEventId || last;
      mentioned(JSON.parse(event.data).who);
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        last = event.lastEventId || last;
        const said = JSON.parse(event.data);
        if (kind === "freed") freed(said);
        heard(kind, said);
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
    const status = await ask("GET", "/session").then((found) => { showMentions(found.mentions); return 200; }, (refused) => refused.status);
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
      if (Date.now() - leftAt > LONG_MS) {
        last = "";
        look();
        ask("GET", "/session").then((found) => showMentions(found.mentions), () => {}); // the stream finds out what is wrong
      }
      open();
    }
  });
  outbox.reopen = open;
  addEventListener("online", open);
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

/** How many notes name this moderator. */
function showMentions(n) {
  const badge = document.querySelector("[data-mentions]");
  if (!badge) return;
  badge.querySelector("[data-mentions-count]").textContent = n.toLocaleString(document.documentElement.lang);
  badge.hidden = n === 0;
}

/** Somebody names this moderator in a note. */
function mentioned(who) {
  const count = document.querySelector("[data-mentions-count]");
  showMentions(Number(count?.textContent.replace(/\D/g, "")) + 1);
  toast(t("%(who)s mentions you in a note.", { who }), t("Mentions"), () => location.assign(`${prefix}/mentions`));
}

/** Somebody gave back what this moderator held. */
function freed({ who, to }) {
  if (to === document.body.dataset.account && who !== to) toast(t("%(who)s gave a comment that you held back to the queue.", { who }));
}

function show(stats) {
  for (const each of document.querySelectorAll("[data-count]")) {
    each.textContent = stats[each.dataset.count].toLocaleString(document.documentElement.lang);
  }
}
