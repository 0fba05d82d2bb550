"""Reads mail files (EML) and mail that Outlook saved (MSG): sender, recipients and date, the body,
and the attachments.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from typing import Any

from ingest.document import Element
from ingest.parse.extracted import Attachment, Extracted
from ingest.parse.html_word_markdown import read_html
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.in_pages import PagePictures
from ingest.parse.properties import stated
from ingest.parse.refusals import refuse
from ingest.parse.text import encoding
from ingest.parse.text.plain import read_text

_FIELDS = ("Subject", "From", "To", "Cc", "Date")
_NARROW_CHARSET = re.compile(rb"""(charset="?|=\?)(?:gb2312|gbk)(?=["?;\s])""", re.I)
_UNREADABLE = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature",
                         "application/ms-tnef", "text/x-vcard", "text/calendar"})  # fmt: skip
_MAX_HEADER_CHARACTERS = 20_000
_MAX_DATE_CHARACTERS = 100
_MAX_GRAMMAR_CHARACTERS = 1000
"""A header is cut to the first limit. Only as many characters as the second limit are parsed as addresses and
parameters, because the standard library needs seconds to parse a few thousand characters.
"""
_HTML_BODY, _SHORT_NAME, _SHOWN_NAME, _CONTENT_ID = 0x1013, 0x3704, 0x3001, 0x3712
_EMBEDDED_MESSAGE = "3701000D"
_SHORT_HEAD_BYTES = 24


class _Policy(EmailPolicy):
    """The policy of the standard library. A long header is only decoded, word by word."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        if len(value) > _MAX_GRAMMAR_CHARACTERS:
            if not name.lower().startswith("content-"):
                return _decoded(value[:_MAX_HEADER_CHARACTERS])
            value = value[:_MAX_GRAMMAR_CHARACTERS]
        try:
            return super().header_fetch_parse(name, value)
        except RecursionError:  # nested brackets
            return _decoded(value)


