"""The chat model seam: LangChain's `BaseChatModel`, one module per kind of model.

`extractive` quotes the evidence (no model configured), `server` speaks to any OpenAI-compatible server,
`local` runs a transformers chat model in this process.
"""
