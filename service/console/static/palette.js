// The palette: every page and action by its name. Loaded when it is first opened (go.js).

import { element, t } from "./base.js";

const body = document.body;
const keys = JSON.parse(body.dataset.goKeys ?? "{}");
const goKey = body.dataset.goKey ?? "g";
const macroKey = JSON.parse(document.querySelector("main [data-keys]")?.dataset.keys ?? "{}").macro || "m";

const named = (node) => node.textContent.replace(/\s+/g, " ").trim();

/** What can be reached from here: {name, hint, act}. Links that are on the page, and the forms of the menu. */
function entries() {
  const found = new Map();
  const add = (name, act, hint = "") => { if (name && !found.has(name)) found.set(name, { name, act, hint }); };
  for (const link of document.querySelectorAll(".pages a, .sheet > a")) {
    const key = Object.entries(keys).find(([, path]) => link.pathname === path)?.[0];
    add(named(link), () => link.click(), key ? `${goKey} ${key}` : "");
  }
  for (const link of document.querySelectorAll(".queues a, .views a")) {
    add(named(link).replace(/ [\d.,\s]+$/, ""), () => link.click(), link.dataset.go ? `${goKey} ${link.dataset.go}` : "");
  }
  for (const button of document.querySelectorAll("[data-switch] button, .menu form button")) {
    if (button.closest(".filter, .place-menu, .saved")) continue;
    add(button.title || named(button), () => button.form.requestSubmit(button));
  }
  for (const button of document.querySelectorAll("main .deeds button, main .queue-tools button")) {
    if (!button.closest("[hidden], .saved") && !["reject", "macro"].includes(button.name)) add(named(button), () => button.click());
  }
  for (const link of document.querySelectorAll("main .queue-tools > a")) add(link.title || named(link), () => link.click());
  for (const link of document.querySelectorAll(".saved li > a")) {
    const hint = link.dataset.go ? `${goKey} ${link.dataset.go}` : "";
    add(t("Saved filter: %(name)s", { name: named(link.querySelector("[data-name]")) }), () => link.click(), hint);
  }
  const saving = document.querySelector(".saved [data-save]");
  if (saving) add(t("Save this filter"), () => { saving.closest(".saved").open = true; saving.elements.name.focus(); });
  for (const button of document.querySelectorAll('main .deeds button[name="macro"], .bulk:not([hidden]) button[name="macro"]')) {
    const { digit } = button.dataset;
    const act = () => button.form.requestSubmit(button);
    if (!button.closest("[hidden]")) add(t("Macro: %(name)s", { name: button.value }), act, digit ? `${macroKey} ${digit}` : "");
  }
  return [...found.values()];
}

let dialog = null;

/** Show it, once. `typed`: what stands in its field; `isChosen`: Enter was pressed after it. */
export function open(typed = "", isChosen = false) {
  if (dialog?.open) return;
  const all = entries();
  const field = element("input", {
    type: "search", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
    "aria-label": t("Page or action"), placeholder: t("Page or action"), autocomplete: "off", spellcheck: "false",
  });
  const list = element("ul", { id: "palette-list", role: "listbox", "aria-label": t("Pages and actions") });
  let shown = [];
  let at = 0;
  const mark = () => {
    [...list.children].forEach((each, place) => each.setAttribute("aria-selected", String(place === at)));
    const chosen = list.children[at];
    if (chosen) { field.setAttribute("aria-activedescendant", chosen.id); chosen.scrollIntoView({ block: "nearest" }); }
    else field.removeAttribute("aria-activedescendant");
  };
  const run = (entry) => { dialog.close(); entry?.act(); };
  const look = () => {
    const words = field.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    shown = all.filter(({ name }) => words.every((word) => name.toLocaleLowerCase().includes(word)));
    at = 0;
    list.replaceChildren(...shown.map((entry, place) => element(
      "li", { id: `palette-${place}`, role: "option", onclick: () => run(entry) },
      element("span", {}, entry.name), entry.hint ? element("kbd", {}, entry.hint) : null,
    )));
    mark();
  };
  field.addEventListener("input", look);
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) { at = (at + step + shown.length) % shown.length; mark(); event.preventDefault(); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); run(shown[at]); }
  });
  dialog = element("dialog", { class: "palette", "aria-label": t("Pages and actions") }, field, list);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  body.append(dialog);
  field.value = typed;
  look();
  dialog.showModal();
  field.focus();
  if (isChosen) run(shown[at]);
}
