// One comment after the other: the next ones are already here, each key is one decision, and every decision can be undone.

import { Refused, announce, ask, fragment, prefix, t, tn, toast } from "./base.js";
import { chooseMacro, closeChoices, common, guard, listen, macroOf, openChoice, showKey, unveil } from "./keys.js";
import { follow } from "./live.js";
import { watchAssignments } from "./assign.js";
import { watchNotes } from "./notes.js";
import { Outbox, refusal } from "./outbox.js";
import { openPlace, watchPlaces } from "./place.js";
import { toggleThread, watchThreads } from "./thread.js";
import { refresh, when } from "./times.js";
import { watchBreaks } from "./breaks.js";

const desk = document.getElementById("desk");
const list = document.getElementById("cards");
const chosen = JSON.parse(desk.dataset.keys);
const where = JSON.parse(desk.dataset.where);
const isPart = where.queue !== "waiting" || ["attribute", "article", "section", "why", "mine"].some((each) => where[each]);
const ahead = Number(desk.dataset.ahead);
const name = `${desk.dataset.site}.${desk.dataset.account}`;
const outbox = new Outbox(name);
const breaks = watchBreaks(name, Number(desk.dataset.break));
const EXTEND_MS = 30_000;
const WAIT_S = 25;

let current = null; // the card that is looked at
let fetching = null;
let stats = null;
const gone = new Set(); // leases that were used here; the service may not know it yet, or have answered before it did
const pending = new Set(); // ids of those, until the service has answered
const done = []; // what can be undone, the last one last: {card, id, answer, version}

const cards = () => [...list.children];

function look(card, isMoved = true) {
  current = card ?? null;
  for (const each of cards()) each.hidden = each !== current;
  const empty = document.getElementById("empty");
  empty.hidden = current !== null;
  if (!current) { showEmpty(); return; }
  refresh(current);
  if (isMoved) {
    current.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }
  breaks.seen(current);
}

function showEmpty() {
  document.querySelector("#empty .unscripted")?.remove();
  document.getElementById("fetching").hidden = !fetching || stats !== null;
  document.getElementById("nothing").hidden = stats === null;
  const why = document.getElementById("nothing-why");
  if (!stats) return;
  document.getElementById("nothing-title").textContent = outbox.isAway ? t("No connection to the service.") : t("All done for now.");
  document.getElementById("nothing-new").hidden = outbox.isAway;
  if (outbox.isAway) { why.textContent = t("The next comments come when the connection is back."); return; }
  if (isPart) { why.textContent = t("Nothing more waits for you in this queue with this filter."); return; } // the counts are the site's
  const said = [];
  if (stats.queued > 0) said.push(tn("%(n)d comment waits that you may not judge, skipped, or filtered out.", "%(n)d comments wait that you may not judge, skipped, or filtered out.", stats.queued));
  if (stats.leased > 0) {
    said.push(tn("%(n)d is held by somebody.", "%(n)d are held by somebody.", stats.leased));
    if (stats.frees_ms >= 0) said.push(t("The next one may come back %(when)s.", { when: when(stats.frees_ms / 1000) }));
  }
  why.textContent = said.join(" ");
}

function adopt(body) {
  const fresh = [...body.querySelectorAll("article.card")].filter((each) => !gone.has(each.dataset.lease));
  for (const card of fresh) {
    const known = byId(card.dataset.id);
    if (known) { known.dataset.lease = card.dataset.lease; continue; }
    card.hidden = true;
    for (const place of card.querySelectorAll("[data-key]")) showKey(place, chosen);
    list.append(card);
  }
  const said = body.querySelector("[data-stats]");
  if (said) {
    stats = JSON.parse(said.dataset.stats);
    for (const each of document.querySelectorAll("[data-count]")) each.textContent = stats[each.dataset.count].toLocaleString(document.documentElement.lang);
  }
  return fresh.length;
}

const byId = (id) => cards().find((each) => each.dataset.id === id);

/** Ask for the next comments while there are few; wait for some while there are none. */
async function refill() {
  if (fetching || document.hidden || cards().length > ahead / 2) return;
  const fields = new URLSearchParams({ ...where, fragment: "1", count: String(ahead), wait: cards().length || stats === null ? "0" : String(WAIT_S) });
  for (const each of cards()) fields.append("known", each.dataset.id);
  for (const id of pending) fields.append("known", id);
  fetching = fragment("/queue/claim", fields, (WAIT_S + 15) * 1000);
  if (!current) showEmpty();
  try {
    adopt(await fetching);
    outbox.away(false);
    retry = 0;
  } catch (refused) {
    fetching = null;
    if (!(refused instanceof Refused)) throw refused;
    if (refused.status === 401 || refused.status === 403) { await signedOut(); return; }
    if (refused.status === 0) outbox.away(true);
    if (!current) showEmpty();
    setTimeout(refill, Math.min(15_000, 500 * 2 ** retry++));
    return;
  }
  fetching = null;
  if (!current) look(cards()[0]);
  if (!cards().length) setTimeout(refill, 200);
}
let retry = 0;
let offered = null; // the last rejection of which copies wait

