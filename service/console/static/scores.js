// The axis: a range drawn with the pointer, two handles or numbers, and the comments that lie in it.

import { Refused, announce, fragment, t } from "./base.js";
import { refresh } from "./times.js";

const LEFT = 20, RIGHT = 980, WIDTH = 1000; // as the service draws it
const STEP = 100;
const PAUSE_MS = 250;
const SETTLE_MS = 800;

const axis = document.getElementById("axis");
const from = document.getElementById("from");
const to = document.getElementById("to");
const rect = document.getElementById("range");
const select = document.getElementById("select");
const form = document.getElementById("list");
const body = form.querySelector("tbody");
let timer = null;
let asked = 0;

const rounded = (value) => Math.round(value * STEP) / STEP;

function draw() {
  const [low, high] = [Number(from.value), Number(to.value)];
  rect.setAttribute("x", LEFT + low * (RIGHT - LEFT));
  rect.setAttribute("width", (high - low) * (RIGHT - LEFT));
  select.elements.low.value = low;
  select.elements.high.value = high;
  for (const each of [from, to]) each.setAttribute("aria-valuetext", Number(each.value).toLocaleString(document.documentElement.lang, { minimumFractionDigits: 2 }));
}

function choose(low, high) {
  from.value = Math.min(low, high);
  to.value = Math.max(low, high);
  draw();
}

const soon = () => { clearTimeout(timer); timer = setTimeout(show, PAUSE_MS); };
const query = () => new URLSearchParams([...new FormData(select)].filter(([, value]) => value !== ""));

/** The comments of the range; what is selected is what was selected when somebody looked at it. */
async function show() {
  clearTimeout(timer);
  const mine = ++asked;
  const path = `/scores?${query()}`;
  const page = await load(path);
  if (!page || mine !== asked) return;
  isOurs = true;
  body.replaceChildren(...page.querySelectorAll("#list tbody tr"));
  isOurs = false;
  watching.takeRecords();
  for (const name of ["in_low", "in_high"]) {
    form.querySelector(`input[name="${name}"]`)?.remove();
    const kept = page.querySelector(`#list input[name="${name}"]`);
    if (kept) form.prepend(kept);
  }
  say(page);
  refresh(body);
  form.dispatchEvent(new Event("change"));
  announce(document.getElementById("found").textContent.trim());
  history.replaceState(null, "", location.pathname + path.slice("/scores".length));
}
let isOurs = false;

async function load(path) {
  try {
    return await fragment(path);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    announce(t("That did not work."));
    return null;
  }
}

function say(page) {
  for (const id of ["found", "without", "all"]) {
    const [here, there] = [document.getElementById(id), page.querySelector(`#${id}`)];
    if (!here || !there) continue;
    here.textContent = there.textContent;
    if (there.href) here.href = there.getAttribute("href");
  }
}

/** Dots of what was decided go, and those of what was taken back return. */
async function redraw() {
  const page = await load(`/scores?${query()}`);
  if (!page) return;
  const fresh = page.querySelectorAll("svg.dots");
  document.querySelectorAll("svg.dots").forEach((each, place) => { if (fresh[place]) each.replaceWith(fresh[place]); });
  say(page);
}

let settling = null;
const watching = new MutationObserver(() => {
  if (isOurs) return;
  clearTimeout(settling);
  settling = setTimeout(redraw, SETTLE_MS);
});
watching.observe(body, { childList: true });

from.addEventListener("input", () => { if (Number(from.value) > Number(to.value)) from.value = to.value; draw(); });
to.addEventListener("input", () => { if (Number(to.value) < Number(from.value)) to.value = from.value; draw(); });
for (const each of [from, to]) each.addEventListener("change", soon);
for (const name of ["low", "high"]) {
  select.elements[name].addEventListener("change", () => {
    choose(Number(select.elements.low.value), Number(select.elements.high.value));
    soon();
  });
}
select.addEventListener("submit", (event) => { event.preventDefault(); show(); });

// Drawing on the dots themselves; the handles below do the same by keyboard.
axis.addEventListener("pointerdown", (event) => {
  if (event.target.closest("input") || event.button !== 0) return;
  const box = axis.getBoundingClientRect();
  const score = (x) => rounded(Math.min(1, Math.max(0, ((x - box.left) / box.width * WIDTH - LEFT) / (RIGHT - LEFT))));
  const began = score(event.clientX);
  axis.setPointerCapture(event.pointerId);
  event.preventDefault();
  choose(began, began);
  const move = (moved) => choose(began, score(moved.clientX));
  const end = () => {
    axis.removeEventListener("pointermove", move);
    axis.removeEventListener("pointerup", end);
    axis.removeEventListener("pointercancel", end);
    soon();
  };
  axis.addEventListener("pointermove", move);
  axis.addEventListener("pointerup", end);
  axis.addEventListener("pointercancel", end);
});

document.getElementById("all")?.addEventListener("click", (event) => {
  event.preventDefault();
  const boxes = [...body.querySelectorAll('input[name="chosen"]:not(:disabled)')];
  const isOn = boxes.some((each) => !each.checked);
  for (const each of boxes) each.checked = isOn;
  form.dispatchEvent(new Event("change"));
});
draw();
