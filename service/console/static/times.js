// Times that go on while a page is open: how long ago, and until when.

import { t } from "./base.js";

const language = document.documentElement.lang;
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

const relative = new Intl.RelativeTimeFormat(language, { numeric: "always" });

/** "in 12 minutes", or "12 minutes ago" where `seconds` is negative: in the case that the language asks for. */
export function when(seconds) {
  const size = Math.abs(seconds);
  const [unit, length] = UNITS.find(([, each]) => size >= each * 1.2) ?? UNITS[2];
  return relative.format(Math.sign(seconds || 1) * Math.max(1, Math.round(size / length)), unit);
}

export function refresh(root = document) {
  const now = Date.now();
  for (const each of root.querySelectorAll("time[data-ago]")) {
    const seconds = (now - Date.parse(each.dateTime)) / 1000;
    each.textContent = seconds < 60 ? t("just now") : when(-seconds);
  }
  for (const each of root.querySelectorAll("time[data-due]")) {
    const left = (Date.parse(each.dateTime) - now) / 1000;
    each.classList.toggle("late", left < 0);
    each.textContent = left < 0 ? t("was due %(when)s", { when: when(left) }) : t("due %(when)s", { when: when(left) });
  }
}

setInterval(refresh, 30_000);
