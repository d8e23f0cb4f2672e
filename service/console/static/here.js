// Who else has a page of the queue open: in the bar at the top, and above a comment that somebody else looks at, too.

import { element, t, tn } from "./base.js";

const language = document.documentElement.lang;
const MOST_NAMES = 2; // in the bar; its menu has them all

/** `people`: everybody else, {who, comment}, one for each comment that somebody has on a page of its own. */
export function showHere(people) {
  const menu = document.querySelector("[data-here]");
  if (!menu) return;
  const names = [...new Set(people.map(({ who }) => who))];
  const n = names.length;
  const more = n > MOST_NAMES ? ` +${n - MOST_NAMES}` : "";
  menu.hidden = n === 0;
  menu.querySelector(".here-names").textContent = names.slice(0, MOST_NAMES).join(", ") + more;
  menu.querySelector(".here-count").textContent = n.toLocaleString(language);
  menu.querySelector("[data-here-said]").textContent = tn("%(n)d other here now", "%(n)d others here now", n);
  menu.querySelector("ul").replaceChildren(...names.map((name) => element("li", {}, element("bdi", {}, name))));
}

/** Above the card of a comment: who else has it on a page. */
export function showLookers(line, people, id) {
  const names = people.filter(({ comment }) => comment === id).map(({ who }) => who);
  line.hidden = names.length === 0;
  line.textContent = names.length ? t("Also looking at this comment: %(who)s", { who: new Intl.ListFormat(language).format(names) }) : "";
}
