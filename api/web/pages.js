// The pages a passage stands on, as pictures with the passage marked. Where there is no picture, nothing is shown.

import { element } from "./markdown.js";
import { pageImage } from "./server.js";
import { say } from "./texts.js";

const strip = document.getElementById("panel-pages");
const dialog = document.getElementById("enlarged");
const title = document.getElementById("enlarged-title");
const body = document.getElementById("enlarged-body");

const waiting = new WeakMap();
const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      waiting.get(target)();
    }
  },
  { root: strip },
);
let addresses = [];

/** Show the pages of the quote at `place`, its boxes strong and those of the passage at `around` faint; each page is
 * fetched once it comes into view. */
export function showPages(document_, place, around) {
  hidePages();
  const numbers = new Set([place.page, ...place.boxes.map((box) => box.page)].filter((number) => number !== null));
  strip.hidden = numbers.size === 0;
  for (const number of numbers) {
    const on = (boxes) => boxes.filter((box) => box.page === number);
    const quoted = on(place.boxes).map((box) => marked(box, "box"));
    const beside = on(around.boxes).filter((box) => !on(place.boxes).some((other) => same(box, other)));
    const boxes = [...beside.map((box) => marked(box, "box faint")), ...quoted];
    const leaf = element("button", "leaf");
    leaf.type = "button";
    leaf.title = say("enlarge");
    leaf.setAttribute("aria-label", say("page", number));
    waiting.set(leaf, () => load(leaf, document_, number, boxes));
    strip.append(leaf);
    seen.observe(leaf);
  }
}

export function hidePages() {
  dialog.close();
  seen.disconnect();
  strip.replaceChildren();
  strip.hidden = true;
  for (const address of addresses) URL.revokeObjectURL(address);
  addresses = [];
}

async function load(leaf, document_, number, boxes) {
  const picture = element("img");
  picture.alt = say("pageImage", number, document_.title);
  try {
    const blob = await pageImage(document_.document_id, number);
    if (!leaf.isConnected) return;
    picture.src = URL.createObjectURL(blob);
    addresses.push(picture.src);
    await picture.decode();
  } catch {
    leaf.remove();
    strip.hidden = !strip.firstChild;
    return;
  }
  leaf.removeAttribute("aria-label");
  leaf.append(picture, ...boxes);
  leaf.addEventListener("click", () => enlarge(leaf, `${document_.title} · ${say("page", number)}`));
  if (leaf === strip.firstChild) centre(strip, leaf);
}

function same(box, other) {
  return ["x0", "y0", "x1", "y1"].every((edge) => Math.abs(box[edge] - other[edge]) < 1e-6);
}

function marked(box, className) {
  const node = element("span", className);
  const percent = (fraction) => `${fraction * 100}%`;
  node.style.left = percent(box.x0);
  node.style.top = percent(box.y0);
  node.style.width = percent(box.x1 - box.x0);
  node.style.height = percent(box.y1 - box.y0);
  return node;
}

function enlarge(leaf, heading) {
  const copy = element("div", "leaf");
  for (const node of leaf.children) copy.append(node.cloneNode());
  title.textContent = heading;
  body.replaceChildren(copy);
  dialog.showModal();
  centre(body, copy);
}

// Bring the first marked part into the middle of what is seen.
function centre(frame, leaf) {
  const box = leaf.querySelector(".box:not(.faint)") ?? leaf.querySelector(".box");
  if (!box) return;
  const [inner, outer] = [box.getBoundingClientRect(), frame.getBoundingClientRect()];
  frame.scrollTop += inner.top - outer.top - Math.max((outer.height - inner.height) / 2, 24);
  frame.scrollLeft += inner.left - outer.left - Math.max((outer.width - inner.width) / 2, 24);
}

document.getElementById("enlarged-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
