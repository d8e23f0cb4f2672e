// Times that go on while a page is open: how long ago, and until when.

import { t } from "./base.js";

const language = document.documentElement.lang;
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** "12 minutes" */
export function span(seconds) {
  const [unit, length] = UNITS.find(([, each]) => seconds >= each * 1.2) ?? UNITS[2];
  const n = Math.max(0, Math.round(seconds / length));
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(n);
}

export function refresh(root = document) {
  const now = Date.now();
  for (const each of root.querySelectorAll("time[data-ago]")) {
    const seconds = (now - Date.parse(each.dateTime)) / 1000;
    each.textContent = seconds < 60 ? t("just now") : t("%(time)s ago", { time: span(seconds) });
  }
  for (const each of root.querySelectorAll("time[data-due]")) {
    const left = (Date.parse(each.dateTime) - now) / 1000;
    each.classList.toggle("late", left < 0);
    each.textContent = left < 0 ? t("%(time)s overdue", { time: span(-left) }) : t("due in %(time)s", { time: span(left) });
  }
}

setInterval(refresh, 30_000);
