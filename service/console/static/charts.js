// Charts drawn from the tables behind them, with uPlot; without this script the tables are there all the same.
import { t } from "./base.js";

const language = document.documentElement.lang;
const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const count = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const COLOURS = ["--accent", "--warn", "--bad"];
const DASHES = [[], [8, 4], [2, 3]];
const HEIGHT = 210;
const drawn = [];

/** The columns of a table: instants (Unix s) and, for each series, its values; oldest first, as the plot wants them. */
function columns(table) {
  const rows = [...table.tBodies[0].rows].reverse();
  const times = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const values = names.map((_, place) =>
    rows.map((row) => { const said = row.cells[place + 1].dataset.value; return said === "" ? null : Number(said); }));
  return { times, names, values };
}

function options({ names }, kind, width) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const written = (value) => (value == null ? "–" : kind === "share" ? percent.format(value) : count.format(value));
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  return {
    width, height: HEIGHT, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
    scales: { y: { range: kind === "share" ? [0, 1] : (_, __, most) => [0, Math.max(most * 1.1, kind === "count" ? 1 : 0.1)] } },
    axes: [
      { ...axis, space: 72, values: (_, ticks) => ticks.map((at) => short(at, ticks)) },
      { ...axis, size: 56, values: (_, ticks) => once(ticks.map((tick) => (Number.isInteger(tick) || kind !== "count" ? written(tick) : ""))) },
    ],
    series: [
      { label: t("Time"), value: (_, at) => (at == null ? "" : counted(date.format(at * 1000))) },
      ...names.map((label, place) => ({
        label, stroke: colour(COLOURS[place]), dash: DASHES[place], width: 2, value: (_, value) => written(value),
        points: { size: 5, fill: colour("--surface") },
      })),
    ],
  };
}

/** Ticks that read alike after rounding are written once. */
const once = (said) => said.map((each, place) => (said.indexOf(each) === place ? each : ""));

/** French counts the first of a month ("1er déc."), which no browser writes. */
const counted = (day) => (language === "fr" ? day.replace(/^1(?=\s)/, "1er") : day);

/** The hour where the ticks lie within days, else the day. */
function short(at, ticks) {
  const isHours = ticks.length > 1 && ticks[1] - ticks[0] < 86_400;
  const isMidnight = at % 86_400 === 0;
  const how = isHours && !isMidnight ? { hour: "2-digit", minute: "2-digit" } : { day: "numeric", month: "short" };
  return counted(new Intl.DateTimeFormat(language, { ...how, timeZone: "UTC" }).format(at * 1000));
}

function draw(panel) {
  const place = panel.querySelector(".chart");
  const table = panel.querySelector("table");
  if (!place || !table) return;
  const found = columns(table);
  place.replaceChildren();
  place.classList.add("drawn");
  const plot = new uPlot(options(found, panel.dataset.chart, place.clientWidth), [found.times, ...found.values], place);
  drawn.push({ plot, place });
}

function drawAll() {
  drawn.splice(0).forEach(({ plot }) => plot.destroy());
  document.querySelectorAll("[data-chart]").forEach(draw);
}

drawAll();
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let timer;
addEventListener("resize", () => {
  clearTimeout(timer);
  timer = setTimeout(() => drawn.forEach(({ plot, place }) => plot.setSize({ width: place.clientWidth, height: HEIGHT })), 150);
});
