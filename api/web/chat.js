// The page: the thread, the composer, the language, the key. Everything it shows comes from the other modules.

import { element } from "./markdown.js";
import { closePassage, openPassage, passageIsOpen } from "./passage.js";
import { openKept } from "./conversations.js";
import {
  ask, beginConversation, conversations, documentsAre, isOfKey, keptConversation, key, needsKey, refusal, stopAnswers,
} from "./server.js";
import { language, say, sayProblem, setLanguage } from "./texts.js";
import { TurnView } from "./turn.js";

const TURNS_SENT = 20;
const STOP_MS = 1500; // the reader waits no longer for the server's word that it has stopped
const LANGUAGE = "youju-language";
const KEPT = "youju-conversation"; // of this tab, so that it is there after a reload
const WITHOUT_MODEL = "extractive"; // the model's name in answers where none is configured

const by = (id) => document.getElementById(id);
const [thread, turns, composer, question, send] = ["thread", "turns", "composer", "question", "send"].map(by);
const dialog = by("key-dialog");

// Where the address says `?sources=hr&sources=it`, the page asks about these alone.
const sources = new URLSearchParams(location.search).getAll("sources").filter(Boolean);
const scope = sources.length ? { sources } : {};

let views = [];
let conversation = []; // the turns so far, where the server keeps none for us
let kept = null; // the id of this conversation on the server; null before its first question
let keeps = Promise.resolve(false);
let asking = null;
let following = true;

// --- asking

async function submit(text) {
  if (asking || !text.trim()) return;
  const view = new TurnView(text, { open: openSource, retry: () => again(view, text) });
  views.push(view);
  turns.append(view.node);
  following = true;
  settle();
  await answer(view, text);
}

async function again(view, text) {
  if (asking) return;
  views = views.filter((other) => other !== view);
  view.node.remove();
  await submit(text);
}

async function answer(view, text) {
  asking = new AbortController();
  const mine = asking;
  announce(say("searching"));
  settle();
  try {
    const said = { ...(await before(view, mine.signal)), ...scope };
    for await (const event of ask(text, said, mine.signal)) view.take(event);
    remember(text, view);
    by("no-model").hidden = view.model !== WITHOUT_MODEL;
    announce(`${say("done")}: ${view.text}`);
  } catch (problem) {
    if (problem.name === "AbortError" || problem.code === "answer_stopped") {
      view.stop();
      if (view.text) remember(text, view);
    } else {
      view.fail(problem);
      if (isOfKey(problem)) askForKey();
    }
  } finally {
    if (asking === mine) asking = null;
    settle();
    focusQuestion();
  }
}

// To go away would not stop an answer that the server is told to finish.
async function stop() {
  const mine = asking;
  if (kept) await Promise.race([stopAnswers(kept).catch(() => {}), new Promise((late) => setTimeout(late, STOP_MS))]);
  mine.abort();
}

// What the question refers to: a conversation that the server keeps, or the turns that only this page has.
async function before(view, signal) {
  if (!(await keeps)) return { conversation: conversation.slice(-TURNS_SENT) };
  if (!kept) {
    const begun = await beginConversation(signal);
    if (views.includes(view)) keepTo(begun); // else a new chat was begun meanwhile
    return { conversation_id: begun };
  }
  return { conversation_id: kept };
}

function keepTo(id) {
  kept = id;
  if (id) sessionStorage.setItem(KEPT, id);
  else sessionStorage.removeItem(KEPT);
}

async function reopen(id) {
  const whole = await keptConversation(id);
  begin();
  keepTo(id);
  for (const exchange of whole.exchanges) {
    const view = new TurnView(exchange.question, { open: openSource, retry: () => again(view, exchange.question) });
    view.restore(exchange);
    views.push(view);
    turns.append(view.node);
  }
  following = true;
  settle();
}

function remember(text, view) {
  if (!views.includes(view)) return; // a new chat was begun meanwhile
  if (view.smallTalk) return; // a follow-up refers to what was said before it
  conversation.push({ role: "user", text }, { role: "assistant", text: view.text });
}

function openSource(source, citation, button) {
  const address = `#/documents/${source.document_id}/passages/${source.chunk_id}`;
  const cited = citation ? { quote: citation.quote, location: citation.location } : {};
  const state = { passage: true, ...cited };
  if (passageIsOpen()) history.replaceState(state, "", address);
  else history.pushState(state, "", address);
  openPassage(source.document_id, source.chunk_id, { ...cited, heading: source.title, from: button });
}

function begin() {
  asking?.abort();
  views = [];
  conversation = [];
  keepTo(null);
  turns.replaceChildren();
  leavePassage();
  settle();
  welcome();
  focusQuestion();
}

// Not on a touch screen, where it would bring up the keyboard over the answer.
function focusQuestion() {
  if (matchMedia("(hover: hover)").matches) question.focus({ preventScroll: true });
}

