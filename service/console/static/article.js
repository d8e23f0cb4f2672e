// The demonstration: a word before posting, and what becomes of a comment as soon as it is decided.

const form = document.getElementById("write");
const text = form.elements.text;
const hint = document.getElementById("hint");
const more = document.getElementById("more").textContent;
const PAUSE_MS = 400;
let timer = null;
let asked = null; // the text that the hint, or its absence, belongs to
let asking = 0;

/** Said once the writer pauses; the service keeps nothing of it. */
async function look() {
  const said = text.value.trim();
  if (said === asked) return;
  const mine = ++asking;
  const answer = said ? await ask(said) : "";
  if (mine !== asking || answer === null) return; // it was changed meanwhile, or there is no answer
  asked = said;
  tell(answer);
}

async function ask(said) {
  try {
    const response = await fetch(form.dataset.hint, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text: said }),
    });
    return response.ok ? (await response.json()).hint : null;
  } catch {
    return null;
  }
}

function tell(said) {
  hint.replaceChildren();
  form.querySelector('input[name="confirmed"]')?.remove();
  if (!said) return;
  const span = document.createElement("span");
  span.textContent = said;
  const rest = document.createElement("span");
  rest.className = "small";
  rest.textContent = more;
  hint.append(span, " ", rest);
  const seen = document.createElement("input"); // who posts now has read it
  Object.assign(seen, { type: "hidden", name: "confirmed", value: "1" });
  form.append(seen);
}

text.addEventListener("input", () => {
  if (text.value.trim() !== asked) form.querySelector('input[name="confirmed"]')?.remove();
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE_MS);
});

const announced = document.getElementById("announced");

function follow() {
  const source = new EventSource("/demo/stream");
  source.addEventListener("status", (event) => {
    const { id, status } = JSON.parse(event.data);
    const item = [...document.querySelectorAll("li[data-id]")].find((each) => each.dataset.id === id);
    if (!item || item.dataset.status === status) return;
    item.dataset.status = status;
    item.classList.add("changed");
    const label = item.querySelector(`.state.${status}`)?.textContent ?? "";
    announced.textContent = `${item.querySelector("bdi").textContent}: ${label}`;
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5_000);
  });
}
follow();
