// The policy's page: sliders beside the numbers, and what the last comments would have got while one moves them.
import { announce, element, prefix, t } from "./base.js";

const form = document.getElementById("policy");
const preview = document.getElementById("preview");
const WAIT_MS = 350;
let timer, running;

/** The same number twice: the slider has no name, so only the number is sent. */
function addSlider(number) {
  const slider = element("input", {
    type: "range", min: 0, max: 1, step: 0.01, "aria-label": number.getAttribute("aria-label"), disabled: number.disabled,
  });
  const follow = () => { slider.value = number.value === "" ? 1 : number.value; slider.classList.toggle("unset", number.value === ""); };
  slider.addEventListener("input", () => {
    number.value = slider.value;
    slider.classList.remove("unset");
    number.dispatchEvent(new Event("input", { bubbles: true }));
  });
  number.addEventListener("input", follow);
  number.before(slider);
  follow();
}

/** Ask for the part of the page that says what would have been. Rendered by the server, parsed as a document of its own. */
function look() {
  running?.abort();
  const request = (running = new XMLHttpRequest());
  request.open("POST", `${prefix}/policy/preview`);
  request.responseType = "document";
  request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
  request.setRequestHeader("X-Part", "preview");
  request.timeout = 30_000;
  const done = (nodes) => { preview.replaceChildren(...nodes); preview.removeAttribute("aria-busy"); };
  const failed = () => done([element("p", { class: "small" }, t("The preview could not be made just now."))]);
  request.onload = () =>
    request.status === 200 && request.response
      ? done([...document.adoptNode(request.response.body).childNodes])
      : failed();
  request.onerror = request.ontimeout = failed;
  preview.setAttribute("aria-busy", "true");
  request.send(new URLSearchParams(new FormData(form)));
}

if (form) {
  form.querySelectorAll(".threshold input").forEach(addSlider);
  form.querySelectorAll("[data-no-script]").forEach((button) => button.remove());
  form.addEventListener("input", (event) => {
    if (!event.target.closest(".thresholds")) return;
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
  document.querySelector("[aria-invalid]")?.focus();
  if (!form.querySelector("[aria-invalid]") && !document.querySelector("[role=alert]")) look();
  if (document.querySelector(".good")) announce(document.querySelector(".good").textContent);
}
