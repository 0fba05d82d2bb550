// Everything the page says, in both languages, and where a passage stands in words.

const TEXTS = {
  zh: {
    title: "有据",
    skip: "跳到提问框",
    fresh: "新对话",
    kept: "对话记录",
    keptTitle: "对话记录",
    keptNone: "还没有保存的对话。",
    keptSearch: "在对话记录里查找",
    keptNoMatch: "没有包含这些词的对话。",
    keptMore: "更早的对话",
    keptCount: (count) => `${count} 个问题`,
    keptRename: "改名",
    keptRenameOf: (title) => `改名：${title}`,
    keptTitleOf: (title) => `「${title}」的新名称`,
    keptSave: "保存",
    keptExport: "下载",
    keptExportOf: (title) => `下载：${title}`,
    keptDelete: "删除",
    keptDeleteOf: (title) => `删除：${title}`,
    keptReally: "确认删除？",
    stillAnswering: "这个回答还在写，请稍后再打开。",
    key: "密钥",
    language: "English",
    languageLabel: "Switch to English",
    welcome: "每句话，都有据可查",
    promise: "用中文或英文提问。答案只取自公司文档，并标明出处；文档里没有的，会如实告诉您。",
    noDocuments: "这里还没有您可以查阅的文档。在服务器上运行 youju ingest 文件夹，或者通过 HTTP 上传（POST /v1/documents），就能收录文档。",
    question: "您的问题",
    placeholder: "问问公司的文档…",
    note: "答案来自文档，重要事项请点开出处核对。",
    noModel: "尚未配置对话模型：回答是文档原文的摘录。",
    send: "发送",
    stop: "停止",
    searching: "正在检索文档…",
    searchedFor: (words) => `已按${words.map((word) => `「${word}」`).join("")}搜索。`,
    reading: (passages, documents) => `找到 ${documents} 份文档中的 ${passages} 段，正在作答…`,
    sources: "出处",
    others: (count) => `另外找到的 ${count} 段`,
    unused: "找到的段落",
    nearest: "最接近的内容（不是答案）",
    openSource: (number, title) => `打开出处 ${number}：${title}`,
    openNearest: (title) => `打开段落：${title}`,
    copy: "复制",
    copied: "已复制",
    copyFailed: "无法复制",
    refused: "文档中没有找到依据",
    strayed: "模型没有用提问的语言回答。",
    ungrounded: "这个回答没有能核实的出处，请谨慎使用。",
    cut: "回答太长，后面的内容被截断了。请把问题问得更具体。",
    unchecked: (numbers) => `${numbers.map((n) => `[${n}]`).join(" ")} 未能与原文核对，请打开原文确认。`,
    unsupported: (count) => `有 ${count} 处陈述在所引原文中找不到依据，未加编号。`,
    noSupport: "所引原文不支持这句话",
    notChecked: "未核对",
    stopped: "已停止。",
    again: "重试",
    done: "回答完毕",
    answer: "回答",
    you: "您",
    close: "关闭",
    loading: "正在打开…",
    original: "下载原文件",
    originalGone: "原文件已不在原处。",
    downloading: "正在下载…",
    page: (n) => `第 ${n} 页`,
    pageImage: (n, title) => `《${title}》第 ${n} 页，标出了引用的段落`,
    enlarge: "放大",
    slide: (n) => `第 ${n} 张幻灯片`,
    sheet: (name, cells) => `工作表「${name}」${cells ?? ""}`,
    keyTitle: "API 密钥",
    keyWhy:
      "这台服务器需要密钥。提问和阅读用读者密钥即可；管理员密钥能做任何改动，请不要在这里使用。密钥只保存在此标签页中，关闭后即删除。",
    keySave: "保存",
    cancel: "取消",
    problems: {
      unreachable: ["连不上服务器。", "请检查网络，或确认服务已启动，然后重试。"],
      incomplete: ["回答中断了。", "请重试。"],
      unauthorized: ["需要有效的 API 密钥。", "请输入密钥后重试。"],
      invalid_api_key: ["密钥不对。", "请检查后重新输入。"],
      too_many_wrong_keys: ["错误的密钥输入得太多了。", "请稍候再试；正确的密钥不受影响。"],
      operators_only: ["这个密钥只能提问和阅读。", "如需更多权限，请联系管理员。"],
      question_too_long: ["问题太长了。", "请缩短后再问。"],
      body_too_large: ["对话太长了。", "请开始新对话。"],
      conversation_full: ["这个对话已经满了。", "请开始新对话。"],
      unknown_source: ["这个地址里指定的来源不存在，或您无权查看。", "请检查地址里的 sources，或把它去掉。"],
      answer_stopped: ["回答已停止。", "需要完整的回答，请再问一次。"],
      too_many_conversations: ["保存的对话已经达到上限。", "请在「对话记录」里删掉一些，再开始新的。"],
      unknown_conversation: ["这个对话已经不在了。", "它可能被删除了，或者过了保留期。请开始新对话。"],
      model_unreachable: ["语言模型没有响应。", "找到的段落列在下面；请稍后重试，或联系管理员。"],
      model_silent: ["语言模型太慢，没有在限定时间内回答。", "找到的段落列在下面；请稍后重试。"],
      too_many_questions: ["现在提问的人太多。", "请过一会儿再问。"],
      model_busy: ["语言模型正忙。", "找到的段落列在下面；请稍后重试。"],
      model_broken: ["语言模型没能作答。", "找到的段落列在下面；请重试，如仍有问题，请联系管理员。"],
      model_stream_cut: ["语言模型答到一半中断了。", "找到的段落列在下面；请重试。"],
      model_context_exceeded: ["内容超出了语言模型的长度限制。", "请开始新对话；如仍有问题，请联系管理员。"],
      model_misconfigured: ["语言模型没有配置好。", "找到的段落列在下面；请联系管理员。"],
      question_empty: ["问题是空的。", "请输入问题。"],
      search_unavailable: ["暂时无法检索文档。", "请稍后重试；如仍有问题，请联系管理员。"],
      search_misconfigured: ["检索没有配置好。", "请联系管理员。"],
      original_changed: ["原文件在收录之后有改动。", "重新收录后再提问即可。"],
      unknown_original: ["原文件已不在原处。", ""],
      original_unreadable: ["服务器无法读取原文件。", "请联系管理员。"],
      renderer_busy: ["正在绘制其他页面。", "请稍后重试。"],
      not_renderable: ["这一页无法显示。", "请下载原文件查看。"],
      unknown_document: ["这份文档不存在，或您无权查看。", ""],
      unknown_passage: ["这一段已不在文档中。", "文档在引用之后有了更新，请重新提问。"],
      internal_error: ["服务器出错了。", "请稍后重试；如仍有问题，请把编号告诉管理员。"],
    },
    requestId: (id) => `编号 ${id}`,
    examples: [
      "试用期内离职要提前几天通知？",
      "密码长度至少多少位？",
      "发现数据泄露等安全事件应该拨打哪个热线？",
      "Within how many days do I have to submit an expense claim?",
    ],
  },
  en: {
    title: "Youju",
    skip: "Skip to the question",
    fresh: "New chat",
    kept: "Conversations",
    keptTitle: "Conversations",
    keptNone: "No conversations are kept yet.",
    keptSearch: "Search the conversations",
    keptNoMatch: "No conversation has these words.",
    keptMore: "Earlier conversations",
    keptCount: (count) => `${count} ${count === 1 ? "question" : "questions"}`,
    keptRename: "Rename",
    keptRenameOf: (title) => `Rename: ${title}`,
    keptTitleOf: (title) => `New name of “${title}”`,
    keptSave: "Save",
    keptExport: "Download",
    keptExportOf: (title) => `Download: ${title}`,
    keptDelete: "Delete",
    keptDeleteOf: (title) => `Delete: ${title}`,
    keptReally: "Really delete?",
    stillAnswering: "This answer is still being written. Open it again later.",
    key: "Key",
    language: "中文",
    languageLabel: "切换到中文",
    welcome: "Answers that show their evidence",
    promise:
      "Ask in English or Chinese. Every answer comes from your company’s documents and shows where it stands. When they don’t say, you are told so.",
    noDocuments:
      "There are no documents here yet that you may read. Bring some in with youju ingest FOLDER on the server, or upload them over HTTP (POST /v1/documents).",
    question: "Your question",
    placeholder: "Ask your company’s documents…",
    note: "Answers come from the documents. Open the source before you rely on one.",
    noModel: "No chat model is configured: answers are quotations.",
    send: "Send",
    stop: "Stop",
    searching: "Searching the documents…",
    searchedFor: (words) => `Searched for ${words.map((word) => `“${word}”`).join(", ")}.`,
    reading: (passages, documents) =>
      `Found ${passages} ${passages === 1 ? "passage" : "passages"} in ${documents} ${documents === 1 ? "document" : "documents"}, answering…`,
    sources: "Sources",
    others: (count) => `${count} more found`,
    unused: "Passages found",
    nearest: "Closest passages (not an answer)",
    openSource: (number, title) => `Open source ${number}: ${title}`,
    openNearest: (title) => `Open passage: ${title}`,
    copy: "Copy",
    copied: "Copied",
    copyFailed: "Cannot copy",
    refused: "No evidence in the documents",
    strayed: "The model did not answer in the language of the question.",
    ungrounded: "No source of this answer could be verified. Use it with care.",
    cut: "The answer was too long and its end was cut off. Ask something more specific.",
    unchecked: (numbers) =>
      `${numbers.map((n) => `[${n}]`).join(" ")} could not be checked against the source. Read it there before you rely on it.`,
    unsupported: (count) =>
      count === 1
        ? "One statement has no support in the passage that was cited for it, and no mark."
        : `${count} statements have no support in the passages that were cited for them, and carry no mark.`,
    noSupport: "The passage that was cited does not support this statement",
    notChecked: "not checked",
    stopped: "Stopped.",
    again: "Try again",
    done: "The answer is complete",
    answer: "Answer",
    you: "You",
    close: "Close",
    loading: "Opening…",
    original: "Download the original",
    originalGone: "The original file is no longer there.",
    downloading: "Downloading…",
    page: (n) => `page ${n}`,
    pageImage: (n, title) => `Page ${n} of ${title}, the cited passage marked`,
    enlarge: "Enlarge",
    slide: (n) => `slide ${n}`,
    sheet: (name, cells) => `sheet “${name}”${cells ? ` ${cells}` : ""}`,
    keyTitle: "API key",
    keyWhy:
      "This server needs a key. To ask and read, the reader key is enough; the operator’s key may change everything and does not belong here. The key is kept in this tab only, and forgotten when you close it.",
    keySave: "Save",
    cancel: "Cancel",
    problems: {
      unreachable: ["The server cannot be reached.", "Check the network, or that the server runs, and try again."],
      incomplete: ["The answer broke off.", "Try again."],
      unauthorized: ["A valid API key is needed.", "Enter it and try again."],
      invalid_api_key: ["This key is not valid.", "Check it and enter it again."],
      too_many_wrong_keys: ["Too many wrong keys were entered.", "Try again in a moment; the right key is taken at once."],
      operators_only: ["This key may ask and read, and nothing else.", "Tell your administrator if you need more."],
      question_too_long: ["The question is too long.", "Shorten it and ask again."],
      body_too_large: ["The conversation has grown too long.", "Start a new chat."],
      conversation_full: ["This conversation is full.", "Start a new chat."],
      unknown_source: ["There is no such source as the address names, or you may not read it.", "Check `sources` in the address, or leave it out."],
      answer_stopped: ["The answer was stopped.", "Ask again for a whole one."],
      too_many_conversations: ["There are as many conversations as can be kept.", "Delete some under Conversations, then start a new one."],
      unknown_conversation: ["This conversation is no longer there.", "It may have been deleted, or was kept for long enough. Start a new chat."],
      model_unreachable: [
        "The language model does not respond.",
        "The passages that were found are below. Try again later, or tell your administrator.",
      ],
      model_silent: ["The language model took too long.", "The passages that were found are below. Try again later."],
      too_many_questions: ["Too many questions are being answered.", "Ask again in a moment."],
      model_busy: ["The language model is busy.", "The passages that were found are below. Try again in a moment."],
      model_broken: [
        "The language model could not answer.",
        "The passages that were found are below. Try again; if it stays, tell your administrator.",
      ],
      model_stream_cut: [
        "The language model broke off in the middle.",
        "The passages that were found are below. Try again.",
      ],
      model_context_exceeded: [
        "This was more than the language model can take.",
        "Start a new chat; if it stays, tell your administrator.",
      ],
      model_misconfigured: [
        "The language model is not set up properly.",
        "The passages that were found are below. Tell your administrator.",
      ],
      question_empty: ["The question is empty.", "Type a question."],
      search_unavailable: [
        "The documents cannot be searched at the moment.",
        "Try again later; if it stays, tell your administrator.",
      ],
      search_misconfigured: ["The search is not set up properly.", "Tell your administrator."],
      original_changed: ["The original file has changed since it was ingested.", "Have it ingested again, then ask again."],
      unknown_original: ["The original file is no longer there.", ""],
      original_unreadable: ["The server cannot read the original file.", "Tell your administrator."],
      renderer_busy: ["Other pages are still being drawn.", "Try again in a moment."],
      not_renderable: ["This page cannot be shown.", "Download the original to see it."],
      unknown_document: ["This document does not exist, or you may not read it.", ""],
      unknown_passage: ["This passage is not in the document any more.", "The document has changed since it was cited: ask again."],
      internal_error: ["Something went wrong on the server.", "Try again later; if it stays, tell your administrator the id."],
    },
    requestId: (id) => `id ${id}`,
    examples: [
      "Within how many days do I have to submit an expense claim?",
      "What is the hotel limit per night in Shanghai?",
      "When does a VPN session end?",
      "法定节假日加班工资按几倍计算？",
    ],
  },
};

