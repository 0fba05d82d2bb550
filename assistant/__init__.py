"""Answers questions from the documents. It imports `ingest`, and knows nothing of the faces in `api`.

The way of a question, in the order in which it goes:

    answer.py        the chain: condense, retrieve, refuse or gather the evidence, stream, cite, finish
    small_talk.py    what is no question for the documents: greetings, thanks, questions about the assistant
    introduction.py  the fixed reply to small talk: what the assistant is, what there is to search
    admission.py     who is answered now and who waits: the model takes so many at a time
    condense.py      a follow-up question becomes a query that stands alone
    follow_up.py     the same without a model: what a question leaves out is taken from the turns before it
    rewording/       a query that finds little is tried again: spelling, pinyin, synonyms, everyday words
    retrieve.py      both legs of the search, only what is current and may be read, fused into one ranking
    standings.py     which revision is current and who may read it, asked of the catalog once for each tick
    gate/            whether the hits can answer the question at all
    second_search.py  if they cannot: a chat model words the question again, and both results are merged
    refuse.py        whether an answer is itself a refusal
    nearest.py       what a refusal shows: the passages nearest to the question
    usage.py         what one answer took: tokens as the model counts them, milliseconds of each stage
    gather.py        which evidence and which turns the model is given, within its context window
    context.py       which hits become evidence, and about how many tokens a text takes
    same_text.py     copies of one text are one hit; of two editions the newer comes first
    neighbours.py    chunks that follow each other become one passage again
    prompts/         what the model is told, in Chinese and in English
    request.py       what the model is asked for, and the pieces in which its answer comes
    models/          the chat model: a server, one in this process, or quotations where there is none
    qwen/            what is known of the Qwen chat models: sizes, licences, contexts, how they think
    reading/         a model that reads: how likely each sentence of a passage answers
    quoting/         where there is no chat model: which sentence, row or list of the evidence answers
    adherence.py     an answer that begins in another language than the question's is asked for again, once
    cite.py          the model's text streams through; each citation mark is checked against its chunk
    events.py        what comes out, in order; the faces render these events and add nothing

What checking stands on:

    quote.py         the sentence or the table row that a mark stands for, and where it is
    checking/        whether a passage supports a statement: its figures, its words, its meaning
    figures.py       numbers with their units, as the choice of a row compares them
    signals/         how far a hit stands out from what does not answer
    terms.py         the words of a text that carry its content
    links.py         links and images in the model's Markdown: what must not be passed on
    code_spans.py    where a text that is still being written is code

Beside the chain:

    conversation.py  the turns before a question
    history/         conversations that the server keeps: their owners, their bounds, how each answer ended
    follow_up_words.py  the words of a question: those that ask, aspects, measures, and names of things
    pronouns.py      whether a question speaks of something that it does not name
    errors.py        what can go wrong with a model
    settings.py      the settings of answering
    warming.py       what only some questions need, loaded before one of them is asked
    sse.py           server-sent events, decoded from bytes: from a model server, and from our own
    ranking_metrics.py  how good a ranking is: hit rate, MRR, nDCG, recall; for `youju eval`, not for monitoring
"""