def _decoded(header: str) -> str:
    """Returns a header as one line with its encoded words decoded. Nothing else in it is interpreted."""
    line = " ".join(header.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
    try:
        return str(make_header(decode_header(line)))
    except (MessageError, ValueError, LookupError):
        return line


def opened_mail(data: bytes) -> EmailMessage:
    """Returns a mail, or anything else that has the form of one."""
    data = _NARROW_CHARSET.sub(rb"\1gb18030", data)
    return message_from_bytes(data, policy=_Policy())  # type: ignore[arg-type]


def read_eml(data: bytes, name: str, pictures: Pictures) -> Extracted:
    """Read a mail. The subject is the title, sender, recipients and date are the first paragraph, and the body follows
    with the words in its pictures. The attachments are not read yet.

    If a body has several forms, the HTML is read. Raises `encrypted` for S/MIME and PGP.
    """
    message = opened_mail(data)
    if message.get_content_type() == "multipart/encrypted" or _is_enveloped(message):
        raise refuse("encrypted", name, "the mail is encrypted to its recipients")
    fields = {field: _header(message, field) for field in _FIELDS}
    inline = _inline_pictures(message)
    words_of = PagePictures(pictures, lambda address: inline.get(address.removeprefix("cid:")))
    body = [element for part in _bodies(message) for element in _read_body(part, words_of)]
    body.extend(Element("paragraph", text) for data in inline.values() for text in pictures.texts(data))
    return _mail(fields, body, tuple(_attached(message)))


def read_msg(data: bytes, name: str, pictures: Pictures) -> Extracted:
    """Read a mail that Outlook saved. The result is like that of `read_eml`."""
    from oxmsg import Message as OutlookMessage

    message = OutlookMessage.load(data)
    if "encrypted" in message.message_headers.get("Content-Type", "") or message.message_class.endswith(".SMIME"):
        raise refuse("encrypted", name, "the mail is encrypted to its recipients")
    return _outlook(message, pictures)


def _outlook(message: Any, pictures: Pictures) -> Extracted:
    headers = {key.lower(): value for key, value in message.message_headers.items()}
    recipients = ", ".join(_recipient(person) for person in message.recipients)
    sent = message.sent_date
    fields = {
        "Subject": message.subject,
        "From": message.sender or "",
        "To": headers.get("to") or recipients,
        "Cc": headers.get("cc") or "",
        "Date": headers.get("date") or (email.utils.format_datetime(sent) if sent else ""),
    }
    return _mail(fields, _outlook_body(message, pictures), tuple(_outlook_attached(message, pictures)))


def _recipient(person: Any) -> str:
    address = person.email_address or ""
    return f"{person.name} <{address}>" if person.name and person.name != address else address


def _outlook_body(message: Any, pictures: Pictures) -> list[Element]:
    inline: dict[str, bytes] = {}
    for attachment in message.attachments:
        identity = attachment.properties.str_prop_value(_CONTENT_ID)
        if _is_inline(attachment.mime_type or "", identity) and attachment.file_bytes is not None:
            inline[identity] = attachment.file_bytes
    words_of = PagePictures(pictures, lambda address: inline.get(address.removeprefix("cid:")))
    raw = message.properties.binary_prop_value(_HTML_BODY)
    if html := encoding.decode(raw, declared=True) if raw else message.html_body:
        body = list(read_html(html, words_of=words_of).elements)
    else:
        body = list(read_text((message.body or "").replace("\r\n", "\n")).elements)
    left = (text for data in inline.values() for text in pictures.texts(data))
    return [*body, *(Element("paragraph", text) for text in left)]


def _outlook_attached(message: Any, pictures: Pictures) -> Iterator[Attachment]:
    for number, attachment in enumerate(message.attachments, 1):
        properties = attachment.properties
        name = attachment.file_name or properties.str_prop_value(_SHORT_NAME) or properties.str_prop_value(_SHOWN_NAME)
        data = attachment.file_bytes
        if data is None:
            inner = _outlook_inner(attachment._storage)
            content = _outlook(inner, pictures) if inner is not None else None
            yield Attachment(name or (content.title if content else None) or f"{number}", None, content)
        elif not _is_inline(attachment.mime_type or "", properties.str_prop_value(_CONTENT_ID)):
            yield Attachment(name or f"{number}", data)


def _outlook_inner(storage: Any) -> Any | None:
    """Returns a mail that is attached as a message, not as a file. Returns None if there is none."""
    from oxmsg import Message as OutlookMessage
    from oxmsg.storage import Storage, Stream

    inner = next((part for part in storage.storages if part.name.endswith(_EMBEDDED_MESSAGE)), None)
    if inner is None:
        return None
    # The head of its properties is eight bytes shorter than the head in a separate mail file.
    streams = tuple(
        Stream(
            stream.path, stream.bytes_[:_SHORT_HEAD_BYTES] + bytes(8) + stream.bytes_[_SHORT_HEAD_BYTES:]
        ) if stream.name == "__properties_version1.0" else stream
        for stream in inner.streams
    )  # fmt: skip
    return OutlookMessage(Storage(inner.path, streams, inner.storages))


def _is_inline(mime_type: str, content_id: str | None) -> bool:
    """Returns True for a picture that the body shows, such as the logo in a signature."""
    return bool(content_id) and mime_type.startswith("image/")


def _mail(fields: dict[str, str], body: list[Element], attachments: tuple[Attachment, ...]) -> Extracted:
    lines = "\n".join(f"{name}: {value}" for name, value in fields.items() if value and name != "Subject")
    head = [Element("title", fields["Subject"])] if fields["Subject"] else []
    if lines:
        head.append(Element("paragraph", lines))
    metadata = stated(_name_of(fields["From"]), _moment(fields["Date"]))
    return Extracted((*head, *body), fields["Subject"] or None, metadata=metadata, attachments=attachments)


def _name_of(sender: str) -> str:
    """Returns the name of a sender such as `"Li Na" <li@example.com>`, or the address if there is no name."""
    name, _, address = sender.partition("<")
    return name.strip(" \"'") or address.strip("> ")


def _moment(date: str) -> datetime | None:
    try:
        return email.utils.parsedate_to_datetime(date[:_MAX_DATE_CHARACTERS])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _header(message: Message, field: str) -> str:
    """Returns a header as one line. It is cut if it is longer than any real mail needs."""
    try:
        return " ".join(str(message.get(field) or "")[:_MAX_HEADER_CHARACTERS].split())
    except (ValueError, LookupError, AttributeError, TypeError):
        return ""  # the standard library fails on some malformed headers


def _is_enveloped(message: EmailMessage) -> bool:
    return message.get_content_subtype() in ("pkcs7-mime", "x-pkcs7-mime") and (
        message.get_param("smime-type", "enveloped-data") != "signed-data"
    )


def _bodies(part: Message) -> list[EmailMessage]:
    """Returns the parts that are the mail's own text. If the same text has several forms, it returns the HTML form."""
    if part.get_content_maintype() == "multipart":
        inner = part.get_payload()
        forms = [_bodies(child) for child in inner if isinstance(child, Message)] if isinstance(inner, list) else []
        if part.get_content_type() != "multipart/alternative":
            return [leaf for form in forms for leaf in form]
        html = [form for form in forms if any(leaf.get_content_subtype() == "html" for leaf in form)]
        return next((form for form in [*html[::-1], *forms] if form), [])
    return [part] if isinstance(part, EmailMessage) and _is_own_text(part) else []


def _is_own_text(part: EmailMessage) -> bool:
    is_text = part.get_content_type() in ("text/html", "text/plain")
    return is_text and part.get_content_disposition() != "attachment" and not _file_name(part)


def _read_body(part: EmailMessage, words_of: PagePictures) -> tuple[Element, ...]:
    if part.get_content_subtype() == "html":
        return read_html(text_of(part), words_of=words_of).elements
    return read_text(text_of(part)).elements


def _inline_pictures(message: Message) -> dict[str, bytes]:
    """Returns the pictures that the body shows, by the names that it has for them."""
    found: dict[str, bytes] = {}
    for part in leaves(message):
        identity = str(part.get("Content-ID") or "").strip().strip("<>")
        is_attached = part.get_content_disposition() == "attachment"
        if not is_attached and _is_inline(part.get_content_type(), identity):
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                found[identity] = payload
    return found


def text_of(part: EmailMessage) -> str:
    """Returns the text of a part, in the encoding that it states or looks like."""
    payload = part.get_payload(decode=True)
    return encoding.decode(payload, charset=part.get_content_charset()) if isinstance(payload, bytes) else ""


def _attached(message: Message) -> Iterator[Attachment]:
    for number, part in enumerate(leaves(message), 1):
        kind = part.get_content_type()
        if kind in _UNREADABLE or _is_own_text(part):
            continue
        if part.get_content_disposition() != "attachment" and _is_inline(kind, part.get("Content-ID")):
            continue
        name = _file_name(part)
        if kind == "message/rfc822":
            inner = part.get_payload()
            mail = inner[0] if isinstance(inner, list) and inner else None
            subject = _header(mail, "Subject") if isinstance(mail, Message) else ""
            yield Attachment(name or f"{subject or number}.eml", mail.as_bytes() if isinstance(mail, Message) else None)
        elif isinstance(payload := part.get_payload(decode=True), bytes) and (payload.strip() or name):
            if part.get_content_maintype() == "text":
                payload = text_of(part).encode("utf-8", "replace")
            yield Attachment(name or f"{number}.{part.get_content_subtype()}", payload)


def _file_name(part: EmailMessage) -> str:
    try:
        return " ".join((part.get_filename() or "").split())
    except (ValueError, LookupError, TypeError):
        return ""


def leaves(message: Message) -> Iterator[EmailMessage]:
    """Yields the parts without parts of their own, in order. A mail inside the mail is one of them."""
    stack: list[Any] = [message]
    while stack:
        part = stack.pop()
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            stack.extend(reversed(inner))
        else:
            yield part