async function signedOut() {
  const isBack = await ask("GET", "/session").then((found) => { document.body.dataset.token = found.token; return true; }, () => false);
  if (isBack) setTimeout(refill, 1_000);
  else if (!outbox.kept.length) location.reload();
}

function neighbour(card, step) {
  const all = cards();
  return all[all.indexOf(card) + step] ?? null;
}

/** The card leaves at once, the next one is there; the service hears of it meanwhile. */
function settle(card, path, body, said) {
  guard();
  const entry = { card, id: card.dataset.id, said, next: card.nextSibling };
  const following = neighbour(card, 1) ?? neighbour(card, -1);
  closeChoices(card);
  gone.add(card.dataset.lease);
  pending.add(entry.id);
  card.remove();
  entry.answer = outbox.send(path, body);
  entry.answer.then((answer) => { entry.version = answer.version; remember(); pending.delete(entry.id); }, (refused) => {
    pending.delete(entry.id);
    if (done.includes(entry)) done.splice(done.indexOf(entry), 1);
    entry.toast?.remove();
    toast(refusal(refused));
    refill();
  });
  look(following);
  refill();
  return entry;
}

function decide(card, body, said) {
  const entry = settle(card, `/queue/${encodeURIComponent(card.dataset.id)}/decision`, { ...body, lease: card.dataset.lease }, said);
  done.at(-1)?.toast?.remove(); // `u` still knows all of them
  done.push(entry);
  entry.toast = toast(said, t("Take back"), () => undo(entry));
  entry.answer.then(({ copies }) => { if (copies && done.includes(entry)) offer(entry, copies); }, () => {});
}

/** Copies of what was rejected can be decided together. */
function offer(entry, copies) {
  offered?.offer.remove();
  offered = entry;
  const said = tn("%(n)d comment like it waits.", "%(n)d comments like it wait.", copies);
  const key = chosen.copies ? ` (${chosen.copies})` : "";
  entry.offer = toast(said, t("Look at them") + key, lookAtCopies);
}

function lookAtCopies() {
  if (!offered) { announce(t("Nothing like the last comment waits.")); return; }
  location.assign(`${prefix}/queue/${encodeURIComponent(offered.id)}/copies`);
}

/** If it was given to somebody else, the next one is shown. */
function assigned(card, isHeld) {
  if (!card.isConnected) return; // decided meanwhile
  if (isHeld || !card.dataset.lease) {
    if (card === current) card.focus({ preventScroll: true });
    return;
  }
  letGo(card);
}

/** Somebody else may have it now. */
function letGo(card) {
  const isCurrent = card === current;
  const following = neighbour(card, 1) ?? neighbour(card, -1);
  gone.add(card.dataset.lease);
  card.remove();
  if (isCurrent) look(following);
  refill();
}

function skip(card) {
  settle(card, `/queue/${encodeURIComponent(card.dataset.id)}/release`, { id: card.dataset.id, lease: card.dataset.lease });
  toast(t("Skipped"));
}

async function undo(entry = done.at(-1)) {
  if (!entry) { announce(t("There is nothing to take back.")); return; }
  const place = done.indexOf(entry);
  if (place < 0) return;
  done.splice(place, 1);
  entry.toast?.remove();
  entry.offer?.remove();
  if (entry === offered) offered = null;
  if (entry.answer && outbox.cancel(entry.answer.key)) { restore(entry, entry.card?.dataset.lease); return; }
  try {
    await entry.answer;
    const back = await outbox.send(`/queue/${encodeURIComponent(entry.id)}/undo`, { id: entry.id, version: entry.version });
    remember();
    restore(entry, back.lease, back.version);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    toast(refusal(refused));
  }
}

/** First in view again. */
function restore(entry, lease, version) {
  pending.delete(entry.id);
  gone.delete(lease);
  toast(entry.said ? t("Taken back; it was: %(decision)s", { decision: entry.said }) : t("Taken back"));
  if (!entry.card) { location.reload(); return; } // of before this page was loaded: the service has it
  if (lease) entry.card.dataset.lease = lease;
  if (version) entry.card.dataset.version = version;
  const field = entry.card.querySelector('input[name="lease"]');
  if (field && lease) field.value = lease;
  list.prepend(entry.card);
  look(entry.card);
}

