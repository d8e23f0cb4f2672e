// The form of a rule: its preview without leaving the page.
import { element, fragment, t } from "./base.js";

const form = document.getElementById("rule");
const preview = document.getElementById("preview");
const TIMEOUT_MS = 60_000;

async function look(button) {
  button.disabled = true;
  preview.setAttribute("aria-busy", "true");
  const fields = new URLSearchParams(new FormData(form));
  fields.set("part", "1");
  try {
    preview.replaceChildren(...(await fragment("/rules/edit/preview", fields, TIMEOUT_MS)).childNodes);
  } catch {
    preview.replaceChildren(element("p", { class: "small" }, t("The preview could not be made just now.")));
  }
  preview.removeAttribute("aria-busy");
  button.disabled = false;
}

if (form) {
  form.addEventListener("submit", (event) => {
    if (event.submitter?.id !== "look") return;
    event.preventDefault();
    look(event.submitter);
  });
  document.querySelector("[aria-invalid]")?.focus();
}
