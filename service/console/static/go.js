// Keys on every page: Ctrl+K opens the palette, `g` and a letter goes to a page; `/` and `?` where a page has no keys.

import { announce, t } from "./base.js";

const GO_MS = 2_000;
const { goKey, goKeys, palette } = document.body.dataset;
const keys = JSON.parse(goKeys);
let wentAt = -Infinity;

const isWriting = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]") != null;
let isOpening = false;

/** The palette. What is typed until it is there is typed into it: no letter decides a comment meanwhile. */
async function open() {
  if (isOpening) return;
  isOpening = true;
  let typed = "";
  let isChosen = false;
  const keep = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") isChosen = true;
    else if (event.key === "Backspace") typed = typed.slice(0, -1);
    else if (event.key.length === 1 && !isChosen) typed += event.key;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("keydown", keep, true);
  try {
    const found = await import(palette);
    found.open(typed, isChosen);
  } finally {
    removeEventListener("keydown", keep, true);
    isOpening = false;
  }
}

function help() {
  const there = document.getElementById("help");
  if (there) there.showModal();
  else open();
}

function search() {
  const field = document.querySelector('main input[type="search"]');
  if (field) field.focus();
  else document.querySelector('.pages a[href$="/search"]')?.click();
}

function go(letter) {
  const link = [...document.querySelectorAll(".pages a, .sheet > a")].find((each) => each.pathname === keys[letter]);
  if (link) link.click();
  else announce(t("No page has this key. Ctrl+K lists all."));
}

// Before the keys of the page: after `g` a letter is a page and must not decide a comment.
addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey) return;
  const hasControl = event.ctrlKey || event.metaKey;
  if (hasControl && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
    return;
  }
  if (isOpening || hasControl || isWriting(event.target) || document.querySelector("dialog[open]")) return;
  if (performance.now() - wentAt < GO_MS && /^[a-z]$/i.test(event.key) && event.key !== goKey) {
    wentAt = -Infinity;
    event.preventDefault();
    event.stopImmediatePropagation();
    go(event.key);
  } else if (event.key === goKey) {
    wentAt = performance.now();
  } else if (!document.querySelector("main [data-keys]") && "?/".includes(event.key)) {
    event.preventDefault();
    if (event.key === "?") help();
    else search();
  }
}, true);

document.querySelector("[data-open-palette]")?.addEventListener("click", open);
