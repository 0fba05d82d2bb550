// One question and its answer as the thread shows them.

import { SIGN, cells, element, render } from "./markdown.js";
import { linkTo, nameOf, Problem } from "./server.js";
import { language, say, sayPlace, sayProblem, sayWhere } from "./texts.js";

/** The view of one turn. `open(source, citation, button)` is called when the reader wants to see a source; without a
 * citation where it was found and not cited. */
export class TurnView {
  constructor(question, { open, retry }) {
    this.open = open;
    this.retry = retry;
    this.text = "";
    this.changed = [];
    this.evidence = [];
    this.citations = [];
    this.unsupported = [];
    this.nearest = [];
    this.smallTalk = false;
    this.state = "asking";
    this.problem = null;
    this.status = element("p", "status");
    this.body = element("div", "answer-text");
    this.searched = element("p", "quiet-text searched-for");
    this.notice = element("div", "notices");
    this.sources = element("section", "sources");
    this.actions = element("div", "actions");
    this.answer = element("article", "answer", this.status, this.searched, this.body, this.notice, this.sources, this.actions);
    this.asked = element("p", "asked", question);
    this.node = element("section", "turn", this.asked, this.answer);
    this.relabel();
  }

  /** Take one event of the answer. */
  take({ name, data }) {
    if (name === "searched") this.changed = data.changed;
    if (name === "evidence_found") this.evidence = data.evidence;
    if (name === "text_delta") this.text += data.text;
    if (name === "cited") this.citations.push(data);
    if (name === "unsupported") this.unsupported.push(data);
    if (name === "finished") {
      Object.assign(this, { text: data.answer, evidence: data.evidence, citations: data.citations });
      this.grounded = data.grounded;
      this.cut = data.cut;
      this.strayed = data.strayed;
      this.model = data.model;
      this.nearest = data.nearest;
      this.unsupported = data.unsupported;
      this.smallTalk = data.small_talk;
      this.state = data.refused ? "refused" : "finished";
    }
    this.draw();
  }

  /** Show an answer that was kept. What was found for it and not cited is not kept. */
  restore(exchange) {
    this.text = exchange.answer;
    this.citations = exchange.citations;
    const cited = new Map([...exchange.citations].reverse().map((each) => [each.number, { ...each, text: each.quote }]));
    this.evidence = [...cited.values()].sort((one, other) => one.number - other.number);
    this.grounded = exchange.grounded;
    this.cut = exchange.state === "cut";
    this.strayed = exchange.strayed;
    this.unsupported = exchange.unsupported;
    this.smallTalk = exchange.small_talk;
    const ended = exchange.refused ? "refused" : "finished";
    this.state = { answering: "unfinished", stopped: "stopped", left: "stopped", failed: "failed" }[exchange.state] ?? ended;
    if (this.state === "failed") this.problem = new Problem(exchange.error);
    this.relabel();
  }

  fail(problem) {
    this.state = "failed";
    this.problem = problem;
    this.draw();
  }

  stop() {
    this.state = "stopped";
    this.draw();
  }

