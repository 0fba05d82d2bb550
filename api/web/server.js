// The page's side of the HTTP interface: questions as a stream of events, passages, pages, originals, and the key.

const KEY = "youju-key";

/** What went wrong, with the server's stable code. */
export class Problem extends Error {
  constructor(code, message = "", hint = "", requestId = "") {
    super(message);
    this.code = code;
    this.hint = hint;
    this.requestId = requestId;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
};

async function call(path, options = {}, sent = key.get()) {
  const headers = { ...options.headers };
  if (sent) headers.authorization = `Bearer ${sent}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("unreachable");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw problemOf(body.error ?? { code: "internal_error" });
}

function problemOf(error) {
  return new Problem(error.code, error.message, error.hint, error.request_id);
}

/** Ask, and get `{name, data}` for every event until the answer is finished. `beside` has the earlier turns as
 * `conversation`, or the `conversation_id` of one that the server keeps, and perhaps `sources`. Throws a Problem. */
export async function* ask(question, beside, signal) {
  const accept = { accept: "text/event-stream", "accept-language": pageLanguage() };
  const response = await call("/v1/ask", { ...json("POST", { question, ...beside, stream: true }, accept), signal });
  for await (const event of events(response.body)) {
    if (event.name === "failed") throw problemOf(event.data.error);
    yield event;
    if (event.name === "finished") return;
  }
  throw new Problem("incomplete");
}

/** The language of the page, in the form that the browser prefers (zh-TW, not just zh): a question may have none. */
function pageLanguage() {
  const shown = document.documentElement.lang;
  return navigator.languages.find((name) => name.slice(0, 2) === shown.slice(0, 2)) ?? shown;
}

function json(method, body, headers = {}) {
  return { method, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** A page of the conversations that the server keeps for us, the newest first; `keeps` says whether it does. With
 * `words`, only those in which these stand. */
export async function conversations(limit, cursor = null, words = "") {
  const query = new URLSearchParams({ limit, ...(cursor && { cursor }), ...(words && { q: words }) });
  return (await call(`/v1/conversations?${query}`)).json();
}

/** Begin a conversation that the server keeps: its id. */
export async function beginConversation(signal) {
  const response = await call("/v1/conversations", { ...json("POST", {}), signal });
  return (await response.json()).conversation_id;
}

const conversationPath = (id) => `/v1/conversations/${encodeURIComponent(id)}`;

/** A conversation with its questions and answers. */
export async function keptConversation(id) {
  return (await call(conversationPath(id))).json();
}

export async function renameConversation(id, title) {
  return (await call(conversationPath(id), json("PATCH", { title }))).json();
}

export async function deleteConversation(id) {
  await call(conversationPath(id), { method: "DELETE" });
}

/** Stop what is being answered in a conversation, also where the server finishes answers whose reader leaves. */
export async function stopAnswers(id) {
  await call(`${conversationPath(id)}/stop`, { method: "POST" });
}

/** A conversation as Markdown, as a blob. */
export async function exportedConversation(id) {
  return (await call(`${conversationPath(id)}/export`)).blob();
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (waiting + value).split("\n\n");
      waiting = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("incomplete");
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}

// Who is not the operator sees the name of a file and not its folder.
const EXAMPLE = /(?:^|[\\/]examples[\\/])[^\\/]+$/;
const EXAMPLES_MOST = 40;

/** What one may read here: "none", the "examples" of the invented company alone, or documents of one's "own". */
export async function documentsAre() {
  const { documents } = await (await call(`/v1/documents?limit=${EXAMPLES_MOST}`)).json();
  if (!documents.length) return "none";
  const invented = documents.some(({ uri }) => nameOf(uri) === "LX-24-user-manual.pdf");
  return invented && documents.every(({ uri }) => EXAMPLE.test(uri)) ? "examples" : "own";
}

/** A passage with its neighbours and its document. */
export async function passage(documentId, chunkId) {
  const path = `/v1/documents/${encodeURIComponent(documentId)}/passages/${encodeURIComponent(chunkId)}`;
  return (await call(path)).json();
}

/** The address under which this page opens a passage. */
export function linkTo({ document_id, chunk_id }) {
  return new URL(`#/documents/${document_id}/passages/${chunk_id}`, location.href).href;
}

/** The last part of a document's address: its file name. */
export function nameOf(uri) {
  return uri.split(/[\\/]/).pop() || uri;
}

/** A page of a document as a picture, as a blob. */
export async function pageImage(documentId, page) {
  return (await call(`/v1/documents/${encodeURIComponent(documentId)}/pages/${page}.png?width=1400`)).blob();
}

/** Where the original of a document is downloaded from. */
export function originalPath(documentId) {
  return `/v1/documents/${encodeURIComponent(documentId)}/original`;
}

/** The original as a blob: for pages with a key, since a plain link cannot carry one. */
export async function original(documentId) {
  return (await call(originalPath(documentId))).blob();
}

/** Whether that problem is that the server did not take our key. */
export function isOfKey(problem) {
  return ["unauthorized", "invalid_api_key", "too_many_wrong_keys"].includes(problem.code);
}

/** Whether this server wants a key that we do not have. */
export async function needsKey() {
  const problem = await refusal(key.get());
  return problem !== null && isOfKey(problem);
}

/** Why the server does not take `value` as a key, as a Problem; null where it does. */
export async function refusal(value) {
  // Other characters cannot be sent in a header, and no key has them.
  if (value && !/^[\x21-\x7e]+$/.test(value)) return new Problem("invalid_api_key");
  try {
    await call("/v1/models", {}, value);
    return null;
  } catch (problem) {
    return problem;
  }
}
