// Shows /openapi.json. Nothing is asked of another host: the validator badge would be.
SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null, filter: true, docExpansion: "list",
  defaultModelsExpandDepth: -1, persistAuthorization: true, tryItOutEnabled: false,
});

// What Swagger UI leaves out for screen readers: names of its fields and boxes, which it draws again and again.
const NAMES = [
  [".operation-filter-input", "Filter by group"], ["select.content-type", "Content type"], [".servers select", "Server"],
  ["textarea.body-param__text", "Request body"], ["textarea.curl", "curl command"],
];
const LEVELS = [["h3.opblock-tag", "2"], [".opblock-body h4", "3"], [".opblock-body h5", "4"]];
const REGIONS = [
  [".information-container", "About this API"], [".scheme-container", "Server and key"], [".filter-container", "Filter"],
];
function name(root) {
  for (const [selector, said] of NAMES) {
    for (const each of root.querySelectorAll(selector)) if (!each.getAttribute("aria-label")) each.setAttribute("aria-label", said);
  }
  for (const each of root.querySelectorAll(".parameters input, .parameters select")) {
    const row = each.closest("tr");
    if (row?.dataset.paramName && !each.getAttribute("aria-label")) each.setAttribute("aria-label", row.dataset.paramName);
  }
  // A link inside of the button that opens the same operation is one stop too many; the button changes the address too.
  for (const each of root.querySelectorAll("button a.nostyle[href]")) each.removeAttribute("href");
  for (const [selector, level] of LEVELS) for (const each of root.querySelectorAll(selector)) each.setAttribute("aria-level", level);
  for (const [selector, said] of REGIONS) {
    for (const each of root.querySelectorAll(selector)) { each.setAttribute("role", "region"); each.setAttribute("aria-label", said); }
  }
  for (const each of root.querySelectorAll("pre, .highlight-code, .microlight, .model-box")) each.tabIndex = 0;
}
new MutationObserver(() => name(document)).observe(document.getElementById("api"), { childList: true, subtree: true });
