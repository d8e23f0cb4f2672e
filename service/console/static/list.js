// The list: rows by keys, many selected, decided at once, and the batch taken back at once.

import { Refused, announce, element, prefix, t, tn, toast } from "./base.js";
import { closeChoices, common, guard, listen, openChoice } from "./keys.js";
import { watchList } from "./live-list.js";
import { Outbox, refusal } from "./outbox.js";
import { refresh } from "./times.js";

const form = document.getElementById("list");
const chosenKeys = JSON.parse(form.dataset.keys);
const body = form.querySelector("tbody");
const bulk = document.getElementById("bulk");
const outbox = new Outbox(`${form.dataset.site}.${form.dataset.account}`);
const MOST_AT_ONCE = 200;
const done = []; // batches that can be taken back, the last one last

const rows = () => (body ? [...body.rows] : []);
const box = (row) => row.querySelector('input[name="chosen"]');
const shownRows = () => rows().filter((row) => !row.classList.contains("filtered"));
const selected = () => rows().filter((row) => box(row)?.checked);
let current = null;
let alike = null; // the last rejected comment of which copies wait

function look(row) {
  current?.classList.remove("current");
  current = row ?? null;
  if (!current) return;
  current.classList.add("current");
  const link = current.querySelector("a.open");
  link.focus({ preventScroll: true });
  current.scrollIntoView({ block: "nearest" });
}

function count() {
  if (!bulk) return;
  const n = selected().length;
  const all = document.getElementById("pick-all");
  if (all) { all.checked = n > 0 && n === shownRows().filter(isOpen).length; all.indeterminate = n > 0 && !all.checked; }
  bulk.hidden = n === 0;
  document.getElementById("chosen").textContent = n ? tn("%(n)d selected", "%(n)d selected", n) : "";
}

/** Before what nobody has read is decided: `act` only where somebody means it. */
function askFirst(n, act) {
  const question = tn(
    "%(n)d of these comments is hidden because it may be severe. Decide without reading it?",
    "%(n)d of these comments are hidden because they may be severe. Decide without reading them?", n,
  );
  const yes = element("button", { class: "no", value: "yes" }, t("Decide all the same"));
  const no = element("button", { class: "primary", value: "", autofocus: true }, t("Do not decide"));
  const answers = element("form", { method: "dialog", class: "row" }, no, yes);
  const dialog = element("dialog", { class: "help", "aria-labelledby": "unread" }, element("p", { id: "unread" }, question), answers);
  dialog.addEventListener("close", () => { dialog.remove(); if (dialog.returnValue === "yes") act(); });
  document.body.append(dialog);
  dialog.showModal();
}

/** All of `some` in one request; each is answered by itself. */
function decide(some, answer, said, isMeant = false) {
  if (!some.length) { announce(t("Nothing is selected.")); return; }
  if (some.length > MOST_AT_ONCE) { toast(t("At most %(n)s at once.", { n: MOST_AT_ONCE })); return; }
  const hidden = some.filter((row) => row.querySelector(".veiled")).length;
  if (hidden && !isMeant) { askFirst(hidden, () => decide(some.filter((row) => row.isConnected), answer, said, true)); return; }
  guard();
  closeChoices(form);
  const decisions = some.map(({ dataset: { id, lease, version } }) => ({
    id, ...answer, ...(lease ? { lease } : { version: Number(version) }),
  }));
  const all = rows();
  const next = all.slice(all.indexOf(some.at(-1)) + 1).find((row) => !some.includes(row)) ?? all.find((row) => !some.includes(row));
  const places = some.map((row) => ({ row, before: row.nextElementSibling }));
  for (const row of some) { if (box(row)) box(row).checked = false; row.remove(); }
  const batch = { rows: some, places, said };
  batch.answer = outbox.send("/queue/decisions", { decisions }).then(({ results }) => {
    if (results[0]?.copies) offer(results[0]);
    batch.versions = results.filter((each) => !each.problem).map(({ id, version }) => ({ id, version }));
    const refused = results.filter((each) => each.problem);
    if (refused.length) {
      const first = refusal({ problem: refused[0].problem });
      const all = tn("%(n)d could not be decided.", "%(n)d could not be decided.", refused.length);
      toast(refused.length === 1 ? first : `${all} ${first}`);
    }
  });
  batch.answer.catch((refused) => { // the whole of it: nothing was decided
    if (done.includes(batch)) done.splice(done.indexOf(batch), 1);
    batch.toast.remove();
    putBack(batch, () => true);
    toast(refusal(refused));
  });
  done.push(batch);
  look(next);
  count();
  batch.toast = toast(some.length === 1 ? said : `${said}: ${some.length}`, some.length === 1 ? t("Take back") : t("Take all back"), () => undo(batch));
}

/** Copies of what was rejected can be decided together. */
function offer({ id, copies }) {
  alike = id;
  const key = chosenKeys.copies ? ` (${chosenKeys.copies})` : "";
  toast(tn("%(n)d comment like it waits.", "%(n)d comments like it wait.", copies), t("Look at them") + key, lookAtCopies);
}

function lookAtCopies() {
  if (alike === null) { announce(t("Nothing like the last comment waits.")); return; }
  location.assign(`${prefix}/queue/${encodeURIComponent(alike)}/copies`);
}

/** The rows of a batch for which `isBack(row)`, where they were. */
function putBack(batch, isBack) {
  for (const { row, before } of batch.places.reverse()) {
    if (isBack(row)) body.insertBefore(row, before?.isConnected ? before : null);
  }
}

