// What is cut off in a page, lies over another text or is hard to read, a line each; for tools/interop/pages.mjs, which runs it
// in the page. Of pictures it also judges the contrast, which axe-core does not.
const text_of = (element) => `'${(element.textContent ?? "").trim().slice(0, 60)}'`;
const lie_over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 &&
  Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;

// The words outside of pictures. Frames scroll, and the bar of a gallery stays on top.
function faults_of_texts(say) {
  const texts = [];  // rectangles and their elements
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (node.data.trim() === "" || parent.closest("svg, script, style") || parent.getClientRects().length === 0) continue;
    if (parent.closest(".scroll, pre") || getComputedStyle(parent).textOverflow === "ellipsis") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.left < -0.5 || box.right > innerWidth + 0.5) say("is cut off at the page's edge", parent);
      if (!parent.closest("nav")) texts.push([box, parent]);
    }
    for (let around = parent; around && around !== document.body; around = around.parentElement) {
      const hides = getComputedStyle(around).overflowX === "hidden";
      if (hides && around.scrollWidth > around.clientWidth + 1) say("is cut off", parent);
    }
  }
  texts.forEach(([box, element], i) => {
    for (const [other, after] of texts.slice(i + 1)) {
      if (element !== after && lie_over(box, other)) say("lies over another text", after);
    }
  });
}

const parts_of = (color) => /rgba?\(([^)]*)\)/.exec(color)[1].split(",").map(Number);

// WCAG's relative luminance.
function luminance(color) {
  const linear = parts_of(color).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (light + 0.05) / (dark + 0.05);
}

function is_ground(shape) {
  const style = getComputedStyle(shape);
  return style.fill.startsWith("rgb") && (parts_of(style.fill)[3] ?? 1) > 0.5 && Number(style.fillOpacity) > 0.5;
}

// Of its words, without the spaces around them, which only keep room.
function box_of_words(text) {
  const node = text.firstChild, range = document.createRange();
  range.setStart(node, node.data.length - node.data.trimStart().length);
  range.setEnd(node, node.data.trimEnd().length);
  return range.getBoundingClientRect();
}

function faults_of_picture(svg, say) {
  const edge = svg.getBoundingClientRect();
  const boxed = (element) => [element.getBoundingClientRect(), element];
  const words = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim() !== "")
    .map((text) => [box_of_words(text), text]);
  const grounds = [...svg.querySelectorAll("rect, polygon, path, ellipse, circle")].filter(is_ground).map(boxed);
  words.forEach(([box, text], i) => {
    const beside = box.left < edge.left - 1 || box.right > edge.right + 1;
    if (beside || box.top < edge.top - 1 || box.bottom > edge.bottom + 1) say("is cut off by its picture", text);
    for (const [other] of words.slice(i + 1)) if (lie_over(box, other)) say("lies over another text", text);
    // What was drawn last below its middle is its ground.
    const x = (box.left + box.right) / 2, y = (box.top + box.bottom) / 2;
    const ground = grounds.filter(([shape, element]) => shape.left <= x && x <= shape.right && shape.top <= y &&
      y <= shape.bottom && (element.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)).pop();
    if (!ground) return say("has no ground", text);
    if (box.left < ground[0].left - 1 || box.right > ground[0].right + 1) say("is wider than its box", text);
    const ratio = contrast(getComputedStyle(text).fill, getComputedStyle(ground[1]).fill);
    if (ratio < 4.5) say(`has a contrast of ${ratio.toFixed(2)}`, text);
  });
}

globalThis.faults = () => {
  const found = new Set();
  const say = (what, element) => found.add(`${what}: ${text_of(element)}`);
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) found.add(`is ${width} pixels wide, more than ${innerWidth}`);
  faults_of_texts(say);
  for (const svg of document.querySelectorAll("svg")) faults_of_picture(svg, say);
  return [...found];
};
