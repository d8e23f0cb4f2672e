// Decisions on their way: kept in the browser until the service has answered, so that none is lost, whatever stops.
//
// Sending one twice is harmless: the service knows the same decision of the same moderator again, and answers the same.

import { Refused, ask, element, t, tn } from "./base.js";

const PAUSES_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

/** Whether it may work a little later: no answer, too busy, or no Redis. */
function isPassing(refused) {
  return refused.status === 0 || refused.status === 429 || refused.status >= 500;
}

export class Outbox {
  /** `where`: under which name it is kept, one for each moderator and site. */
  constructor(where) {
    this.where = `steward.outbox.${where}`;
    this.waiting = new Map(); // key -> {resolve, reject}, of those that this page has sent
    this.failed = 0;
    this.isSending = false;
    this.isSignedOut = false;
    this.isAway = false; // nothing is heard of the service
    this.reopen = () => {}; // of whoever listens for it
    this.sending = null;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.hurry(); });
  }

  get kept() {
    try { return JSON.parse(localStorage.getItem(this.where) ?? "[]"); } catch { return []; }
  }

  keep(entries) {
    try {
      if (entries.length) localStorage.setItem(this.where, JSON.stringify(entries));
      else localStorage.removeItem(this.where);
    } catch { this.unkept = entries; } // without storage a decision lives as long as the page
  }

  /** Send it; the answer, as JSON. Rejects with Refused when the service says that it cannot be. */
  send(path, body) {
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    this.keep([...this.kept, { key, path, body, at: Date.now() }]);
    const answer = new Promise((resolve, reject) => this.waiting.set(key, { resolve, reject }));
    answer.key = key;
    this.pump();
    return answer;
  }

  /** Take back what has not been sent; false: it is on its way, or there already. */
  cancel(key) {
    const entries = this.kept;
    if (this.sending === key || !entries.some((each) => each.key === key) || this.tried === key) return false;
    this.keep(entries.filter((each) => each.key !== key));
    this.waiting.delete(key);
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
      for (let next = this.kept[0]; next; next = this.kept[0]) {
        this.sending = next.key;
        if (!(await this.one(next))) break;
      }
    } finally {
      this.isSending = false;
      this.sending = null;
      this.show();
    }
  }

  /** Whether to go on with the next one. */
  async one(entry) {
    const told = this.waiting.get(entry.key);
    try {
      const answer = await ask("POST", entry.path, entry.body);
      this.done(entry.key);
      this.failed = 0;
      told?.resolve(answer);
      return true;
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      this.tried = entry.key; // it may have arrived all the same
      if (isPassing(refused)) {
        const pause = PAUSES_MS[Math.min(this.failed++, PAUSES_MS.length - 1)];
        this.timer = setTimeout(() => { this.timer = null; this.pump(); }, pause);
        return false;
      }
      if (refused.status === 401) {
        this.isSignedOut = true;
        return false;
      }
      this.done(entry.key);
      told?.reject(refused);
      return true;
    }
  }

  done(key) {
    this.keep(this.kept.filter((each) => each.key !== key));
    this.waiting.delete(key);
  }

  /** What is not sent yet, at the foot of the page. */
  show() {
    const line = document.getElementById("connection");
    const count = this.kept.length;
    const isTroubled = this.isSignedOut || this.isAway || (count > 0 && this.failed > 0);
    line.hidden = !isTroubled;
    if (!isTroubled) { line.replaceChildren(); return; }
    const kept = count > 0
      ? tn("%(n)d decision is kept here until then.", "%(n)d decisions are kept here until then.", count)
      : this.isSignedOut ? "" : t("What you decide now is kept here until then.");
    if (this.isSignedOut) {
      const link = element("a", { class: "button", href: location.href }, t("Sign in again"));
      line.replaceChildren(element("span", {}, t("You are signed out."), " ", kept), link);
    } else {
      const button = element("button", { type: "button", onclick: () => { this.hurry(); this.reopen(); } }, t("Try now"));
      line.replaceChildren(element("span", {}, t("No connection to the service."), " ", kept), button);
    }
  }
}

/** What a refusal means to somebody who decided. */
export function refusal(refused) {
  const { code, current = {} } = refused.problem;
  const who = current.moderator ?? current.claimed_by;
  if (code === "already_decided") return who ? t("%(who)s was faster: it is decided.", { who }) : t("It is decided already.");
  if (code === "revision_superseded") return t("The author changed the comment meanwhile.");
  if (code === "own_decision") return t("Somebody else must judge this one: you did before.");
  if (code === "already_escalated") return t("It was passed on.");
  if (code === "lease_lost") return who ? t("%(who)s has it now.", { who }) : t("It was given to somebody else meanwhile.");
  if (code === "not_found") return t("The comment is gone.");
  if (code === "undo_window_closed") return t("That is too long ago to be taken back.");
  if (code === "not_yours") return t("The last decision about it was not yours.");
  return t("That did not work.");
}