// Codes of the server that are said in the words of another: whoever asks can do the same about them.
const SAME = {
  answer_incomplete: "incomplete",
  server_stopping: "incomplete",
  model_closed: "model_busy",
  model_down: "model_unreachable",
  model_slow_start: "model_silent",
  model_slow: "model_silent",
  model_rejected: "model_broken",
  model_empty: "model_broken",
  model_failed: "model_broken",
  model_protocol: "model_misconfigured",
  model_unauthorized: "model_misconfigured",
  model_unknown: "model_misconfigured",
  model_missing: "model_misconfigured",
  prompt_cut: "model_misconfigured",
  model_not_loaded: "model_misconfigured",
  model_remote_code: "model_misconfigured",
  quantization_not_installed: "model_misconfigured",
  quantized_already: "model_misconfigured",
  model_too_large: "model_misconfigured",
  model_without_template: "model_misconfigured",
  database_unavailable: "search_unavailable",
  index_failed: "search_unavailable",
  index_closed: "search_unavailable",
  qdrant_unreachable: "search_unavailable",
  qdrant_busy: "search_unavailable",
  qdrant_failed: "search_unavailable",
  embedding_server_down: "search_unavailable",
  embedding_server_timeout: "search_unavailable",
  embedding_server_failed: "search_unavailable",
  embedding_server_refused: "search_misconfigured",
  qdrant_denied: "search_misconfigured",
  collection_missing: "search_misconfigured",
  renderer_closed: "renderer_busy",
  unknown_page: "not_renderable",
};