async function undo(batch = done.at(-1)) {
  const place = done.indexOf(batch);
  if (place < 0) { announce(t("There is nothing to take back.")); return; }
  done.splice(place, 1);
  batch.toast.remove();
  try {
    await batch.answer;
    if (!batch.versions.length) return;
    const { results } = await outbox.send("/queue/undo", { decisions: batch.versions });
    const back = new Map(results.filter((each) => !each.problem).map((each) => [each.id, each]));
    putBack(batch, (row) => {
      const each = back.get(row.dataset.id);
      if (!each) return false;
      row.dataset.lease = each.lease ?? "";
      row.dataset.version = each.version;
      row.dataset.own = "true"; // back in this hand: the stream tells of it late, and as of any other
      if (box(row)) box(row).value = `${each.version} ${each.lease ?? ""} ${each.id}`;
      return true;
    });
    toast(t("Taken back: %(n)s of %(all)s", { n: back.size, all: results.length }));
    look(batch.rows.find((row) => row.isConnected));
    count();
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    toast(refusal(refused));
  }
}

form.addEventListener("change", count);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button?.name === "reject") decide(acting(), { decision: "reject", reason: button.value }, t("Rejected"));
  else if (button?.value === "approve") decide(selected(), { decision: "approve" }, t("Approved"));
});

let alone = null; // the row that `r` was pressed on
const acting = () => (alone ? [alone] : selected());

function rejecting(row) {
  if (!bulk) return;
  alone = row;
  bulk.hidden = false;
  if (openChoice(bulk, "reject")) announce(t("Choose a reason: 1 to 9, or 0 for none."));
  else count();
}

let picked = null; // the row that was selected last, where a range begins

/** Select a row, or with `isRange` all rows from the one that was selected last. */
function pick(row, isOn, isRange = false) {
  if (!isOpen(row)) return;
  const all = shownRows();
  const [from, to] = [all.indexOf(isRange && picked?.isConnected ? picked : row), all.indexOf(row)].sort((a, b) => a - b);
  for (const each of all.slice(Math.max(0, from), to + 1)) if (isOpen(each)) box(each).checked = isOn;
  picked = row;
  count();
}

body?.addEventListener("click", (event) => {
  const row = event.target.closest('input[name="chosen"]')?.closest("tr");
  if (!row) return;
  if (event.shiftKey) pick(row, box(row).checked, true);
  else picked = row;
});
const pickAll = document.getElementById("pick-all");
pickAll?.addEventListener("change", () => {
  for (const row of shownRows()) if (isOpen(row)) box(row).checked = pickAll.checked;
  count();
});

const ORDERS = {
  due: (row) => Date.parse(row.querySelector("time[data-due]")?.dateTime ?? "") || Infinity,
  newest: (row) => -Date.parse(row.querySelector("time[data-ago]")?.dateTime ?? ""),
  oldest: (row) => Date.parse(row.querySelector("time[data-ago]")?.dateTime ?? ""),
  author: (row) => row.querySelector(".line .small")?.textContent.trim() ?? "",
  article: (row) => row.querySelector(".about-what")?.textContent.trim() ?? "",
};
const words = document.getElementById("rows-filter");
const order = document.getElementById("rows-order");
words?.addEventListener("input", () => {
  const wanted = words.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows()) {
    const said = row.textContent.toLocaleLowerCase();
    row.classList.toggle("filtered", !wanted.every((each) => said.includes(each)));
    if (row.classList.contains("filtered") && box(row)) box(row).checked = false; // nothing is decided out of sight
  }
  count();
});
order?.addEventListener("change", () => {
  const key = ORDERS[order.value];
  const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, document.documentElement.lang) : a - b);
  body.append(...rows().map((row) => [key(row), row]).sort(([a], [b]) => compare(a, b)).map(([, row]) => row));
});

const move = (step) => {
  const all = shownRows();
  look(all[current ? Math.min(all.length - 1, Math.max(0, all.indexOf(current) + step)) : 0]);
};
const isOpen = (row) => row && box(row) && !box(row).disabled;
const shared = common(chosenKeys);
listen(chosenKeys, {
  ...shared,
  next: () => move(1),
  previous: () => move(-1),
  select: () => {
    if (!current) move(1);
    pick(current, !box(current)?.checked);
  },
  select_range: () => {
    if (!current) move(1);
    pick(current, true, true);
  },
  open: () => { current?.querySelector("a.open").click(); },
  approve: () => { if (isOpen(current)) decide([current], { decision: "approve" }, t("Approved")); },
  reject: () => { if (isOpen(current)) rejecting(current); },
  approve_all: () => { alone = null; decide(selected(), { decision: "approve" }, t("Approved")); },
  reject_all: () => { if (selected().length) rejecting(null); else announce(t("Nothing is selected.")); },
  copies: lookAtCopies,
  undo: () => { undo(); },
  escape: () => { const closed = bulk && closeChoices(bulk); alone = null; count(); return Boolean(closed); },
  digit: (event) => {
    if (shared.wentTo(event.key)) return true;
    const button = bulk?.querySelector(`details.choice[open] [data-digit="${event.key}"]`);
    if (!button) return false;
    button.form.requestSubmit(button);
    return true;
  },
});
bulk?.querySelector("details.choice summary").addEventListener("click", () => { alone = null; });
body?.addEventListener("focusin", (event) => {
  const row = event.target.closest("tr");
  if (row && row !== current) { current?.classList.remove("current"); current = row; row.classList.add("current"); }
});
refresh();
count();
outbox.hurry();
watchList(form, outbox, (row) => {
  if (row === current && !row.isConnected) current = null;
  count();
});
