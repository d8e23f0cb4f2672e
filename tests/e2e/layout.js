// What is cut off, or reaches out of its place, on the page as it is now: a line for each text.
// Scrolled by intent are the line of pages, long comments, wide charts and their tables. Cut by intent, with the whole
// text one click away, are the texts of comments and articles in rows.
() => {
  const BY_INTENT = ".pages, .text, .scroll, .behind > div, .rows .open, .about-what bdi, textarea, pre, svg, option";
  const root = document.documentElement;
  const pen = (window.pen ??= document.createElement("canvas").getContext("2d"));
  // Rows far from the screen are not laid out (list.css), and what is in them has boxes at 0. From here on they are.
  if (!document.adoptedStyleSheets.length) {
    const laidOut = new CSSStyleSheet();
    laidOut.replaceSync("* { content-visibility: visible !important; }");
    document.adoptedStyleSheets = [laidOut];
  }
  const found = [];
  const places = new Map();

  /** Between which edges a text in this element is seen, and between which it belongs; null: nobody sees it. */
  const placeOf = (each) => {
    if (each === root) return { left: 0, right: root.clientWidth, from: 0, to: root.clientWidth };
    if (places.has(each)) return places.get(each);
    const style = getComputedStyle(each);
    let place = placeOf(each.parentElement);
    if (style.display === "none" || style.visibility === "hidden" || style.clipPath !== "none" || each.matches(BY_INTENT)) place = null;
    if (place && !/^(inline|contents)$/.test(style.display)) {
      const box = each.getBoundingClientRect();
      place = { ...place, from: box.left, to: box.right };
      if (style.overflowX !== "visible") {
        place.left = Math.max(place.left, box.left);
        place.right = Math.min(place.right, box.right);
      }
      if (/hidden|clip/.test(style.overflowY) && each.scrollHeight > each.clientHeight + 2) found.push(`cut below: ${said(each)}`);
    }
    places.set(each, place);
    return place;
  };
  const said = (node) => node.textContent.replace(/\s+/g, " ").trim().slice(0, 80);
  const widthOf = (text, style) => { pen.font = style.font; return pen.measureText(text).width; };

  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} px wide`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || !node.parentElement.checkVisibility()) continue;
    const place = placeOf(node.parentElement);
    if (!place) continue;
    range.selectNodeContents(node);
    const { left, right, width } = range.getBoundingClientRect();
    if (!width) continue;
    if (left < place.left - 1 || right > place.right + 1) found.push(`cut off: ${said(node)}`);
    // The space at the end of a line that keeps its spaces hangs over, and nobody sees it.
    const style = getComputedStyle(node.parentElement);
    const slack = style.whiteSpace === "pre-wrap" ? widthOf(" ", style) + 1 : 1;
    if (left < place.from - slack || right > place.to + slack) found.push(`out of its place: ${said(node)}`);
  }
  for (const each of document.querySelectorAll("select, input[placeholder]")) {
    if (!each.clientWidth || !each.checkVisibility()) continue;
    const style = getComputedStyle(each);
    const isSelect = each.localName === "select"; // its arrow takes some of it
    const label = isSelect ? each.selectedOptions[0]?.textContent ?? "" : each.placeholder;
    const inner = each.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - (isSelect ? 16 : -1);
    if (widthOf(label, style) > inner) found.push(`cut off in its field: ${label}`);
  }
  return found;
}
