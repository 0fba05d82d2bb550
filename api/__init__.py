"""The faces: command line, HTTP, DingTalk and the chat page. They translate; they do not decide."""
