// Decisions on their way: kept in the browser until the service has answered, so that none is lost, whatever stops.
//
// Sending one twice is harmless: the service knows the same decision of the same moderator again, and answers the same.
// Each page sends its own. What a page left behind that is gone is sent by another page of the same moderator.

import { Refused, ask, element, t, tn, toast } from "./base.js";

const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
const LEFT_BEHIND_MS = 60_000; // without locks nobody knows whether a page is there: after this time it is taken for gone
const LOOK_MS = 30_000; // so often a page looks for what others left behind
const MOST_NOTES = 50;

/** Whether it may work a little later: no answer, too busy, or no Redis. */
function isPassing(refused) {
  return refused.status === 0 || refused.status === 429 || refused.status >= 500;
}

export class Outbox {
  /** `where`: under which name it is kept, one for each moderator and site. */
  constructor(where) {
    this.where = `steward.outbox.${where}`;
    this.notes = `steward.refused.${where}`;
    this.mine = new Map(); // key -> {entry, isKept, isBusy, isTried, resolve, reject}, of what this page sends
    this.finished = new Set(); // keys that were answered, also where storage would not let go of them
    this.failed = 0;
    this.isSending = false;
    this.isSignedOut = false;
    this.isAway = false; // nothing is heard of the service
    this.reopen = () => {}; // of whoever listens for it
    this.page = named();
    this.isNamed = hold(this.page).then((isHeld) => { if (isHeld === false) return hold(this.page = named(true)); });
    addEventListener("online", () => this.hurry());
    addEventListener("storage", ({ key }) => {
      if (key === this.notes) this.hear();
      if (key === this.where || key === null) { this.restore(); this.show(); }
    });
    addEventListener("beforeunload", (event) => { if (this.unkept) event.preventDefault(); });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.hurry(); });
    setInterval(() => this.pump(), LOOK_MS);
    this.hear();
  }

  get stored() {
    const found = read(this.where);
    return found.filter((each) => each?.key && !this.finished.has(each.key));
  }

  /** All that has no answer yet, of this page and of others. */
  get kept() {
    const stored = this.stored;
    const known = new Set(stored.map(({ key }) => key));
    return [...stored, ...[...this.mine.values()].map(({ entry }) => entry).filter(({ key }) => !known.has(key))];
  }

  /** How many decisions only this page knows. */
  get unkept() {
    return [...this.mine.values()].filter(({ isKept }) => !isKept).length;
  }

  /** Send it; the answer, as JSON. Rejects with Refused when the service says that it cannot be. */
  send(path, body) {
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    const entry = { key, path, body, at: Date.now(), page: this.page };
    const isKept = write(this.where, [...this.stored, entry]);
    const answer = new Promise((resolve, reject) => this.mine.set(key, { entry, isKept, resolve, reject }));
    answer.key = key;
    if (isKept) this.pump();
    else this.one(this.mine.get(key)); // at once, whatever waits: it lives as long as the page
    if (!isKept) this.show();
    return answer;
  }

  /** Take back what has not been sent; false: it is on its way, or there already. */
  cancel(key) {
    const held = this.mine.get(key);
    if (!held || held.isTried) return false;
    this.done(key);
    this.show();
    return true;
  }

  /** Whether the service is heard of; once it is again, what waited is sent. */
  away(isAway) {
    if (isAway === this.isAway) return;
    this.isAway = isAway;
    if (isAway) this.show();
    else this.hurry();
  }

  signedOut() {
    this.isSignedOut = true;
    this.show();
  }

  /** Try again now. */
  hurry() {
    clearTimeout(this.timer);
    this.isSignedOut = false;
    this.timer = null;
    this.pump();
  }

  async pump() {
    if (this.isSending || this.timer) return;
    this.isSending = true;
    try {
      await this.adopt();
      const next = () => [...this.mine.values()].find(({ isBusy }) => !isBusy);
      for (let held = next(); held; held = next()) {
        if (!(await this.inTurn(held))) break;
      }
    } finally {
      this.isSending = false;
      this.show();
    }
  }

  /** What an earlier page of this tab could not send, and what pages left behind that are gone. */
  async adopt() {
    const strange = () => this.stored.filter(({ key }) => !this.mine.has(key));
    if (!strange().length) return;
    await this.isNamed;
    const present = await pages();
    for (const entry of strange()) {
      const isPresent = present ? present.has(lockOf(entry.page)) : Date.now() - entry.at < LEFT_BEHIND_MS;
      if (entry.page && entry.page !== this.page && isPresent) continue;
      this.mine.set(entry.key, { entry, isKept: true, isTried: true, isAdopted: true });
    }
  }

  /** One at a time also where several pages adopted the same; whether to go on with the next one. */
  async inTurn(held) {
    if (!held.isAdopted || !navigator.locks) return this.one(held);
    const key = held.entry.key;
    const alone = async (lock) => {
      if (lock && this.stored.some((each) => each.key === key)) return this.one(held);
      this.mine.delete(key); // another page sends it, or has
      return true;
    };
    try {
      return await navigator.locks.request(`${this.where}.${key}`, { ifAvailable: true }, alone);
    } catch (error) {
      if (error instanceof DOMException) return this.one(held);
      throw error;
    }
  }

  /** Whether to go on with the next one. */
  async one(held) {
    const { entry } = held;
    held.isBusy = held.isTried = true; // from now on it may have arrived
    try {
      const answer = await ask("POST", entry.path, entry.body);
      this.done(entry.key);
      this.failed = 0;
      if (this.timer) this.hurry(); // the service answers again
      if (held.isAdopted) this.tell(entry, (answer?.results ?? []).filter((each) => each.problem));
      held.resolve?.(answer);
      return true;
    } catch (error) {
      const refused = error instanceof Refused ? error : new Refused(0);
      if (isPassing(refused)) {
        const pause = PAUSES_MS[Math.min(this.failed++, PAUSES_MS.length - 1)];
        clearTimeout(this.timer);
        this.timer = setTimeout(() => { this.timer = null; this.pump(); }, pause);
        return false;
      }
      if (refused.status === 401) {
        this.isSignedOut = true;
        return false;
      }
      this.done(entry.key);
      if (held.isAdopted) this.tell(entry, [{ id: decodeURIComponent(entry.path.split("/")[2]), problem: refused.problem }]);
      held.reject?.(refused);
      return true;
    } finally {
      held.isBusy = false;
      if (!held.isKept) this.show();
    }
  }

  done(key) {
    this.finished.add(key);
    this.mine.delete(key);
    write(this.where, this.stored);
  }

  /** Two pages that write at once can undo each other's writing: what is on its way from here is kept all the same. */
  restore() {
    const stored = this.stored;
    const known = new Set(stored.map(({ key }) => key));
    const lost = [...this.mine.values()].filter((held) => held.isKept && !known.has(held.entry.key) && !held.isAdopted);
    if (lost.length) write(this.where, [...stored, ...lost.map(({ entry }) => entry)]);
  }

  /** What was refused of a page that is gone: said here, and noted for the tab that decided, should it come back. */
  tell({ path, page }, refusals) {
    if (!refusals.length || path.endsWith("/release")) return; // a comment that was skipped has no decision to lose
    this.say(refusals);
    if (!page || page === this.page) return;
    const noted = refusals.map(({ id, problem }) => ({ page, id, problem }));
    write(this.notes, [...read(this.notes), ...noted].slice(-MOST_NOTES));
  }

  /** What other pages noted for this tab. */
  hear() {
    const notes = read(this.notes);
    const own = notes.filter(({ page }) => page === this.page);
    if (!own.length) return;
    write(this.notes, notes.filter(({ page }) => page !== this.page));
    this.say(own);
  }

  say(refusals) {
    const lines = refusals.map(({ id, problem }) => `${id}: ${refusal({ problem })}`);
    this.said = [...(this.toast?.isConnected ? this.said : []), ...lines];
    this.toast?.remove();
    const what = tn("%(n)d decision did not count.", "%(n)d decisions did not count.", this.said.length);
    this.toast = toast([what, ...this.said].join(" "));
  }

  /** What is not sent yet, at the foot of the page. */
  show() {
    const line = document.getElementById("connection");
    const unkept = this.unkept;
    const count = this.kept.length - unkept;
    const isLost = this.isAway || (count + unkept > 0 && this.failed > 0);
    line.hidden = !(this.isSignedOut || isLost || unkept);
    if (line.hidden) { line.replaceChildren(); return; }
    const said = [];
    if (this.isSignedOut) said.push(t("You are signed out."));
    else if (isLost) said.push(t("No connection to the service."));
    if (count > 0) said.push(tn("%(n)d decision is kept here until then.", "%(n)d decisions are kept here until then.", count));
    else if (isLost && !unkept && !this.isSignedOut) said.push(t("What you decide now is kept here until then."));
    if (unkept) {
      said.push(tn(
        "%(n)d decision is not sent yet, and this browser cannot keep it: leave the page open.",
        "%(n)d decisions are not sent yet, and this browser cannot keep them: leave the page open.", unkept,
      ));
    }
    const parts = [element("span", {}, said.join(" "))];
    if (this.isSignedOut) {
      const elsewhere = unkept ? { target: "_blank", rel: "noopener" } : {}; // leaving the page would lose them
      parts.push(element("a", { class: "button", href: location.href, ...elsewhere }, t("Sign in again")));
    } else if (isLost) {
      parts.push(element("button", { type: "button", onclick: () => { this.hurry(); this.reopen(); } }, t("Try now")));
    }
    line.replaceChildren(...parts);
  }
}

