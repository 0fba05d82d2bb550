"""The chat page, in a real browser: asks, streams, shows sources, opens passages, and says what went wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import api
from api.app import create_app
from api.security.keys import EVERYBODY
from assistant.conversation import Turn
from assistant.events import Change, Cited, Event, EvidenceFound, Finished, Searched, TextDelta
from ingest.catalog.records import Document
from ingest.document import Box
from ingest.page_images import PageRenderer
from tests.api.chat_page import needs_browser, page
from tests.api.scripted_assistant import (
    CHUNKS,
    HANDBOOK,
    PRICES,
    ScriptedAssistant,
    a_breakdown,
    a_document,
    a_good_answer,
    a_greeting,
    a_refusal,
    a_workspace,
    near,
    told,
)


def test_the_page_and_all_it_names_come_from_this_server() -> None:
    client = TestClient(create_app(a_workspace(ScriptedAssistant())), base_url="http://127.0.0.1")
    page = client.get("/")
    named = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    scripts = {path for path in named if path.endswith(".js")}
    for script in list(scripts):
        imported = re.findall(r'from "\./([\w.]+)"', client.get(script).text)
        scripts |= {f"/web/{name}" for name in imported}
    assert page.headers["content-type"].startswith("text/html")
    assert {client.get(path).status_code for path in {*named, *scripts}} == {200}
    assert not re.search(r"https?://|style=|<script>", page.text)


def test_what_the_server_may_say_goes_wrong_is_said_in_both_languages() -> None:
    texts = (Path(api.__file__).parent / "web" / "texts.js").read_text(encoding="utf-8")
    chinese, english = (re.findall(r"^      (\w+): \[", block, re.M) for block in texts.split("problems: {")[1:])
    said_as = dict(re.findall(r'^  (\w+): "(\w+)",', texts.split("const SAME")[1], re.M))
    assert chinese == english
    assert len(said_as) > 10
    assert set(said_as.values()) <= set(chinese)


def test_a_file_that_is_not_of_the_page_is_not_served() -> None:
    client = TestClient(create_app(a_workspace(ScriptedAssistant())), base_url="http://127.0.0.1")
    assert client.get("/web/__init__.py").status_code == 404
    assert client.get("/web/..%2fapp.py").status_code == 404


OPENED = f"/#/documents/{HANDBOOK}/passages/{CHUNKS[2].id}"


@pytest.fixture(scope="module")
def renderer() -> Iterator[PageRenderer]:
    opened = PageRenderer()
    yield opened
    opened.close()


@pytest.fixture
def manual() -> Document:
    """A document with an original that has pages."""
    path = Path(__file__).parents[2] / "examples" / "LX-24-user-manual.pdf"
    status = path.stat()
    file = {"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    return a_document(HANDBOOK, "local", "handbook.pdf", "Employee handbook", **file)


def example_manual() -> Document:
    """A document of the invented company, as `make run` brings it in."""
    return a_document(HANDBOOK, "local", "/srv/youju/examples/LX-24-user-manual.pdf", "LX-24 user manual")


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(("language", "said"), [("en-US", "its end was cut off"), ("zh-CN", "被截断了")])
def test_an_answer_that_was_cut_says_so(driver: Chrome, language: str, said: str) -> None:
    *before, end = a_good_answer("leave?")
    assert isinstance(end, Finished)
    with page(driver, ScriptedAssistant([*before, replace(end, cut=True)]), language=language) as browser:
        browser.ask("leave?")
        browser.one(".caution", said)


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    ("language", "said"), [("en-US", "Searched for “食堂”, “停车”."), ("zh-CN", "已按「食堂」「停车」搜索。")]
)
def test_what_was_searched_for_is_said_above_the_answer(driver: Chrome, language: str, said: str) -> None:
    first, *rest = a_good_answer("leave?")
    assert isinstance(first, Searched)
    changed = (Change("spelling", "食唐", "食堂"), Change("synonym", "泊车", "停车"))
    with page(driver, ScriptedAssistant([replace(first, changed=changed), *rest]), language=language) as browser:
        browser.ask("食唐？")
        assert browser.one(".searched-for", said).is_displayed()
        browser.one(".answer-text", "15 days")
    with page(driver, ScriptedAssistant([first, *rest]), language=language) as browser:
        browser.ask("食堂？")
        browser.one(".answer-text", "15 days")
        assert not browser.driver.find_element(By.CSS_SELECTOR, ".searched-for").is_displayed()


@pytest.mark.parametrize(
    ("language", "said"), [("en-US", "No chat model is configured"), ("zh-CN", "尚未配置对话模型")]
)
def test_the_page_says_once_that_no_chat_model_is_configured(driver: Chrome, language: str, said: str) -> None:
    *before, end = a_good_answer("leave?")
    assert isinstance(end, Finished)
    with page(driver, ScriptedAssistant([*before, replace(end, model="extractive")]), language=language) as browser:
        assert browser.all("#no-model") == []
        for _ in range(2):
            browser.ask("leave?")
            browser.one("#no-model", said)
        assert browser.one("body").text.count(said) == 1
    with page(driver, ScriptedAssistant([*before, end]), language=language) as browser:
        browser.ask("leave?")
        browser.one(".actions button")
        assert browser.all("#no-model") == []


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(("language", "sent"), [("en-US", ["en", "zh"]), ("zh-CN", ["zh", "en"])])
def test_the_language_of_the_page_comes_with_each_question(driver: Chrome, language: str, sent: list[str]) -> None:
    assistant = ScriptedAssistant()
    with page(driver, assistant, language=language) as browser:
        browser.ask("QX-17")
        browser.one(".actions button")
        browser.one("#language").click()
        browser.ask("QX-18")
        browser.until(lambda _: len(assistant.pages) == 2)
    assert assistant.pages == sent


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    ("language", "question", "answer", "source", "place", "quote"),
    [
        ("en-US", "How much leave?", "15 days", "Employee handbook", "page 2 · Leave › Annual leave", "15 days of"),
        ("zh-CN", "X200 多少钱？", "1280 元", "价格表", "工作表「2026」A1:B3", "X200"),
    ],
)
def test_a_question_gets_its_answer_and_its_source_opens(
    driver: Chrome, language: str, question: str, answer: str, source: str, place: str, quote: str
) -> None:
    with page(driver, ScriptedAssistant(pause_seconds=0.05), language=language) as browser:
        browser.ask(question)
        browser.one(".answer-text strong", answer)
        browser.one(".actions button")  # it is finished: nothing is drawn anew from here on
        assert place in browser.one(".card", source).text
        browser.one(".marker").click()
        browser.one("#panel-title", source)
        assert quote in browser.one("#panel .cited mark, #panel .cited .marked").text
        assert browser.one("#panel-place").text == place
        browser.one("#panel-title").send_keys(Keys.ESCAPE)
        browser.until(lambda _: not browser.all("#panel"))
        assert driver.switch_to.active_element.get_attribute("class") == "marker"
        assert browser.complaints() == []


@pytest.mark.browser
@needs_browser
def test_the_answer_appears_while_it_is_written_and_can_be_stopped(driver: Chrome) -> None:
    evidence = a_good_answer("leave?")[1]
    assert isinstance(evidence, EvidenceFound)
    script: list[Event | Exception] = [evidence, *[TextDelta("word ")] * 400]
    assistant = ScriptedAssistant(script, pause_seconds=0.03)
    with page(driver, assistant) as browser:
        browser.ask("leave?")
        browser.one(".answer-text", "word word")
        assert browser.one("#send").accessible_name == "Stop"
        browser.one("#send").click()
        browser.one(".notices", "Stopped.")
        browser.until(lambda _: assistant.stopped.is_set())
        assert len(browser.all(".card")) == 2
        assert browser.one("#send").accessible_name == "Send"


@pytest.mark.browser
@needs_browser
def test_a_follow_up_carries_the_conversation_and_a_new_chat_forgets_it(driver: Chrome) -> None:
    assistant = ScriptedAssistant(a_refusal("No.", "en"))
    with page(driver, assistant) as browser:
        browser.ask("first")
        browser.one(".turn[data-state=refused]")
        browser.ask("second")
        browser.one(".turn[data-state=refused]:nth-child(2)")
        browser.one("#fresh").click()
        assert browser.all(".turn") == []
        browser.ask("third")
        browser.one(".turn[data-state=refused]", "No evidence in the documents")
    assert [turns for _, turns, _ in assistant.asked] == [(), (Turn("user", "first"), Turn("assistant", "No.")), ()]


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    ("language", "heading", "place", "name"),
    [
        (
            "en-US",
            "Closest passages (not an answer)",
            "page 2 · Leave › Annual leave",
            "Open passage: Employee handbook",
        ),
        ("zh-CN", "最接近的内容（不是答案）", "第 2 页 · Leave › Annual leave", "打开段落：Employee handbook"),
    ],
)
def test_a_refusal_shows_the_nearest_passages_which_open_and_are_no_sources(
    driver: Chrome, language: str, heading: str, place: str, name: str
) -> None:
    nearest = [near(1, CHUNKS[1], "Unused days lapse in March."), near(2, CHUNKS[4], "| X300 | 1980 元 |")]
    with page(driver, ScriptedAssistant(a_refusal("No.", "en", *nearest)), language=language) as browser:
        browser.ask("Who is the CEO?")
        browser.one(".turn[data-state=refused] .sources h2", heading)
        first, second = browser.all(".card.nearest")
        assert first.text.split("\n") == ["Employee handbook", place, "Unused days lapse in March."]
        assert second.text.split("\n")[-1] == "X300 · 1980 元"
        assert first.accessible_name.startswith(name)
        assert browser.all(".marker") == browser.all(".card .number") == browser.all(".actions button") == []
        first.click()
        assert browser.one("#panel .cited mark").text == "Unused days lapse in March."
        assert browser.one("#panel-title").text == "Employee handbook"
        assert browser.complaints() == []


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_nearest_passages_stay_inside_the_refusal_on_a_phone_too(driver: Chrome, width: int) -> None:
    long = replace(CHUNKS[1], title="Handbook " * 30)
    script = a_refusal("No.", "en", near(1, long, "word" * 200), near(2, CHUNKS[1], "Leave. " * 80))
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        with page(driver, ScriptedAssistant(script)) as browser:
            browser.ask("Who is the CEO?")
            browser.one(".card.nearest")
            answer = browser.one(".turn[data-state=refused] .answer").rect
            heading = browser.one(".sources h2").rect
            for card in browser.all(".card.nearest"):
                assert card.rect["x"] == pytest.approx(heading["x"], abs=1)
                assert card.rect["x"] + card.rect["width"] < answer["x"] + answer["width"]
                assert card.rect["height"] < 130
            assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.browser
@needs_browser
def test_the_models_own_refusal_keeps_the_rest_of_what_was_found(driver: Chrome) -> None:
    *_, end = a_refusal("Not in the documents.", "en", near(1, CHUNKS[1], ""))
    found = a_good_answer("leave?")[:2]
    with page(driver, ScriptedAssistant([*found, TextDelta("Not in the documents."), end])) as browser:
        browser.ask("Who is the CEO?")
        browser.one(".card.nearest", "Every employee has 15")
        browser.one(".sources summary", "1 more found").click()
        assert "page 3" in browser.one("details .card").text


@pytest.mark.browser
@needs_browser
def test_small_talk_is_no_refusal_has_no_caution_and_is_not_part_of_the_conversation(driver: Chrome) -> None:
    assistant = ScriptedAssistant(a_greeting("Hello!\n\n- Handbook", "en"))
    with page(driver, assistant) as browser:
        browser.ask("hi")
        assert browser.one(".turn[data-state=finished] .answer-text li").text == "Handbook"
        assert browser.all(".caution") == browser.all(".card") == browser.all(".refusal-label") == []
        browser.ask("How much leave?")
        browser.one(".turn:nth-child(2)[data-state=finished]")
    assert [turns for _, turns, _ in assistant.asked] == [(), ()]


@pytest.mark.browser
@needs_browser
def test_shift_enter_is_a_new_line_and_an_example_can_be_clicked(driver: Chrome) -> None:
    assistant = ScriptedAssistant()
    with page(driver, assistant, documents=[example_manual()]) as browser:
        browser.one("#question").send_keys("one", Keys.SHIFT + Keys.ENTER)
        browser.one("#question").send_keys("two")
        assert browser.one("#question").get_property("value") == "one\ntwo"
        browser.one(".example").click()
        browser.one(".turn[data-state=finished]")
    assert len(assistant.asked) == 1


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_the_examples_are_shown_for_the_invented_company_alone(driver: Chrome, language: str) -> None:
    own = a_document(PRICES, "local", "/srv/价格表.xlsx", "价格表")
    for documents in ([], [own], [example_manual(), own], [example_manual()]):
        with page(driver, ScriptedAssistant(), language=language, documents=documents) as browser:
            shown = "#no-documents" if not documents else ".example" if documents == [example_manual()] else ""
            browser.one("#welcome h1")
            if shown:
                browser.one(shown, "youju ingest" if not documents else "")
            else:
                time.sleep(1)
            assert {each for each in ("#no-documents", ".example") if browser.all(each)} == ({shown} - {""})
            assert browser.complaints() == []


@pytest.mark.browser
@needs_browser
def test_a_model_that_fails_leaves_the_sources_and_says_the_way_out(driver: Chrome) -> None:
    with page(driver, ScriptedAssistant(a_breakdown())) as browser:
        browser.ask("leave?")
        assert "Try again later" in browser.one(".problem", "The language model does not respond.").text
        browser.one(".card").click()
        browser.one("#panel .cited", "15 days of annual leave")
        browser.one(".problem button").click()
        browser.one(".problem")
        assert len(browser.all(".turn")) == 1


@pytest.mark.browser
@needs_browser
def test_a_table_without_a_header_shows_none(driver: Chrome) -> None:
    text = ["|  |  |\n| --- | --- |\n| 项目编号 | XM-7 |\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"]
    with page(driver, ScriptedAssistant(told(text, [], "en"))) as browser:
        browser.ask("?")
        answer = browser.one(".turn[data-state=finished] .answer-text")
        assert [cell.text for cell in answer.find_elements(By.CSS_SELECTOR, "th")] == ["a", "b"]
        assert [cell.text for cell in answer.find_elements(By.CSS_SELECTOR, "td")] == ["项目编号", "XM-7", "1", "2"]


@pytest.mark.browser
@needs_browser
def test_markup_in_an_answer_stays_text_and_loads_nothing(driver: Chrome) -> None:
    text = [
        "<img src=x onerror=\"document.title='owned'\"> ![a](http://127.0.0.1:9/a.png) ",
        "[b](javascript:alert(1))\n\n| a | b |\n| --- | --- |\n| <b>1</b> | `c` |\n\n1. one\n   - two\n\n```\n<i>\n```",
    ]
    with page(driver, ScriptedAssistant(told(text, [], "en"))) as browser:
        browser.ask("?")
        answer = browser.one(".turn[data-state=finished] .answer-text")
        inside = "img, a, b, i, script"
        assert answer.find_elements(By.CSS_SELECTOR, inside) == []
        assert "<img src=x" in answer.text
        assert "<b>1</b>" in answer.find_element(By.CSS_SELECTOR, "tbody td").text
        assert answer.find_element(By.CSS_SELECTOR, "ol > li > ul > li").text == "two"
        assert driver.title == "Youju 有据"
        assert browser.complaints() == []


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    ("language", "label", "warning"),
    [
        ("en-US", "not checked", "[1] could not be checked against the source."),
        ("zh-CN", "未核对", "[1] 未能与原文核对"),
    ],
)
def test_a_mark_that_could_not_be_checked_says_so(driver: Chrome, language: str, label: str, warning: str) -> None:
    *events, finished = a_good_answer("How much leave?")
    assert isinstance(finished, Finished)
    doubtful = tuple(replace(each, support="not_checkable") for each in finished.citations if each.number == 1)
    script = [*events[:5], *map(Cited, doubtful), replace(finished, citations=doubtful)]
    with page(driver, ScriptedAssistant(script), language=language) as browser:
        browser.ask("How much leave?")
        browser.one(".caution", warning)
        assert label in browser.one(".card", "Employee handbook").text
        assert label in str(browser.one(".marker.unchecked").get_attribute("title"))


@pytest.mark.browser
@needs_browser
def test_the_page_shows_the_quotes_box_strong_and_the_passages_faint(
    driver: Chrome, manual: Document, renderer: PageRenderer
) -> None:
    *events, finished = a_good_answer("How much leave?")
    assert isinstance(finished, Finished)
    place = replace(CHUNKS[1].location, boxes=(Box(2, 0.1, 0.25, 0.9, 0.28),))
    cited = tuple(replace(each, location=place) for each in finished.citations if each.number == 1)
    script = [*events[:5], *map(Cited, cited), replace(finished, citations=cited)]
    with page(driver, ScriptedAssistant(script), documents=[manual], pages=renderer) as browser:
        browser.ask("How much leave?")
        browser.one(".actions button")
        browser.one(".marker").click()
        browser.one("#panel .leaf img")
        strong, faint = browser.one("#panel .leaf .box:not(.faint)"), browser.one("#panel .leaf .box.faint")
        assert str(strong.get_attribute("style")).startswith("left: 10%; top: 25%;")
        assert str(faint.get_attribute("style")).startswith("left: 10%; top: 20%;")


@pytest.mark.browser
@needs_browser
def test_what_is_copied_has_title_section_and_link_and_no_path_of_the_server(driver: Chrome) -> None:
    *events, finished = a_good_answer("How much leave?")
    assert isinstance(finished, Finished)
    kept = events[1]
    assert isinstance(kept, EvidenceFound)
    hit = kept.evidence[0].hit
    lying = replace(hit, chunk=replace(hit.chunk, uri="/srv/docs/handbook.md"))
    evidence = (replace(kept.evidence[0], hit=lying), *kept.evidence[1:])
    with page(driver, ScriptedAssistant([events[0], EvidenceFound(evidence), *events[2:], finished])) as browser:
        browser.ask("How much leave?")
        copy = browser.one(".actions button")
        driver.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        copy.click()
        copied = browser.until(lambda _: driver.execute_script("return window.copied"))
        assert "/srv/docs" not in copied
        address = driver.current_url.split("#")[0]
        assert f"[1] Employee handbook · page 2 · Leave › Annual leave · {address}#/documents/{HANDBOOK}/" in copied


@pytest.mark.browser
@needs_browser
def test_a_server_with_a_key_asks_for_it_once(driver: Chrome) -> None:
    assistant = ScriptedAssistant()
    with page(driver, assistant, api_key="k-1", reader_key="r-1") as browser:
        browser.one("#key-dialog", "the reader key is enough")
        for wrong in ("wrong", "密钥"):
            browser.one("#key-value").clear()
            browser.one("#key-value").send_keys(wrong + Keys.ENTER)
            browser.one("#key-problem", "This key is not valid.")
        browser.one("#key-cancel").click()
        browser.until(lambda _: not browser.all("#key-dialog"))
        browser.ask("leave?")
        browser.one("#key-dialog")
        assert assistant.asked == []
        browser.one("#key-value").send_keys(" r-1 " + Keys.ENTER)
        browser.one(".turn[data-state=finished]", "15 days")
        assert assistant.asked[0][2] == EVERYBODY
        browser.one(".marker").click()
        browser.one("#panel .cited")
        browser.one("#panel-close").click()
        driver.refresh()
        browser.ask("leave?")
        browser.one(".turn[data-state=finished]", "15 days")
        assert browser.all("#key-dialog") == []


@pytest.mark.browser
@needs_browser
def test_the_address_of_a_passage_opens_it_with_its_original(driver: Chrome, tmp_path: Path) -> None:
    original = tmp_path / "handbook.md"
    original.write_text("# Handbook")
    listed = [a_document(HANDBOOK, "local", "handbook.md", "Employee handbook", path=str(original))]
    with page(driver, ScriptedAssistant(), path=OPENED, documents=listed) as browser:
        browser.one("#panel .cited", "asked for in the portal")
        assert [near.text for near in browser.all("#panel .near")] == [
            CHUNKS[0].text,
            CHUNKS[1].text,
            CHUNKS[3].text,
        ]
        link = browser.one("#panel-foot a", "Download the original")
        assert str(link.get_attribute("href")).endswith(f"/v1/documents/{HANDBOOK}/original")


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize(
    ("language", "key", "said"),
    [
        ("en-US", "", "Page 3 of Employee handbook, the cited passage marked"),
        ("zh-CN", "k-1", "《Employee handbook》第 3 页，标出了引用的段落"),
    ],
)
def test_a_passage_is_marked_on_its_page_which_can_be_enlarged(
    driver: Chrome, manual: Document, renderer: PageRenderer, language: str, key: str, said: str
) -> None:
    workspace = {"documents": [manual], "pages": renderer} | ({"api_key": key} if key else {})
    with page(driver, ScriptedAssistant(), language=language, path=OPENED, **workspace) as browser:
        if key:
            browser.one("#key-value").send_keys(key + Keys.ENTER)
        assert browser.one("#panel .leaf img").accessible_name == said
        _assert_marked(driver, "#panel .leaf")
        browser.one("#panel .leaf").click()
        assert browser.one("#enlarged .leaf").size["width"] > 1.5 * browser.one("#panel .leaf").size["width"]
        _assert_marked(driver, "#enlarged .leaf")
        browser.one("#enlarged").send_keys(Keys.ESCAPE)
        browser.until(lambda _: not browser.all("#enlarged"))
        assert browser.one("#panel .cited", "asked for in the portal")
        assert [complaint for complaint in browser.complaints() if "401" not in complaint] == []


def _assert_marked(driver: Chrome, leaf: str) -> None:
    """The box of the passage stands where its location says, and is in sight."""
    left, top, right, bottom, is_seen = driver.execute_script(
        """
        const rect = (part) => document.querySelector(arguments[0] + part).getBoundingClientRect();
        const [box, picture, frame] = [rect(" .box"), rect(" img"), document.querySelector(
            arguments[0]).parentElement.getBoundingClientRect()];
        return [(box.left - picture.left) / picture.width, (box.top - picture.top) / picture.height,
            (box.right - picture.left) / picture.width, (box.bottom - picture.top) / picture.height,
            frame.top <= box.top && box.bottom <= frame.bottom];
        """,
        leaf,
    )
    assert (left, top, right, bottom) == pytest.approx((0.1, 0.2, 0.9, 0.3), abs=0.005)
    assert is_seen


@pytest.mark.browser
@needs_browser
def test_a_page_that_cannot_be_had_leaves_the_passage(driver: Chrome, manual: Document, renderer: PageRenderer) -> None:
    changed = replace(manual, mtime_ns=0)
    with page(driver, ScriptedAssistant(), path=OPENED, documents=[changed], pages=renderer) as browser:
        browser.one("#panel .cited", "asked for in the portal")
        browser.until(lambda _: not browser.all("#panel-pages"))
        assert browser.one("#panel-foot a", "Download the original")


@pytest.mark.browser
@needs_browser
def test_the_language_can_be_changed_and_is_remembered(driver: Chrome) -> None:
    with page(driver, ScriptedAssistant(), language="zh-CN") as browser:
        browser.one("h1", "每句话，都有据可查")
        browser.one("#language").click()
        browser.one("h1", "Answers that show their evidence")
        driver.refresh()
        browser.one("h1", "Answers that show their evidence")
        assert driver.execute_script("return document.documentElement.lang") == "en"


_RENDER_TIMES = """
const [texts, done] = arguments;
import("/web/markdown.js").then(({ render }) => {
  const milliseconds = (text) => { const began = performance.now(); render(text); return performance.now() - began; };
  done(texts.map((pair) => pair.map((text) => Math.min(milliseconds(text), milliseconds(text)))));
});
"""


@needs_browser
@pytest.mark.browser
def test_no_answer_takes_the_page_more_than_linear_time(driver: Chrome) -> None:
    made: list[Callable[[int], str]] = [
        lambda n: "| a | b |\n|-|" + " " * n + "x",
        lambda n: "| a | b |\n" + "- " * n + "x",
        lambda n: "|" * n + "x",
        lambda n: "- " + " " * n + "\u2028x",
        lambda n: "**" * n + "x",
        lambda n: "`" * n + "[" * n,
        lambda n: "#" + " " * n + "\u2028" + " " * n,
    ]
    texts = [(make(1000), make(4000)) for make in made]
    driver.set_script_timeout(30)
    with page(driver, ScriptedAssistant()) as shown:
        times = shown.driver.execute_async_script(_RENDER_TIMES, texts)
    assert all(long < 8 * short + 30 for short, long in times), times
