// What the scripts of all pages share: texts, requests to ourselves, announcements. A page works without any of it.

const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
const language = document.documentElement.lang;
const plural = new Intl.PluralRules(language);
const FORMS = ["one", "few", "many", "other"];
export const prefix = document.body.dataset.prefix;
document.documentElement.classList.add("has-script");

/** The message in the language of the page; %(name)s is replaced. */
export function t(message, values = {}) {
  return filled(typeof texts[message] === "string" ? texts[message] : message, values);
}

/** The same for a number of things. */
export function tn(one, many, n) {
  const forms = texts[one];
  const form = Array.isArray(forms) ? forms[FORMS.indexOf(plural.select(n))] : n === 1 ? one : many;
  return filled(form ?? many, { n });
}

function filled(message, values) {
  return message.replace(/%\((\w+)\)[sd]/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** An answer of ours that is not 2xx; `status` 0: there was none. `problem` is its JSON, if it had any. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `status ${status}`);
    this.status = status;
    this.problem = problem ?? {};
  }
}

const TIMEOUT_MS = 15_000;

async function once(method, path, body) {
  const headers = { Accept: "application/json", "X-CSRF-Token": document.body.dataset.token };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(prefix + path, {
      method, headers, credentials: "same-origin", redirect: "error", cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Refused(0);
  }
  const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
  const found = isJson ? await response.json().catch(() => null) : null;
  if (!response.ok) throw new Refused(response.status, found);
  return found;
}

/**
 * Ask ourselves for JSON. Raises Refused.
 *
 * A session may have got a new secret meanwhile (in another tab, or because a role was changed): then the token of this
 * page is an old one, and there is a new one to be had.
 */
export async function ask(method, path, body) {
  try {
    return await once(method, path, body);
  } catch (refused) {
    const isOld = refused.status === 401 || refused.problem.code === "forged";
    if (!isOld || !(await renewed())) throw refused;
    return once(method, path, body);
  }
}

async function renewed() {
  const mine = document.body.dataset.account;
  const found = await once("GET", "/session").catch(() => null);
  if (found?.account !== mine) return false;
  document.body.dataset.token = found.token;
  document.querySelectorAll('input[name="csrf"]').forEach((input) => { input.value = found.token; });
  return true;
}

/**
 * A part of a page, as our server renders it: parsed by the browser as a document of its own, in which nothing runs.
 * With `fields` it is asked for by POST. Raises Refused.
 */
export function fragment(path, fields, timeout = TIMEOUT_MS) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(fields ? "POST" : "GET", prefix + path);
    request.responseType = "document";
    request.timeout = timeout;
    if (fields) request.setRequestHeader("X-CSRF-Token", document.body.dataset.token);
    request.onload = () =>
      request.status === 200 && request.response
        ? resolve(document.adoptNode(request.response.body))
        : reject(new Refused(request.status));
    request.onerror = request.ontimeout = () => reject(new Refused(0));
    request.send(fields);
  });
}

/** An element with attributes and children; text is only ever text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** Told to whoever listens to the page. */
export function announce(message) {
  const region = document.getElementById("announced");
  region.textContent = "";
  setTimeout(() => { region.textContent = message; }, 30);
}

const TOAST_MS = 12_000;

/** A message at the foot of the page, with one thing to do about it; it stays while it has the focus or the pointer. */
export function toast(message, action, act, kind = "") {
  const list = document.getElementById("toasts");
  while (list.children.length > 2) list.firstChild.remove();
  const made = element("div", { class: `toast ${kind}`.trim() }, element("span", {}, message));
  if (action) made.append(element("button", { type: "button", onclick: () => { made.remove(); act(); } }, action));
  list.append(made);
  announce(message);
  const leave = () => (made.matches(":hover, :focus-within") ? setTimeout(leave, 2_000) : made.remove());
  setTimeout(leave, TOAST_MS);
  return made;
}

const NEXT = {
  theme: { auto: "dark", dark: "light", light: "auto" },
  density: { comfortable: "compact", compact: "comfortable" },
};

/** The theme and the density change at once; the server is told beside. */
function switchAtOnce(form) {
  const button = form.querySelector("button");
  const what = form.dataset.switch;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = button.value;
    const sent = new URLSearchParams(new FormData(form));
    sent.set(what, chosen);
    document.documentElement.dataset[what] = chosen;
    button.value = NEXT[what][chosen];
    fetch(form.action, { method: "POST", body: sent, redirect: "manual" }).catch(() => {});
  });
}

document.querySelectorAll("[data-switch]").forEach(switchAtOnce);

/** A text that is shown once, or typed nowhere by hand, has a button that copies it. */
function offerCopy(text) {
  const button = element("button", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(text.textContent.trim());
    announce(t("Copied"));
    button.textContent = t("Copied");
    setTimeout(() => { button.textContent = t("Copy"); }, 2_000);
  } }, t("Copy"));
  const place = element("div", { class: "copy" });
  text.replaceWith(place);
  place.append(text, button);
}

if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach(offerCopy);

// An open menu closes when one clicks elsewhere or leaves it with Escape.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.activeElement?.closest("details.menu[open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

// Where the pages' names are in a line that scrolls, the one that is shown is in sight.
const shown = document.querySelector(".pages [aria-current]");
if (shown) shown.closest(".pages").scrollLeft = shown.offsetLeft - shown.closest(".pages").offsetLeft - 16;