/** A list in storage; empty where there is none, or no storage. */
function read(where) {
  try {
    const found = JSON.parse(localStorage.getItem(where) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch { return []; }
}

/** Whether storage took it. */
function write(where, list) {
  try {
    if (list.length) localStorage.setItem(where, JSON.stringify(list));
    else localStorage.removeItem(where);
    return true;
  } catch { return false; }
}

/** The name of this tab; it keeps it when the page is loaded again. */
function named(isFresh = false) {
  const fresh = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  try {
    const known = isFresh ? null : sessionStorage.getItem("steward.page");
    if (!known) sessionStorage.setItem("steward.page", fresh);
    return known ?? fresh;
  } catch { return fresh; }
}

const lockOf = (page) => `steward.page.${page}`;

/** Hold the lock that says that this page is there. False: another page has that name, as where a tab is duplicated. */
function hold(page) {
  return new Promise((resolve) => {
    const held = (lock) => { resolve(lock !== null); return lock && new Promise(() => {}); };
    if (!navigator.locks) resolve(null);
    else navigator.locks.request(lockOf(page), { ifAvailable: true }, held).catch(() => resolve(null));
  });
}

/** The locks of pages that are there; null where the browser does not say. */
async function pages() {
  try {
    return new Set((await navigator.locks.query()).held.map(({ name }) => name));
  } catch { return null; }
}

/** What a refusal means to somebody who decided. */
export function refusal(refused) {
  const { code, current = {} } = refused.problem;
  const who = current.moderator ?? current.claimed_by;
  if (refused.status === 0) return t("No connection to the service.");
  if (refused.status === 401) return t("You are signed out.");
  if (code === "already_decided") return who ? t("%(who)s was faster: it is decided.", { who }) : t("It is decided already.");
  if (code === "revision_superseded") return t("The author changed the comment meanwhile.");
  if (code === "second_person_needed") return t("Nothing is done yet: somebody else must approve it, on the page Approvals, within 24 hours.");
  if (code === "own_decision") return t("Somebody else must judge this one: you did before.");
  if (code === "reserved") return t("It is assigned to %(who)s. To decide it, assign it to yourself.", { who: current.assigned_to });
  if (code === "already_escalated") return t("It was escalated.");
  if (code === "macro_changed") return t("The macro was changed meanwhile, so nothing was decided.");
  if (code === "lease_lost") return who ? t("%(who)s has it now.", { who }) : t("It was given to somebody else meanwhile.");
  if (code === "not_found") return t("The comment is gone.");
  if (code === "undo_window_closed") return t("That is too long ago to be taken back.");
  if (code === "not_yours") return t("The last decision about it was not yours.");
  return t("That did not work.");
}
