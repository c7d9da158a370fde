// What is wrong with a page for those who can't see it well, have a small window, or use the keyboard: a list of faults,
// which is empty for a good page. It is the body of a function that the driver calls.
const faults = [];
const say = (words, element) => faults.push(element ? `${words}: ${element.outerHTML.slice(0, 160)}` : words);
const all = (selector) => [...document.querySelectorAll(selector)];
const isSeen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;

// The frame of the page.
if (!document.documentElement.lang) say("no language");
if (!document.title) say("no title");
for (const [selector, count] of [["h1", 1], ["main", 1], ["header", 1]]) {
  if (all(selector).length !== count) say(`${all(selector).length} ${selector}`);
}
if (!all("nav").length) say("no nav");
for (const nav of all("nav")) if (!nav.ariaLabel) say("a nav without a name", nav);
const width = document.documentElement.scrollWidth;
if (width > innerWidth) {
  say(`scrolls sideways, ${width} of ${innerWidth}`);
  for (const element of all("main *")) {
    if (element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".scroll")) { say("wide", element); break; }
  }
}
const ids = all("[id]").map((element) => element.id);
for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) say(`twice the id ${id}`);

// Names.
const named = (element) =>
  element.ariaLabel?.trim()
  || [...(element.labels ?? [])].some((label) => label.textContent.trim())
  || (element.matches("button, a, summary") && element.textContent.trim());
for (const element of all("input:not([type=hidden]), select, textarea, button, a[href], summary, progress")) {
  if (!named(element)) say("no name", element);
}
for (const element of all("svg, img")) {
  if (!(element.ariaLabel || element.alt || element.ariaHidden === "true")) say("a picture without a name", element);
}
for (const element of all(".scroll")) {
  if (element.tabIndex !== 0 || !element.ariaLabel) say("can't be scrolled with the keyboard", element);
}

// Contrast: each text against what is really behind it.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const colours = new Map();
const rgba = (colour) => {
  if (!colours.has(colour)) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    colours.set(colour, [r, g, b, a / 255]);
  }
  return colours.get(colour);
};
const over = (front, back) => [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
const ground = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const layer = rgba(getComputedStyle(at).backgroundColor);
    if (layer[3] > 0) layers.push(layer);
    if (layer[3] === 1) break;
  }
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  return layers.reduceRight((back, layer) => over(layer, back), isDark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
};
const light = (colour) => {
  const [r, g, b] = colour.slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const compare = (element, colour) => {
  const back = ground(element);
  const found = contrast(over(rgba(colour), back), back);
  if (found < 4.5) say(`contrast ${found.toFixed(2)}`, element);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const looked = new Set();
for (let text = texts.nextNode(); text; text = texts.nextNode()) {
  const element = text.parentElement;
  if (!text.data.trim() || looked.has(element) || element.closest("svg, script, :disabled") || !isSeen(element)) continue;
  looked.add(element);
  compare(element, getComputedStyle(element).color);
}
for (const element of all("input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea")) {
  if (element.disabled || !isSeen(element)) continue;
  compare(element, getComputedStyle(element).color);
  if (element.placeholder) compare(element, getComputedStyle(element, "::placeholder").color);
}

// Who goes by the keyboard sees where he is.
const before = document.activeElement;
for (const element of all("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']").slice(0, 80)) {
  if (element.disabled || !isSeen(element)) continue;
  element.focus({ focusVisible: true, preventScroll: true });
  const style = getComputedStyle(element);
  if (document.activeElement === element && (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)) {
    say("the focus is not seen", element);
  }
}
document.activeElement?.blur();
before?.focus?.({ preventScroll: true });

// What moves while a page is drawn is not where one wanted to click.
const shift = await new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 30);
});
if (shift > 0.1) say(`jumps by ${shift.toFixed(3)}`);
const size = performance.getEntriesByType("navigation")[0].decodedBodySize;
if (size >= 100000) say(`${size} bytes of HTML`);
return faults;