/** So that `u` still works after the page was loaded again. */
function remember() {
  const kept = done.filter((each) => each.version).slice(-20).map(({ id, version }) => ({ id, version }));
  try { sessionStorage.setItem(`steward.done.${name}`, JSON.stringify(kept)); } catch { /* then not */ }
}

function recall() {
  try {
    for (const each of JSON.parse(sessionStorage.getItem(`steward.done.${name}`) ?? "[]")) done.push(each);
  } catch { /* nothing kept that we can read */ }
}

async function extend() {
  const items = cards().map(({ dataset }) => ({ id: dataset.id, lease: dataset.lease }));
  if (document.hidden || !items.length) return;
  const found = await ask("POST", "/queue/extend", { items }).catch(() => null);
  for (const each of found?.results ?? []) {
    const card = each.problem && byId(each.id);
    if (!card || each.problem.code === "lease_too_old") continue;
    const isCurrent = card === current;
    const following = neighbour(card, 1);
    card.remove();
    if (isCurrent) { toast(refusal({ problem: each.problem })); look(following ?? cards()[0]); }
  }
  refill();
}

list.addEventListener("submit", (event) => {
  const card = event.target.closest("article.card");
  const button = event.submitter;
  event.preventDefault();
  if (!card || !button) return;
  if (button.name === "skip") skip(card);
  else if ((["reject", "macro"].includes(button.name) || button.value === "approve") && unveil(card)) closeChoices(card);
  else if (button.name === "macro") decide(card, ...macroOf(button));
  else if (button.name === "reject") decide(card, { decision: "reject", reason: button.value }, t("Rejected"));
  else if (button.value === "approve") decide(card, { decision: "approve" }, t("Approved"));
  else decide(card, { decision: "escalate", note: event.target.elements.note.value.trim() }, t("Escalated"));
});

// A choice that is open belongs to its card: one that is left with Escape gives the focus back.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && current && closeChoices(current)) { current.focus(); event.stopPropagation(); }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest?.("form[data-deeds]");
    if (form && event.target.name === "note") form.requestSubmit(form.querySelector('[data-do="escalate"]'));
  }
});

const press = (name) => () => {
  const button = current?.querySelector(`[data-do="${name}"]`);
  if (button) button.form.requestSubmit(button);
};
const shared = common(chosen);
listen(chosen, {
  ...shared,
  next: () => { if (current) look(neighbour(current, 1) ?? current); },
  previous: () => { if (current) look(neighbour(current, -1) ?? current); },
  approve: press("approve"),
  skip: press("skip"),
  reject: () => {
    if (!current || unveil(current)) return;
    const opened = openChoice(current, "reject");
    if (opened) announce(t("Choose a reason: 1 to 9, or 0 for none."));
  },
  escalate: () => { if (current) openChoice(current, "escalate"); },
  macro: () => { if (current && !unveil(current)) chooseMacro(current); },
  note: () => { if (current) openChoice(current, "note"); },
  assign: () => { if (current) openChoice(current, "assign"); },
  article: () => openPlace(current),
  thread: () => toggleThread(current),
  copies: lookAtCopies,
  undo: () => { undo(); },
  reveal: () => {
    const veil = current?.querySelector("details.veil");
    if (veil) veil.open = !veil.open;
  },
  digit: (event) => {
    if (shared.wentTo(event.key)) return true;
    const button = current?.querySelector(`details.choice[open] [data-digit="${event.key}"]`);
    if (!button) return false;
    button.form.requestSubmit(button);
    return true;
  },
});

watchPlaces(list);
watchNotes(list);
watchThreads(list);
watchAssignments(list, assigned);
recall();
document.addEventListener("visibilitychange", () => { if (!document.hidden) { extend(); refill(); } });
setInterval(extend, EXTEND_MS);
look(cards()[0], false);
// What an earlier page could not send goes first: the service may still believe that it is held.
for (const { body, path } of outbox.kept) {
  if (!body.lease) continue;
  gone.add(body.lease);
  byId(decodeURIComponent(path.split("/")[2]))?.remove();
}
if (!current?.isConnected) look(cards()[0], false);
outbox.hurry();
refill();
let asking = null;
follow(desk.dataset.after, {
  outbox,
  // Somebody else did something with a comment that lies here: the service says whether it is still ours.
  heard: (kind, { id, who, to }) => {
    const card = byId(id);
    if (!card || who === desk.dataset.account) return;
    if (kind === "freed" && to === desk.dataset.account) { letGo(card); return; }
    clearTimeout(asking);
    asking = setTimeout(extend, 100);
  },
  counts: (now) => { if (stats) stats = { ...stats, ...now }; if (!current) showEmpty(); },
  look: extend,
});
