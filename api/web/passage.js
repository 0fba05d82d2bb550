// The side panel: a cited passage on its page and among its neighbours, the quoted sentence marked, and the way to
// the original.

import { cells, element } from "./markdown.js";
import { hidePages, showPages } from "./pages.js";
import { key, nameOf, original, originalPath, passage } from "./server.js";
import { say, sayProblem, sayWhere } from "./texts.js";

const panel = document.getElementById("panel");
const title = document.getElementById("panel-title");
const place = document.getElementById("panel-place");
const body = document.getElementById("panel-body");
const foot = document.getElementById("panel-foot");

let opener = null;
let wanted = "";

/** Open the passage. `quote` is marked in it, and its `location` on the page; `from` gets the focus back when the panel
 * closes. */
export async function openPassage(documentId, chunkId, { quote = "", location = null, heading = "", from = null } = {}) {
  opener = from ?? opener;
  wanted = `${documentId}/${chunkId}`;
  const mine = wanted;
  panel.hidden = false;
  document.body.classList.add("reading");
  title.textContent = heading || "…";
  place.textContent = "";
  foot.replaceChildren();
  hidePages();
  body.replaceChildren(element("p", "quiet-text", say("loading")));
  title.focus({ preventScroll: true });
  try {
    const found = await passage(documentId, chunkId);
    if (mine === wanted) show(found, quote, location ?? found.passage.location);
  } catch (problem) {
    if (mine !== wanted) return;
    const { message, hint } = sayProblem(problem);
    body.replaceChildren(element("div", "problem", element("strong", "", message), element("span", "", hint)));
  }
}

export function closePassage() {
  if (panel.hidden) return;
  wanted = "";
  panel.hidden = true;
  hidePages();
  document.body.classList.remove("reading");
  if (opener?.isConnected) opener.focus();
  opener = null;
}

export function passageIsOpen() {
  return !panel.hidden;
}

function show(found, quote, location) {
  const name = nameOf(found.document.uri);
  title.textContent = found.document.title || name;
  place.textContent = sayWhere(location, found.document.title);
  if (found.original_available) showPages(found.document, location, found.passage.location);
  const cited = block(found.passage.text, quote, "cited");
  body.replaceChildren(
    ...found.before.map((item) => block(item.text, "", "near")),
    cited,
    ...found.after.map((item) => block(item.text, "", "near")),
  );
  const mark = cited.querySelector("mark, .marked") ?? cited;
  const above = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
  body.scrollTop += above - body.clientHeight / 3;
  const file = element("span", "uri", name);
  foot.replaceChildren(file, download(found));
}

function download(found) {
  if (!found.original_available) return element("span", "quiet-text", say("originalGone"));
  const link = element("a", "quiet", say("original"));
  link.href = originalPath(found.document.document_id);
  link.download = "";
  if (key.get()) link.addEventListener("click", (event) => fetched(event, link, found.document));
  return link;
}

async function fetched(event, link, document_) {
  event.preventDefault();
  link.textContent = say("downloading");
  try {
    const address = URL.createObjectURL(await original(document_.document_id));
    const saved = element("a");
    saved.href = address;
    saved.download = nameOf(document_.uri);
    saved.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    link.textContent = say("original");
  } catch (problem) {
    link.textContent = sayProblem(problem).message;
  }
}

// A chunk's text, its tables as tables, with the characters of the quote marked wherever they fall.
function block(text, quote, className) {
  const [start, end] = find(text, quote);
  const node = element("article", className);
  let offset = 0;
  let rows = null;
  let prose = null;
  for (const line of text.split("\n")) {
    const from = Math.max(0, start - offset);
    const to = Math.min(line.length, end - offset);
    if (/^\s*\|.*\|\s*$/.test(line)) {
      prose = null;
      rows ??= node.appendChild(element("div", "scroll", element("table"))).firstChild;
      addRow(rows, line, from < to);
    } else {
      rows = null;
      if (!line.trim()) prose = null;
      else prose = addLine(prose ?? node.appendChild(element("p")), line, from, to);
    }
    offset += line.length + 1;
  }
  return node;
}

function addRow(table, line, marked) {
  const values = cells(line);
  if (values.every((value) => /^:?-+:?$/.test(value))) return;
  if (!values.some(Boolean)) {
    table.createTHead(); // the empty header line of a table without a header
    return;
  }
  const name = table.rows.length || table.tHead ? "td" : "th";
  table.append(element("tr", marked ? "marked" : "", ...values.map((value) => element(name, "", value))));
}

function addLine(paragraph, line, from, to) {
  if (paragraph.childNodes.length) paragraph.append("\n");
  if (from < to) paragraph.append(line.slice(0, from), element("mark", "", line.slice(from, to)), line.slice(to));
  else paragraph.append(line);
  return paragraph;
}

// Where the quote stands in the text, white space aside; an empty range if it does not.
function find(text, quote) {
  const places = [];
  let bare = "";
  for (let index = 0; index < text.length; index += 1) {
    if (/\s/.test(text[index])) continue;
    places.push(index);
    bare += text[index];
  }
  const sought = quote.replace(/\s+/g, "");
  const at = sought ? bare.indexOf(sought) : -1;
  return at < 0 ? [0, 0] : [places[at], places[at + sought.length - 1] + 1];
}
