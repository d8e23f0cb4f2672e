// The rows of the list, ordered and filtered on the page. The address says how, so that it can be sent and saved.

const ORDERS = {
  due: (row) => Date.parse(row.querySelector("time[data-due]")?.dateTime ?? "") || Infinity,
  newest: (row) => -Date.parse(row.querySelector("time[data-ago]")?.dateTime ?? ""),
  oldest: (row) => Date.parse(row.querySelector("time[data-ago]")?.dateTime ?? ""),
  author: (row) => row.querySelector(".line .small")?.textContent.trim() ?? "",
  article: (row) => row.querySelector(".about-what")?.textContent.trim() ?? "",
};

/** `changed()`: other rows are shown, or selected, than before. */
export function watchRows(body, box, changed) {
  const words = document.getElementById("rows-filter");
  const order = document.getElementById("rows-order");
  if (!body || !words || !order) return;
  const rows = () => [...body.rows];

  function filter() {
    const wanted = words.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows()) {
      const said = row.textContent.toLocaleLowerCase();
      row.classList.toggle("filtered", !wanted.every((each) => said.includes(each)));
      if (row.classList.contains("filtered") && box(row)) box(row).checked = false; // nothing is decided out of sight
    }
    changed();
  }

  function sort() {
    const key = ORDERS[order.value];
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, document.documentElement.lang) : a - b);
    body.append(...rows().map((row) => [key(row), row]).sort(([a], [b]) => compare(a, b)).map(([, row]) => row));
  }

  /** The page's address, the links that keep it, and the form that saves it. */
  function note() {
    const now = { order: order.value === "due" ? "" : order.value, words: words.value.trim() };
    const said = (address) => {
      const url = new URL(address);
      for (const [name, value] of Object.entries(now)) {
        if (value) url.searchParams.set(name, value);
        else url.searchParams.delete(name);
      }
      for (const name of ["what", "refused"]) url.searchParams.delete(name);
      return url.href;
    };
    history.replaceState(history.state, "", said(location.href));
    for (const link of document.querySelectorAll(".queues a, .views a, #more")) link.href = said(link.href);
    for (const form of document.querySelectorAll(".saved form, .filter form")) {
      const prefix = form.method === "post" ? "in_" : "";
      hidden(form, `${prefix}order`).value = order.value;
      hidden(form, `${prefix}words`).value = now.words;
    }
  }

  words.addEventListener("input", () => { filter(); note(); });
  order.addEventListener("change", () => { sort(); note(); });
  if (order.value !== "due") sort();
  if (words.value) filter();
}

function hidden(form, name) {
  const known = form.querySelector(`input[type="hidden"][name="${name}"]`);
  if (known) return known;
  const made = document.createElement("input");
  made.type = "hidden";
  made.name = name;
  form.append(made);
  return made;
}
