// A small, safe Markdown: paragraphs, headings, lists, tables, code, bold. Built as DOM nodes, never as HTML text;
// links and images stay the characters they are, so that no answer can make the page fetch anything.

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^(#{1,6})\s+(.*)$/s;
const ITEM = /^(\s*)(?:[-*+•]\s+|(\d{1,9})(?:[.)]\s+|、\s*))(.*)$/s;
const ROW = /^\s*\|.*\|\s*$/s;
const DASHES = /^:?-+:?$/;
const LAST_DASHES = /^:?-*:?$/;
/** Stands in a text where a sign is put that says that what is before it has no support. */
export const SIGN = "\uE000";
const INLINE = /(`[^`\n]+`)|\*\*([^\n]+?)\*\*|\[(\d{1,3})\]|\uE000/g;

export function element(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Render `text` into a fragment. `marker(number, occurrence)` gives the node for a citation `[n]`, or null, and `sign()`
 * that for a `SIGN`. */
export function render(text, marker = () => null, sign = () => null) {
  const seen = new Map();
  const inline = (words) =>
    inlined(words, (number) => {
      if (number === SIGN) return sign();
      const occurrence = seen.get(number) ?? 0;
      seen.set(number, occurrence + 1);
      return marker(number, occurrence);
    });
  const lines = text.replaceAll("\r", "").split("\n");
  const fragment = document.createDocumentFragment();
  let at = 0;
  while (at < lines.length) {
    const [node, next] = block(lines, at, inline);
    if (node) fragment.append(node);
    at = next;
  }
  return fragment;
}

function block(lines, at, inline) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (FENCE.test(line)) return code(lines, at);
  if (ROW.test(line) && isRule(lines[at + 1] ?? "")) return table(lines, at, inline);
  if (ITEM.test(line)) return list(lines, at, inline);
  const heading = HEADING.exec(line);
  if (heading) return [element(heading[1].length < 3 ? "h3" : "h4", "", ...inline(heading[2])), at + 1];
  return paragraph(lines, at, inline);
}

function code(lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  return [element("pre", "", element("code", "", lines.slice(at + 1, end).join("\n"))), end + 1];
}

export function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** The line under a table's header. Told cell by cell: one expression for all of it takes cubic time on blanks. */
function isRule(line) {
  const all = line.trim().replace(/^\|/, "").split("|").map((cell) => cell.trim());
  const last = all.pop();
  return all.length > 0 && all.every((cell) => DASHES.test(cell)) && LAST_DASHES.test(last);
}

function table(lines, at, inline) {
  const row = (line, name) => element("tr", "", ...cells(line).map((cell) => element(name, "", ...inline(cell))));
  // Markdown wants a header line. That of a table without a header is empty, and nothing is shown of it.
  const head = element("thead", "", ...(cells(lines[at]).some(Boolean) ? [row(lines[at], "th")] : []));
  const body = element("tbody");
  let end = at + 2;
  for (; end < lines.length && ROW.test(lines[end]); end += 1) body.append(row(lines[end], "td"));
  return [element("div", "scroll", element("table", "", head, body)), end];
}

function list(lines, at, inline) {
  const first = ITEM.exec(lines[at]);
  const depth = first[1].length;
  const node = element(first[2] ? "ol" : "ul");
  if (first[2] && first[2] !== "1") node.start = Number(first[2]);
  let end = at;
  while (end < lines.length) {
    const item = ITEM.exec(lines[end]);
    if (item && item[1].length > depth + 1 && node.lastChild) {
      const [nested, next] = list(lines, end, inline);
      node.lastChild.append(nested);
      end = next;
    } else if (item && item[1].length >= depth && Boolean(item[2]) === Boolean(first[2])) {
      node.append(element("li", "", ...inline(item[3])));
      end += 1;
    } else if (!item && /^\s{2,}\S/.test(lines[end]) && node.lastChild) {
      node.lastChild.append(" ", ...inline(lines[end].trim()));
      end += 1;
    } else if (!lines[end].trim() && sameList(lines[end + 1], depth, first)) {
      end += 1;
    } else {
      break;
    }
  }
  return [node, end];
}

function sameList(line, depth, first) {
  const item = ITEM.exec(line ?? "");
  return Boolean(item) && item[1].length >= depth && Boolean(item[2]) === Boolean(first[2]);
}

function paragraph(lines, at, inline) {
  const node = element("p");
  let end = at;
  while (end < lines.length && lines[end].trim() && (end === at || !opensBlock(lines, end))) {
    if (end > at) node.append(element("br"));
    node.append(...inline(lines[end].trim()));
    end += 1;
  }
  return [node, end];
}

function opensBlock(lines, at) {
  const line = lines[at];
  return (
    FENCE.test(line) || HEADING.test(line) || ITEM.test(line) || (ROW.test(line) && isRule(lines[at + 1] ?? ""))
  );
}

function inlined(text, marker) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    let node;
    if (match[1]) node = element("code", "", match[1].slice(1, -1));
    else if (match[2]) node = element("strong", "", ...inlined(match[2], marker));
    else node = marker(match[3] ? Number(match[3]) : SIGN);
    if (!node) continue;
    nodes.push(text.slice(from, match.index), node);
    from = match.index + match[0].length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}
