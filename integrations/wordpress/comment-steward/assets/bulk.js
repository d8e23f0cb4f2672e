// Checks batch after batch and shows the progress. Without it the form checks one batch for each click.
(() => {
  "use strict";
  const form = document.getElementById("comment-steward-bulk");
  const bar = document.getElementById("comment-steward-progress");
  const said = document.getElementById("comment-steward-said");
  const { url, said: template, done } = window.commentStewardBulk;

  async function step(fields, after) {
    const body = new URLSearchParams(fields);
    body.set("after", String(after));
    const response = await fetch(url, { method: "POST", body, credentials: "same-origin" });
    const answer = await response.json();
    if (!answer.success) throw new Error(answer.data || response.statusText);
    return answer.data;
  }

  function show(checked, left) {
    bar.max = checked + left || 1;
    bar.value = checked;
    said.textContent = template.replace("%1$s", checked).replace("%2$s", checked + left) + (left ? "" : ` ${done}`);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const fields = new FormData(form);
    let checked = 0;
    let found = { after: Number(fields.get("after")), left: 1, checked: 1 };
    button.disabled = true;
    bar.hidden = false;
    try {
      while (found.left && found.checked) {
        found = await step(fields, found.after);
        checked += found.checked;
        show(checked, found.left);
      }
    } catch (error) {
      said.textContent = error.message;
      form.elements.after.value = String(found.after);
    }
    button.disabled = false;
  });
})();
