"""The faces: command line, HTTP, DingTalk and the chat page.

They translate between users and the chains. They decide nothing.
"""
