"""Reading: which sentence or row of a passage answers a question, by the shipped model in this process."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from assistant.events import Evidence
from assistant.gate.fitted import FittedGate
from assistant.models.extractive import quotations
from assistant.quoting.parts import parts_of
from assistant.quoting.reading import PassageReading, ReadPassage, open_reading
from assistant.quoting.windows import windows_of
from assistant.reading.additions import Additions
from assistant.reading.model import SHIPPED, ReadingModel, Window, shipped
from assistant.request import AnswerLanguage, Request
from ingest.document import Chunk, Signals
from tests.canned_retrieval import hits_of, passage

LEAVE = Window(
    "员工手册 › 休假",
    (
        "司龄满一年的员工每年享有七天年休假。",
        "病假须提供二级以上医院的诊断证明。",
        "未休完的年休假可以顺延到次年三月底。",
    ),
)
IT = Window(
    "IT guide",
    (
        "Laptops are replaced every four years.",
        "A lost token is reported to extension 6200.",
        "Colour printing is charged to your department.",
    ),
)


@pytest.fixture(scope="module")
def model() -> ReadingModel:
    found = shipped()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("question", "window", "answer"),
    [
        ("生病请假要交什么材料？", LEAVE, 1),
        ("没休完的年假怎么办", LEAVE, 2),
        ("請病假需要什麼證明？", LEAVE, 1),
        ("who do I call when my token is gone", IT, 1),
        ("How often do I get a new laptop?", IT, 0),
        ("彩色打印谁出钱", IT, 2),
    ],
)
def test_the_sentence_that_answers_has_the_best_score(
    model: ReadingModel, question: str, window: Window, answer: int
) -> None:
    [scores] = model.read(question, [window])
    assert int(np.argmax(scores)) == answer


def test_a_question_that_nothing_answers_has_scores_below_zero(model: ReadingModel) -> None:
    for scores in model.read("Who won the football world cup in 1998?", [LEAVE, IT]):
        assert max(scores) < -3


def test_scores_do_not_depend_on_what_is_read_beside(model: ReadingModel) -> None:
    alone = ReadingModel(model._file)
    [together, _] = model.read("病假要什么证明", [LEAVE, IT])
    [by_itself] = alone.read("病假要什么证明", [LEAVE])
    assert together == pytest.approx(by_itself, abs=0.05)


def test_what_does_not_fit_is_not_read_and_says_so(model: ReadingModel) -> None:
    [scores] = model.read("年假", [Window("", ("年假每年七天。" * 40, "病假五天。" * 40, "婚假十三天。" * 40))])
    assert math.isfinite(scores[0])
    assert scores[2] == -math.inf


def test_many_threads_read_the_same(model: ReadingModel) -> None:
    found: list[list[tuple[float, ...]]] = []
    threads = [Thread(target=lambda: found.append(model.read("年假能顺延吗", [LEAVE, IT]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(each == found[0] for each in found)


def test_windows_hold_every_sentence_and_row_once_in_order() -> None:
    table = "| 司龄 | 天数 |\n| --- | --- |\n| 满一年 | 7 天 |\n| 满三年 | 10 天 |"
    text = "第一条规定如下。" + "".join(f"第{n}组的员工应当按时上班。" for n in range(40)) + "\n\n" + table
    parts = parts_of("手册", (), text)
    windows = windows_of("手册", (), "手册", text)
    places = [place for placed in windows for place in placed.places]
    assert places == [place for place, part in enumerate(parts) if part.kind != "list"]
    assert len(windows) > 2
    assert windows[-1].window.units[-1] == "司龄：满三年；天数：10 天"


def test_the_first_cell_of_a_row_without_a_header_names_the_second() -> None:
    text = "|  |  |\n| --- | --- |\n| 合同编号 | HT-88 |\n| 经办人 | 周舟 |"
    [placed] = windows_of("合同登记", (), "合同登记", text)
    assert placed.window.units == ("合同编号：HT-88", "经办人：周舟")


def test_a_sentence_in_other_words_is_quoted_where_words_alone_find_another() -> None:
    chunk = passage("电脑由信息部发放。设备使用满四年可以更换。电脑丢失应当立即报告。", title="手册")
    assert "设备使用满四年可以更换" in quoted("多久能拿到新电脑", "zh", chunk, open_reading())
    assert "设备使用满四年可以更换" not in quoted("多久能拿到新电脑", "zh", chunk, None)


class WindowsModel:
    """Keeps the windows that it is given, and says that nothing answers."""

    name = "windows"

    def __init__(self) -> None:
        self.windows: list[Window] = []

    def read(self, question: str, windows: Sequence[Window]) -> list[tuple[float, ...]]:
        self.windows += windows
        return [(-1.0,) * len(window.units) for window in windows]


class ScoresModel:
    """Reads these scores in the units that have them, and in all others that they do not answer."""

    name = "scores"

    def __init__(self, scores: Mapping[str, float]) -> None:
        self._scores = scores

    def read(self, question: str, windows: Sequence[Window]) -> list[tuple[float, ...]]:
        return [tuple(self._scores.get(unit, -6.0) for unit in window.units) for window in windows]


ARRIVED, REPLACED = "新员工报到当天领取电脑。", "电脑使用满四年可以更换。"


@pytest.mark.parametrize(
    ("question", "arrived", "replaced", "both"),
    [
        pytest.param("啥时候有电脑", 0.5, 0.2, True, id="neither is certain"),
        pytest.param("新员工啥时候有电脑", 3.0, 3.8, True, id="words prefer one, and what is read the other"),
        pytest.param("啥时候有电脑", 4.0, 3.5, False, id="one is certain"),
        pytest.param("啥时候有电脑", 0.5, -3.0, False, id="the other one hardly answers"),
    ],
)
def test_where_one_of_two_may_answer_both_are_quoted_and_said_to_be_uncertain(
    question: str, arrived: float, replaced: float, both: bool
) -> None:
    reading = PassageReading(ScoresModel({ARRIVED: arrived, REPLACED: replaced}))  # type: ignore[arg-type]
    chunk = passage(f"{ARRIVED}{REPLACED}报到须带身份证。", title="手册")
    said = quoted(question, "zh", chunk, reading)
    assert ARRIVED in said
    assert (REPLACED in said) is both
    assert said.startswith("不能确定是哪一处") is both
    assert "身份证" not in said


@pytest.mark.parametrize(
    ("question", "language", "says"),
    [
        ("新員工什麼時候領電腦", "zh", "不能確定是哪一處"),
        ("when do newcomers get a computer", "en", "Not certain which"),
    ],
)
def test_uncertainty_is_said_in_the_language_of_the_question(
    question: str, language: AnswerLanguage, says: str
) -> None:
    reading = PassageReading(ScoresModel({ARRIVED: 0.5, REPLACED: 1.3}))  # type: ignore[arg-type]
    assert quoted(question, language, passage(f"{ARRIVED}{REPLACED}", title="手册"), reading).startswith(says)


LEAVE_TABLE = (
    "| 司龄 | 天数 |\n| --- | --- |\n| 满 1 年不满 3 年 | 7 天 |\n| 满 3 年不满 5 年 | 10 天 |\n| 满 5 年 | 12 天 |"
)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("我来了四年，能休几天", "司龄：满 3 年不满 5 年；天数：10 天（四年）"),
        ("How many days do I get after six years?", "司龄：满 5 年；天数：12 天（six years）"),
        ("18个月能休几天", "司龄：满 1 年不满 3 年；天数：7 天（18个月）"),
    ],
)
def test_the_model_is_told_which_row_a_number_of_the_question_belongs_to(question: str, told: str) -> None:
    model = WindowsModel()
    PassageReading(model).read(question, [passage(f"入职满三年的员工可以申请。\n\n{LEAVE_TABLE}", title="年假")])  # type: ignore[arg-type]
    units = [unit for window in model.windows for unit in window.units]
    assert told in units
    assert sum("（" in unit and unit.endswith("）") for unit in units) == 1


@pytest.mark.parametrize("question", ["2035 号房间在哪", "司龄满三年不满五年有多少天"])
def test_numbers_that_belong_to_no_row_or_to_several_change_nothing_that_is_read(question: str) -> None:
    model = WindowsModel()
    PassageReading(model).read(question, [passage(LEAVE_TABLE, title="年假")])  # type: ignore[arg-type]
    assert not any(unit.endswith("）") for window in model.windows for unit in window.units)


def test_a_number_in_the_other_language_is_enough_to_answer_from_its_row() -> None:
    """Without the number beside the row, the model reads no answer in it."""
    [hit] = hits_of(passage(LEAVE_TABLE, title="员工手册"))
    near = Signals(above_background=1.5, above_nearest_background=0.2, above_dense_leg=1.2, above_sparse_leg=0.5)
    question = "How many days of annual leave do I get after four years?"
    assert FittedGate(0.5, reading=open_reading())(question, [replace(hit, signals=near)], embedder="any")


def test_a_question_of_another_subject_is_refused_and_one_of_this_is_not() -> None:
    gate = FittedGate(0.5, reading=open_reading())
    near = Signals(above_background=2.4, above_nearest_background=1.0, above_dense_leg=1.5, above_sparse_leg=2.0)
    far = Signals(above_background=0.8, above_nearest_background=-0.5, above_dense_leg=1.0, above_sparse_leg=1.0)
    [hit] = hits_of(passage("病假须提供二级以上医院的诊断证明。", title="员工手册"))
    assert gate("请病假要什么证明", [replace(hit, signals=near)], embedder="any")
    assert not gate("火星上有水吗", [replace(hit, signals=far)], embedder="any")


def test_the_gate_weighs_what_was_read() -> None:
    reading = open_reading()
    signals = Signals(above_background=1.5, above_nearest_background=0.5, above_dense_leg=1.0, above_sparse_leg=1.0)
    [hit] = hits_of(passage("账号连续输错五次密码后锁定一小时。", title="制度"))
    gate = FittedGate(0.5, reading=reading)
    answered, other = (
        gate.likelihood(each, [replace(hit, signals=signals)]) for each in ("密码输错被锁多久", "食堂几点开饭")
    )
    assert answered > other + 0.2


def test_a_hit_that_reads_nearly_as_well_is_judged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = open_reading()
    assert reading is not None
    clear = Signals(above_background=3.0, above_nearest_background=2.0, above_dense_leg=3.0, above_sparse_leg=4.0)
    stray = Signals(above_background=0.2, above_nearest_background=-0.6, above_dense_leg=-0.2, above_sparse_leg=0.1)
    first, second = hits_of(passage("保安室在一楼。"), passage("保安室位于大门旁。", uri="b.md"))
    hits = [replace(first, signals=clear), replace(second, signals=stray)]

    def judged(gap: float) -> float:
        read = [ReadPassage({"a": 1.0 - gap}), ReadPassage({"b": 1.0})]
        monkeypatch.setattr(reading, "read", lambda question, chunks: read)
        return FittedGate(0.5, reading=reading).likelihood("保安室在哪里", hits)

    assert judged(0.2) > judged(0.4) + 0.2


def test_the_shipped_additions_fit_every_layer() -> None:
    additions = Additions.load(SHIPPED)
    assert len(additions.narrow) == 72
    for left, right in additions.narrow.values():
        assert left.shape[1] == right.shape[0]
    assert additions.unit[0].shape == additions.nothing[0].shape == (384,)


def test_without_the_package_of_the_weights_answers_are_chosen_by_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.reading.model.packaged_file", lambda: None)
    assert open_reading() is None
    chunk = passage("病假须提供医院证明。年假提前三天申请。", title="手册")
    assert "病假须提供医院证明" in quoted("病假要提供什么？", "zh", chunk, None)


def quoted(question: str, language: AnswerLanguage, chunk: Chunk, reading: PassageReading | None) -> str:
    evidence = tuple(Evidence(number, hit) for number, hit in enumerate(hits_of(chunk), start=1))
    return "".join(quotations(Request((), question, language, evidence), reading))


def test_a_file_of_additions_that_is_cut_is_an_error(tmp_path: Path) -> None:
    cut = tmp_path / "additions.npz"
    cut.write_bytes(SHIPPED.read_bytes()[:1000])
    with pytest.raises(zipfile.BadZipFile):
        Additions.load(cut)


def test_a_row_with_just_the_code_comes_before_one_with_a_longer_code() -> None:
    chunk = passage(
        "| 型号 | 名称 | 价格（元） | 货期（天） |\n| --- | --- | --- | --- |\n"
        "| CS-600 | 光度计（基础型） | 26800 | 10 |\n"
        "| CS-620P | 光度计（制药版） | 57600 | 25 |\n| CS-620 | 光度计（双光束） | 45800 | 15 |",
        title="价格表",
    )
    assert "45800" in quoted("CS-620 交货要几天", "zh", chunk, open_reading())
    assert "57600" in quoted("CS-620P 交货要几天", "zh", chunk, open_reading())