let current = "en";

export function setLanguage(language) {
  current = language in TEXTS ? language : "en";
}

export function language() {
  return current;
}

/** The text of that name in the page's language; functions are called with the rest. */
export function say(name, ...values) {
  const text = TEXTS[current][name];
  return typeof text === "function" ? text(...values) : text;
}

/** A problem in words: what happened and the way out. Ours where we know the code, else the server's own. */
export function sayProblem(problem) {
  const { problems } = TEXTS[current];
  const own = problem.message ? [problem.message, problem.hint] : problems.internal_error;
  const [message, hint] = problems[SAME[problem.code] ?? problem.code] ?? own;
  const shown = problem.requestId && !["unauthorized", "question_too_long"].includes(problem.code);
  return { message, hint, id: shown ? say("requestId", problem.requestId.slice(0, 12)) : "" };
}

/** Where in its document a passage stands: `page 3`, `第 3 页`; empty where the format has no places. */
export function sayPlace(location) {
  if (location.page !== null) return say("page", location.page);
  if (location.slide !== null) return say("slide", location.slide);
  if (location.sheet !== null) return say("sheet", location.sheet, location.cells);
  return "";
}

/** The same with the headings above the passage, those left out that say again what title or place say. */
export function sayWhere(location, title) {
  const path = location.heading_path.filter((part) => part !== title && part !== location.sheet);
  return [sayPlace(location), path.join(" › ")].filter(Boolean).join(" · ");
}
