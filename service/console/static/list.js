// The list: rows by keys, many selected, decided at once, and the batch taken back at once.

import { named, offerPeople, said as saidOf, whatIs } from "./assign.js";
import { Refused, announce, ask, element, prefix, t, tn, toast } from "./base.js";
import { chooseMacro, closeChoices, common, guard, listen, macroOf, openChoice } from "./keys.js";
import { watchList } from "./live-list.js";
import { Outbox, refusal } from "./outbox.js";
import { watchRows } from "./rows.js";
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
  const button = event.submitter;
  if (button?.name === "holder") return; // the page is loaded anew
  event.preventDefault();
  if (button?.name === "assign") assign(button);
  else if (button?.name === "macro") decide(asked(button), ...macroOf(button));
  else if (button?.name === "reject") decide(asked(button), { decision: "reject", reason: button.value }, t("Rejected"));
  else if (button?.value === "approve") decide(selected(), { decision: "approve" }, t("Approved"));
});

/** What a button means: in a menu that a key opened for one row that row, else all that are selected. */
function asked(button) {
  const some = button.closest(".options") ? acting() : selected();
  alone = null;
  return some;
}

/** All that are selected, to one person; the rows change as the service tells. */
async function assign(button) {
  const to = named(form, button);
  if (to === null) { form.elements.to.focus(); return; }
  if (!selected().length) { announce(t("Nothing is selected.")); return; }
  try {
    const { results } = await ask("POST", "/queue/assign", { ids: selected().map(({ dataset: { id } }) => id), to });
    const refused = results.filter((each) => each.problem);
    for (const row of selected()) box(row).checked = false;
    closeChoices(form);
    count();
    toast(refused.length ? `${saidOf(to)}: ${results.length - refused.length} / ${results.length}. ${whatIs(refused[0])}` : saidOf(to));
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    toast(whatIs(refused));
  }
}

form.querySelector('input[name="to"]')?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); assign(null); }
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

/** A macro is for what is selected, else for the row that is looked at. */
function applying() {
  if (!bulk || !(selected().length || isOpen(current))) { announce(t("Nothing is selected.")); return; }
  alone = selected().length ? null : current;
  bulk.hidden = false;
  chooseMacro(bulk);
  if (!bulk.querySelector("details.choice[open]")) count();
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
  macro: applying,
  assign: () => {
    if (!selected().length && isOpen(current)) pick(current, true);
    if (!selected().length) announce(t("Nothing is selected."));
    else { alone = null; openChoice(bulk, "assign"); }
  },
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
bulk?.addEventListener("click", (event) => { if (event.target.closest("summary")) alone = null; });
body?.addEventListener("focusin", (event) => {
  const row = event.target.closest("tr");
  if (row && row !== current) { current?.classList.remove("current"); current = row; row.classList.add("current"); }
});
refresh();
watchRows(body, box, count);
count();
outbox.hurry();
offerPeople(form);
watchList(form, outbox, (row) => {
  if (row === current && !row.isConnected) current = null;
  count();
});