  /** Draw again, for a change of language or once per frame while text is coming. */
  relabel() {
    this.drawn = null;
    this.draw();
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  drawNow() {
    const going = this.state === "asking";
    this.node.dataset.state = this.state;
    this.asked.setAttribute("aria-label", `${say("you")}: ${this.asked.textContent}`);
    this.answer.setAttribute("aria-label", say("answer"));
    this.answer.setAttribute("aria-busy", String(going));
    this.drawStatus(going);
    this.searched.hidden = !this.changed.length;
    this.searched.textContent = this.changed.length ? say("searchedFor", this.changed.map((change) => change.searched)) : "";
    this.drawText();
    this.notice.replaceChildren(...this.notices());
    // The sources stay as they are while the text grows, so that nobody's click lands on a moving target.
    const stage = `${this.state} ${this.evidence.length} ${this.nearest.length} ${this.text !== ""}`;
    if (stage !== this.drawn) {
      this.drawn = stage;
      this.drawSources(going);
      this.drawActions(going);
    }
    this.node.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
  }

  drawStatus(going) {
    this.status.hidden = !going || this.text !== "";
    const documents = new Set(this.evidence.map((hit) => hit.document_id)).size;
    this.status.textContent = this.evidence.length ? say("reading", this.evidence.length, documents) : say("searching");
  }

  drawText() {
    // Drawn only when it says something else, so that a marker that is being clicked stays where it is.
    const said = `${language()} ${this.evidence.length} ${this.citations.length} ${this.unsupported.length} ${this.text}`;
    if (said === this.said) return;
    this.said = said;
    const marker = (number, occurrence) => this.marker(number, occurrence);
    this.body.replaceChildren(render(this.signed(), marker, unsupportedSign));
  }

  // The text with a sign after each statement that has no support. Places are counted in characters, as in Python.
  signed() {
    if (!this.unsupported.length) return this.text;
    const ends = new Set(this.unsupported.map((statement) => statement.end));
    const characters = [...this.text.replaceAll(SIGN, "\uFFFD"), ""];
    return characters.map((character, place) => (ends.has(place) ? SIGN + character : character)).join("");
  }

  marker(number, occurrence) {
    const source = this.evidence.find((hit) => hit.number === number);
    if (!source) return null;
    const button = element("button", "marker", String(number));
    button.type = "button";
    const citation = this.citation(number, occurrence);
    const place = sayPlace((citation ?? source).location);
    const doubt = citation?.support === "not_checkable" ? say("notChecked") : "";
    if (doubt) button.classList.add("unchecked");
    button.title = [source.title, place, doubt].filter(Boolean).join(" · ");
    button.setAttribute("aria-label", say("openSource", number, button.title));
    button.addEventListener("click", () => this.open(source, this.citation(number, occurrence), button));
    return button;
  }

  // The citations of a number come in the order of its markers.
  citation(number, occurrence = 0) {
    const found = this.citations.filter((citation) => citation.number === number);
    return found[Math.min(occurrence, found.length - 1)];
  }

  // The numbers of which some statement could not be compared with its passage.
  unchecked() {
    const doubtful = this.citations.filter((citation) => citation.support === "not_checkable");
    return [...new Set(doubtful.map((citation) => citation.number))].sort((one, other) => one - other);
  }

  notices() {
    if (this.state === "failed") {
      const { message, hint, id } = sayProblem(this.problem);
      const again = element("button", "quiet", say("again"));
      again.type = "button";
      again.addEventListener("click", this.retry);
      const words = element("div", "", element("strong", "", message), element("span", "", hint), element("small", "", id));
      const notice = element("div", "problem", words, again);
      notice.setAttribute("role", "alert");
      return [notice];
    }
    if (this.state === "refused") return [element("p", "refusal-label", say("refused"))];
    if (this.state === "unfinished") return [element("p", "quiet-text", say("stillAnswering"))];
    if (this.state === "stopped") return [element("p", "quiet-text", say("stopped"))];
    if (this.state !== "finished" || this.smallTalk) return [];
    const caution = (...text) => element("p", "caution", say(...text));
    const unchecked = this.unchecked();
    const notices = this.cut ? [caution("cut")] : [];
    if (this.strayed) notices.push(caution("strayed"));
    if (!this.grounded) notices.push(caution("ungrounded"));
    else {
      if (unchecked.length) notices.push(caution("unchecked", unchecked));
      if (this.unsupported.length) notices.push(caution("unsupported", this.unsupported.length));
    }
    return notices;
  }

  drawSources(going) {
    const cited = new Set(this.citations.map((citation) => citation.number));
    const settled = !going && cited.size > 0;
    const shown = settled ? this.evidence.filter((hit) => cited.has(hit.number)) : this.evidence;
    const rest = settled ? this.evidence.filter((hit) => !cited.has(hit.number)) : [];
    this.sources.replaceChildren();
    if (this.nearest.length) {
      this.drawNearest();
      return;
    }
    if (!shown.length || (going && !this.text)) return;
    const label = settled || going ? say("sources") : say("unused");
    this.sources.append(element("h2", "", label), this.cards(shown));
    this.drawOthers(rest);
  }

  drawOthers(hits) {
    if (!hits.length) return;
    this.sources.append(element("details", "", element("summary", "", say("others", hits.length)), this.cards(hits)));
  }

  // The passages nearest to a refused question: they open as sources do, and have no numbers, for nothing cites them.
  drawNearest() {
    const near = this.nearest.map((hit) => element("li", "", this.nearCard(hit)));
    this.sources.append(element("h2", "", say("nearest")), element("ol", "cards nearest", ...near));
    const shown = new Set(this.nearest.map((hit) => hit.chunk_id));
    this.drawOthers(this.evidence.filter((hit) => !shown.has(hit.chunk_id)));
  }

  nearCard(hit) {
    const title = hit.title || nameOf(hit.uri);
    const where = sayWhere(hit.location, hit.title);
    const button = element(
      "button",
      "card nearest",
      element("span", "title", title),
      element("span", "where", where || nameOf(hit.uri)),
      element("span", "snippet", snippet(hit.quote || hit.text)),
    );
    button.type = "button";
    button.setAttribute("aria-label", say("openNearest", [title, where].filter(Boolean).join(" · ")));
    button.addEventListener("click", () => this.open(hit, hit, button));
    return button;
  }

  cards(hits) {
    return element("ol", "cards", ...hits.map((hit) => element("li", "", this.card(hit))));
  }

  card(hit) {
    const doubt = this.unchecked().includes(hit.number) ? say("notChecked") : "";
    const where = [sayWhere(hit.location, hit.title), doubt].filter(Boolean).join(" · ");
    const button = element(
      "button",
      "card",
      element("span", "number", String(hit.number)),
      element("span", "title", hit.title || nameOf(hit.uri)),
      element("span", "where", where || nameOf(hit.uri)),
    );
    button.type = "button";
    button.setAttribute("aria-label", say("openSource", hit.number, [hit.title, where].filter(Boolean).join(" · ")));
    button.addEventListener("click", () => this.open(hit, this.citation(hit.number), button));
    return button;
  }

  drawActions(going) {
    this.actions.replaceChildren();
    if (going || !this.text || this.state === "refused") return;
    const copy = element("button", "quiet small", say("copy"));
    copy.type = "button";
    copy.addEventListener("click", async () => {
      copy.textContent = (await copied(this.plain())) ? say("copied") : say("copyFailed");
      setTimeout(() => (copy.textContent = say("copy")), 1600);
    });
    this.actions.append(copy);
  }

  plain() {
    const cited = new Set(this.citations.map((citation) => citation.number));
    const lines = this.evidence
      .filter((hit) => cited.has(hit.number))
      .map((hit) => [`[${hit.number}] ${hit.title || nameOf(hit.uri)}`, sayWhere(hit.location, hit.title), linkTo(hit)])
      .map((parts) => parts.filter(Boolean).join(" · "));
    const cautions = this.notices().filter((notice) => notice.classList.contains("caution"));
    const warning = cautions.map((notice) => notice.textContent);
    const parts = [this.text, ...warning, lines.length ? `${say("sources")}\n${lines.join("\n")}` : ""];
    return parts.filter(Boolean).join("\n\n");
  }
}

// What stands after a statement that the passages do not support, where the mark would be.
function unsupportedSign() {
  const sign = element("span", "unsupported", "?");
  sign.title = say("noSupport");
  sign.setAttribute("role", "note");
  sign.setAttribute("aria-label", say("noSupport"));
  return sign;
}

const SNIPPET_CHARS = 160;

// The beginning of a passage in one line. The cells of a table's row are divided by dots.
function snippet(text) {
  const lines = text.split("\n").filter((line) => !/^[\s|:-]+$/.test(line));
  const words = lines.map((line) => (/^\s*\|/.test(line) ? cells(line).filter(Boolean).join(" · ") : line));
  const flat = words.join(" ").replace(/\s+/g, " ").trim();
  return flat.length <= SNIPPET_CHARS ? flat : `${flat.slice(0, SNIPPET_CHARS).trimEnd()}…`;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages over plain HTTP on another machine have no clipboard of the new kind.
    const field = element("textarea", "unseen");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
