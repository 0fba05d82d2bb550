// The list of the conversations that the server keeps: open one, rename it, download it, delete it.

import { element } from "./markdown.js";
import { conversations, deleteConversation, exportedConversation, renameConversation } from "./server.js";
import { language, say, sayProblem } from "./texts.js";

const PAGE = 30;
const MAX_TITLE = 200;
const SEARCH_MS = 250; // after so long a pause in typing

const by = (id) => document.getElementById(id);
const parts = ["dialog", "search", "list", "none", "more", "problem"];
const [dialog, search, list, none, more, problem] = parts.map((id) => by(`kept-${id}`));

let chosen = {};
let next = null;
let words = "";
let waiting = 0;
let round = 0;

/** Show the list. `open(id)` is called for one that is to be read, `deleted(id)` for one that is no more. */
export async function openKept(handlers) {
  chosen = handlers;
  search.value = words = "";
  search.hidden = true;
  search.placeholder = say("keptSearch");
  search.setAttribute("aria-label", say("keptSearch"));
  dialog.showModal();
  await said(begin);
  search.hidden = list.children.length === 0; // nothing to look for
}

async function begin() {
  const mine = ++round;
  const page = await conversations(PAGE, null, words);
  if (mine !== round) return; // other words have been typed meanwhile
  list.replaceChildren();
  show(page);
}

async function load() {
  const mine = round;
  const page = await conversations(PAGE, next, words);
  if (mine === round) show(page);
}

function show(page) {
  next = page.next_cursor;
  // One whose first question was refused has nothing to show.
  list.append(...page.conversations.filter((each) => each.exchanges).map(item));
  more.hidden = next === null;
  settle();
}

function settle() {
  none.textContent = say(words ? "keptNoMatch" : "keptNone");
  none.hidden = list.children.length > 0 || next !== null;
}

function item(conversation) {
  const node = element("li", "kept-item");
  drawn(node, conversation);
  return node;
}

function drawn(node, conversation) {
  const { conversation_id: id, title } = conversation;
  const open = action(element("button", "kept-open", element("span", "", title), element("span", "where", about(conversation))), () =>
    chosen.open(id).then(() => dialog.close()),
  );
  const rename = action(button("keptRename", title), async () => edited(node, conversation));
  const save = action(button("keptExport", title), () => downloaded(id));
  const remove = action(button("keptDelete", title), async () => {
    if (remove.dataset.sure) return removed(node, id);
    remove.dataset.sure = "yes";
    remove.textContent = say("keptReally");
    remove.removeAttribute("aria-label");
  });
  node.replaceChildren(open, rename, save, remove);
}

function about({ updated_at: at, exchanges }) {
  const time = new Date(at).toLocaleString(language() === "zh" ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" });
  return `${time} · ${say("keptCount", exchanges)}`;
}

function edited(node, conversation) {
  const field = element("input");
  field.value = conversation.title;
  field.maxLength = MAX_TITLE;
  field.setAttribute("aria-label", say("keptTitleOf", conversation.title));
  const rename = async () => {
    const title = field.value.trim();
    if (title) Object.assign(conversation, await renameConversation(conversation.conversation_id, title));
    drawn(node, conversation);
    node.firstChild.focus();
  };
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter") said(rename);
    if (event.key !== "Escape") return;
    event.preventDefault(); // it leaves the field and not the list
    drawn(node, conversation);
  });
  node.replaceChildren(field, action(element("button", "quiet small", say("keptSave")), rename));
  field.focus();
  field.select();
}

async function removed(node, id) {
  await deleteConversation(id);
  node.remove();
  settle();
  chosen.deleted(id);
}

// A plain link cannot carry the key.
async function downloaded(id) {
  const link = element("a");
  link.href = URL.createObjectURL(await exportedConversation(id));
  link.download = `conversation-${id}.md`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function button(name, title) {
  const made = element("button", "quiet small", say(name));
  made.setAttribute("aria-label", say(`${name}Of`, title));
  return made;
}

function action(node, does) {
  node.type = "button";
  node.addEventListener("click", () => said(does));
  return node;
}

// Do it, and say what went wrong where one can read it.
async function said(does) {
  problem.hidden = true;
  try {
    await does();
  } catch (error) {
    const { message, hint } = sayProblem(error);
    problem.textContent = `${message} ${hint}`;
    problem.hidden = false;
  }
}

action(more, load);
search.addEventListener("input", (event) => {
  if (event.isComposing) return; // an input method has not come to a word yet
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    words = search.value.trim();
    said(begin);
  }, SEARCH_MS);
});
search.addEventListener("compositionend", () => search.dispatchEvent(new Event("input")));
by("kept-close").addEventListener("click", () => dialog.close());
