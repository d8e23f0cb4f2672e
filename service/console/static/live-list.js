// The list, while others work: who holds what, what is decided, and what came meanwhile.

import { Refused, announce, element, fragment, t, tn } from "./base.js";
import { follow } from "./live.js";
import { refresh } from "./times.js";

const LOOK_MS = 100; // several rows are asked for at once
const MOST_ROWS = 100;
const LEAVE_MS = 4_000;
const SAY_MS = 5_000; // so often at most it is said aloud

/** `changed(row)`: a row is another one now, or gone. `outbox`: of the page's own decisions. */
export function watchList(form, outbox, changed) {
  const body = form.querySelector("tbody");
  const me = form.dataset.account;
  const where = JSON.parse(form.dataset.where);
  const isComplete = form.dataset.only !== undefined; // no comments join the rows that it has
  const rows = () => (body ? [...body.rows] : []);
  const byId = (id) => rows().find((row) => row.dataset.id === id);
  const wanted = new Set(); // ids of rows to ask for
  const fresh = new Map(); // id -> row, of comments that came meanwhile
  const told = { timer: null, count: 0, who: "" };
  let timer = null;

  function heard(kind, { id, who, version }) {
    const row = byId(id);
    if (row?.dataset.own && who === me && Number(version) <= Number(row.dataset.version)) return; // this page did it
    if (kind === "gone" || kind === "decided" || kind === "escalated") {
      fresh.delete(id);
      if (where.queue === "escalated" && kind === "escalated") ask(id);
      else if (row) leave(row, kind, who);
      offer();
    } else if ((kind === "claimed" || kind === "undone") && who !== me && where.queue !== "held") {
      fresh.delete(id);
      if (row) hold(row, who);
      offer();
    } else if (row || (where.view !== "scores" && !isComplete)) {
      ask(id);
    }
  }

  /** Somebody else has it: it can be read, and not be chosen. */
  function hold(row, who) {
    row.classList.remove("left");
    row.classList.add("held");
    const box = row.querySelector('input[name="chosen"]');
    if (box) { box.checked = false; box.disabled = true; }
    holder(row).replaceChildren(element("bdi", {}, who));
    changed(row);
  }

  /** It is decided: the row says so for a while, then it is gone; nothing jumps under a pointer. */
  function leave(row, kind, who) {
    if (row.classList.contains("left")) return;
    row.classList.remove("held");
    row.classList.add("left");
    row.querySelector('input[name="chosen"]')?.remove();
    const said = { decided: t("decided by %(who)s", { who }), escalated: t("escalated by %(who)s", { who }), gone: t("gone"), unlisted: t("no longer in this list") };
    holder(row).replaceChildren(kind === "decided" && !who ? t("decided") : said[kind]);
    changed(row);
    tell(kind, who);
    const go = () => {
      if (!row.classList.contains("left") || !row.isConnected) return;
      if (row.matches(":hover, :focus-within")) { setTimeout(go, LEAVE_MS); return; }
      row.remove();
      changed(row);
    };
    setTimeout(go, LEAVE_MS);
  }

  const holder = (row) => row.querySelector(".holder");

  function ask(id) {
    wanted.add(id);
    timer ??= setTimeout(fetchRows, LOOK_MS);
  }

  async function fetchRows() {
    const ids = [...wanted].slice(0, MOST_ROWS);
    for (const id of ids) wanted.delete(id);
    const fields = new URLSearchParams(where);
    for (const id of ids) fields.append("id", id);
    try {
      const found = await fragment("/rows", fields);
      const got = new Map([...found.querySelectorAll("tr")].map((row) => [row.dataset.id, row]));
      for (const id of ids) take(id, got.get(id));
      offer();
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      if (refused.status === 0) for (const id of ids) wanted.add(id); // when the connection is back
    }
    timer = wanted.size ? setTimeout(fetchRows, 1_000) : null;
  }

  function take(id, row) {
    const known = byId(id);
    if (known && row) replace(known, row);
    else if (known?.dataset.own) return;
    else if (known) leave(known, "unlisted", "");
    else if (row) fresh.set(id, row);
    else fresh.delete(id);
  }

  /** The same row with what is known now: whoever has it in hand keeps it. */
  function replace(row, now) {
    const isChosen = row.querySelector('input[name="chosen"]')?.checked && row.dataset.version === now.dataset.version;
    const hasFocus = row.contains(document.activeElement);
    row.classList.remove("left", "held");
    Object.assign(row.dataset, now.dataset);
    row.replaceChildren(...now.children);
    const box = row.querySelector('input[name="chosen"]');
    if (box) box.checked = isChosen;
    if (hasFocus) row.querySelector("a.open")?.focus({ preventScroll: true });
    refresh(row);
    changed(row);
  }

  /** What came is shown when it is asked for, so that nothing moves while somebody reads. */
  function offer() {
    let line = document.getElementById("fresh");
    if (!fresh.size) { line?.remove(); return; }
    if (!line) {
      line = element("p", { id: "fresh", class: "fresh", role: "status" }, element("button", { type: "button", onclick: showFresh }));
      form.prepend(line);
    }
    const n = fresh.size;
    const text = tn("Show %(n)d new comment", "Show %(n)d new comments", n);
    if (line.firstChild.textContent !== text) line.firstChild.textContent = text;
  }

  function showFresh() {
    if (!body) { location.reload(); return; }
    const due = (row) => Date.parse(row.querySelector("time[data-due]")?.dateTime ?? "") || Infinity;
    const added = [...fresh.values()];
    fresh.clear();
    for (const row of added) {
      const before = rows().find((each) => due(each) > due(row));
      body.insertBefore(row, before ?? null);
      refresh(row);
      changed(row);
    }
    offer();
    added[0]?.querySelector("a.open")?.focus();
  }

  function tell(kind, who) {
    if (kind !== "decided" || who === me) return;
    told.count += 1;
    told.who = who;
    told.timer ??= setTimeout(() => {
      const n = told.count;
      const who = told.who || t("Somebody");
      const one = t("%(who)s decided a comment of this list.", { who });
      announce(n === 1 ? one : tn("%(n)d comment of this list was decided by others.", "%(n)d comments of this list were decided by others.", n));
      told.count = 0;
      told.timer = null;
    }, SAY_MS / 5);
  }

  follow(form.dataset.after, { outbox, heard, look: () => { for (const row of rows()) ask(row.dataset.id); } });
}
