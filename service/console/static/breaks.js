// For the person: a reminder to take a break, and how much that was hard to read has been seen. It is told to nobody.

import { t, tn, toast } from "./base.js";

const REST_MS = 5 * 60_000;
const SNOOZE_MS = 10 * 60_000;

/** `minutes` of work until the reminder; 0: none. */
export function watchBreaks(name, minutes) {
  const key = `steward.work.${name}`;
  const read = () => { try { return JSON.parse(sessionStorage.getItem(key)) ?? {}; } catch { return {}; } };
  const write = (value) => { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* then not */ } };
  return {
    seen(card) {
      const now = Date.now();
      let { since = now, last = now, hard = 0, read: count = 0 } = read();
      if (now - last > REST_MS) { since = now; hard = 0; count = 0; }
      count += 1;
      if (card.querySelector("details.veil")) hard += 1;
      if (minutes && now - since >= minutes * 60_000) {
        const said = [t("Time for a break?"), tn("%(n)d comment read since the last one.", "%(n)d comments read since the last one.", count)];
        if (hard) said.push(tn("%(n)d of them may have been severe.", "%(n)d of them may have been severe.", hard));
        toast(said.join(" "), t("In 10 minutes"), () => write({ ...read(), since: Date.now() - minutes * 60_000 + SNOOZE_MS }), "break");
        since = now;
        hard = 0;
        count = 0;
      }
      write({ since, last: now, hard, read: count });
    },
  };
}