// --- what the page looks like now

function settle() {
  const empty = views.length === 0;
  by("welcome").hidden = !empty;
  by("fresh").hidden = empty;
  document.body.classList.toggle("asking", asking !== null);
  const label = say(asking ? "stop" : "send");
  send.setAttribute("aria-label", label);
  send.title = label;
  send.disabled = !asking && !question.value.trim();
}

function speak(name) {
  setLanguage(name);
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
  document.title = name === "zh" ? "有据 Youju" : "Youju 有据";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  question.placeholder = say("placeholder");
  by("language").textContent = say("language");
  by("language").setAttribute("aria-label", say("languageLabel"));
  by("language").lang = name === "zh" ? "en" : "zh-CN";
  // On a phone these show a picture only.
  for (const [id, text] of [["fresh", "fresh"], ["kept", "kept"], ["enter-key", "key"]]) by(id).setAttribute("aria-label", say(text));
  for (const id of ["panel-close", "enlarged-close", "kept-close"]) by(id).setAttribute("aria-label", say("close"));
  by("examples").replaceChildren(...say("examples").map(example));
  for (const view of views) view.relabel();
  settle();
}

function example(text) {
  const button = element("button", "example", text);
  button.type = "button";
  button.addEventListener("click", () => submit(text));
  return element("li", "", button);
}

// The examples ask about the invented company of the examples: of any other documents they would be refused.
async function welcome() {
  const documents = await documentsAre().catch(() => null);
  by("examples").hidden = documents !== "examples";
  by("no-documents").hidden = documents !== "none";
}

// Once the server takes our key, or wants none.
function enter() {
  keeps = conversations(1).then((page) => page.keeps, () => false);
  keeps.then((does) => (by("kept").hidden = !does));
  return welcome();
}

function announce(text) {
  by("announcer").textContent = text;
}

function grow() {
  question.style.height = "auto";
  question.style.height = `${Math.min(question.scrollHeight, 220)}px`;
  settle();
}

// --- the passage in the address

function leavePassage() {
  if (!passageIsOpen()) return;
  if (history.state?.passage) history.back();
  else history.replaceState(null, "", location.pathname + location.search);
  closePassage();
}

function followAddress() {
  const match = /^#\/documents\/([^/]+)\/passages\/([^/]+)$/.exec(location.hash);
  if (!match) closePassage();
  else {
    const { quote, location: place } = history.state ?? {};
    openPassage(decodeURIComponent(match[1]), decodeURIComponent(match[2]), { quote, location: place });
  }
}

// --- the key

function askForKey() {
  by("enter-key").hidden = false;
  by("key-value").value = "";
  by("key-problem").hidden = true;
  if (!dialog.open) dialog.showModal();
}

// The dialog stays until the server has taken the key.
async function saveKey(event) {
  event.preventDefault();
  const value = by("key-value").value.trim();
  const problem = await refusal(value);
  if (problem) {
    const { message, hint } = sayProblem(problem);
    by("key-problem").textContent = `${message} ${hint}`;
    by("key-problem").hidden = false;
    by("key-value").select();
    return;
  }
  key.set(value);
  dialog.close();
  enter();
  const last = views.at(-1);
  if (last?.state === "failed" && isOfKey(last.problem)) last.retry();
  else if (location.hash) followAddress();
}

// --- wiring

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  if (asking) {
    stop();
    return;
  }
  const text = question.value.trim();
  question.value = "";
  grow();
  submit(text);
});
question.addEventListener("input", grow);
question.addEventListener("keydown", (event) => {
  // While an input method composes, Enter chooses a word.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  if (!asking) composer.requestSubmit();
});
thread.addEventListener("scroll", () => {
  following = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
});
turns.addEventListener("drawn", () => {
  if (following) thread.scrollTop = thread.scrollHeight;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) leavePassage();
});
by("fresh").addEventListener("click", begin);
by("kept").addEventListener("click", () =>
  openKept({
    open: reopen,
    deleted: (id) => {
      if (id === kept) begin();
    },
  }),
);
by("language").addEventListener("click", () => {
  const next = language() === "zh" ? "en" : "zh";
  localStorage.setItem(LANGUAGE, next);
  speak(next);
});
by("enter-key").addEventListener("click", askForKey);
by("key-cancel").addEventListener("click", () => dialog.close());
by("key-form").addEventListener("submit", saveKey);
by("panel-close").addEventListener("click", leavePassage);
window.addEventListener("popstate", followAddress);

speak(localStorage.getItem(LANGUAGE) ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en"));
focusQuestion();
if (location.hash) followAddress();
if (key.get()) by("enter-key").hidden = false;
if (!key.get() && (await needsKey())) askForKey();
else {
  enter();
  const last = sessionStorage.getItem(KEPT);
  if (last) await reopen(last).catch(() => keepTo(null));
}
