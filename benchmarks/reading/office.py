"""Questions about office life: invented documents that are asked about in other words, and questions that are made.

office_documents.jsonl  small documents of many trades, each with questions in both languages. A third of the questions
                        are near misses: the document is about the same thing, and does not say it. Those
                        that are answered avoid its words; `plain` ones use them
look_alikes.jsonl       the same by other authors: the lines of a document look alike, and for each question another
                        line shares more of its words than the one that answers
office_held_out.jsonl   the same by another author about other trades. Nothing is trained on it: it is the test
office_facts.txt        statements in both languages with questions, which are put among others; and there are tables
                        with random cells, in the code below

Every name and number is invented.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.reading.prepared import Question, Subject, Window
from benchmarks.reading.sampling import Example
from ingest.language import fold

_HERE = Path(__file__).parent
DOCUMENTS, LOOK_ALIKES = _HERE / "office_documents.jsonl", _HERE / "look_alikes.jsonl"
HELD_OUT = _HERE / "office_held_out.jsonl"
ROUNDS, TABLES = 8, 3600
"""How often each fact is asked for, and how many questions about tables are made: some two epochs of them."""
_NUMERALS = "零一二三四五六七八九十"
_HEADINGS = {
    "zh": (
        "员工手册 › 休假",
        "行政指南",
        "财务规定 › 报销",
        "设备说明书 › 使用",
        "公司介绍",
        "IT 服务指南",
        "采购办法",
        "",
    ),
    "en": (
        "Staff handbook › Leave",
        "Office guide",
        "Expenses",
        "User manual",
        "About us",
        "IT guide",
        "Purchasing",
        "",
    ),
}
_OTHER = {"zh": "en", "en": "zh"}
_SAME_LANGUAGE = 0.65


@dataclass(frozen=True, slots=True)
class _Fact:
    """A statement in each language, and questions in each that it answers. `{n}` stands for a number."""

    text: dict[str, str]
    questions: dict[str, list[str]]


def documents(path: Path = DOCUMENTS, *, plain: bool = False) -> Subject:
    """Returns the documents of a file, each a window, with their questions, and with the plain ones if asked for."""
    windows, questions = [], []
    for at, row in enumerate(map(json.loads, path.read_text(encoding="utf-8").splitlines())):
        windows.append(Window(str(at), fold(row["heading"]), tuple(map(fold, row["units"]))))
        for text, places in row["questions"] + (row.get("plain", []) if plain else []):
            questions.append(Question(fold(text), (at,), (at, tuple(places)) if places else None))
    return Subject(path.stem, tuple(windows), tuple(questions))


def made(chance: random.Random, rounds: int = ROUNDS, tables: int = TABLES) -> Subject:
    """Returns the questions that are made, each with a window of its own. The same `chance` gives the same ones."""
    facts = _facts()
    examples = [*_of_facts(chance, facts, rounds), *(_of_table(chance) for _ in range(tables))]
    for each in examples[len(examples) - tables // 3 :]:  # prose that does not answer what a table would
        language = chance.choice(("zh", "en"))
        examples.append(Example(each.question, each.heading, _others(chance, facts, None, language, 3), ()))
    windows = tuple(
        Window(str(at), fold(each.heading), tuple(map(fold, each.units))) for at, each in enumerate(examples)
    )
    questions = tuple(
        Question(fold(each.question), (at,), (at, each.answers) if each.answers else None)
        for at, each in enumerate(examples)
    )
    return Subject("made", windows, questions)


def _facts() -> list[_Fact]:
    lines = (_HERE / "office_facts.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line]
    return [
        _Fact({"zh": zh, "en": en}, {"zh": asked.split(";"), "en": also.split(";")}) for zh, en, asked, also in rows
    ]


def _of_facts(chance: random.Random, facts: list[_Fact], rounds: int) -> Iterator[Example]:
    for number in range(rounds):
        for fact in facts:
            for language, questions in fact.questions.items():
                for question in questions:
                    if chance.random() > 0.7:
                        continue
                    told = language if chance.random() < _SAME_LANGUAGE else _OTHER[language]
                    units = list(_others(chance, facts, fact, told, chance.randint(1, 4)))
                    place = chance.randint(0, len(units))
                    answered = number % 2 == 0 or chance.random() < 0.3
                    if answered:
                        units.insert(place, _filled(chance, fact.text[told], told))
                    heading = chance.choice(_HEADINGS[told])
                    yield Example(question, heading, tuple(units), (place,) if answered else ())


def _others(
    chance: random.Random, facts: list[_Fact], left: _Fact | None, language: str, count: int
) -> tuple[str, ...]:
    chosen = [fact for fact in chance.sample(facts, count + 1) if fact is not left][:count]
    return tuple(_filled(chance, fact.text[language], language) for fact in chosen)


def _filled(chance: random.Random, text: str, language: str) -> str:
    number = chance.choice((chance.randint(2, 31), chance.randint(2, 12), chance.randint(5, 90) * 10))
    written = _NUMERALS[number] if language == "zh" and number <= 10 and chance.random() < 0.4 else str(number)
    other, year = str(chance.randint(2, 20)), str(chance.randint(1985, 2031))
    return text.replace("{n}", written).replace("{m}", other).replace("{y}", year)


_PEOPLE = {
    "zh": ("王立新", "赵敏", "周海", "吴晓东", "郑洁", "冯远", "蒋玲", "沈括", "韩冰", "朱江", "秦岚", "何苗"),
    "en": ("Anna Berg", "Tom Reed", "Li Na", "Omar Said", "Grace Hall", "Ivan Petrov", "Mei Lin", "John Ford"),
}
_KEYS = {
    "department": "工程部:Engineering 市场部:Marketing 法务部:Legal 仓储部:Warehouse 客服中心:Support "
    "质检科:Quality 设计组:Design 运维组:Operations 培训部:Training 档案室:Archive",
    "price": "电子天平:balance 培养箱:incubator 显微镜:microscope 水浴锅:bath 移液器:pipette 干燥箱:oven "
    "搅拌器:stirrer 真空泵:pump 投影仪:projector 打标机:labeller",
    "city": "南京:Nanjing 武汉:Wuhan 长沙:Changsha 大连:Dalian 昆明:Kunming 汉堡:Hamburg 里昂:Lyon 大阪:Osaka",
}
_COLUMNS = {
    "department": (
        ("部门", "Department"),
        ("负责人", "Head"),
        ("人数", "Staff"),
        ("电话", "Extension"),
        ("地点", "Room"),
    ),
    "price": (
        ("名称", "Name"),
        ("型号", "Model"),
        ("价格（元）", "Price"),
        ("货期（天）", "Delivery (days)"),
        ("重量（千克）", "Weight (kg)"),
    ),
    "city": (
        ("城市", "City"),
        ("地址", "Address"),
        ("电话", "Phone"),
        ("住宿标准", "Hotel limit"),
        ("营业时间", "Hours"),
    ),
}
_ASKED = {
    "department": {
        "zh": "{k}的头儿是谁;{k}归谁管;{k}几个人;{k}有多少人;{k}电话多少;怎么打给{k};{k}在哪儿;{k}坐在哪栋楼",
        "en": "who heads {k};who is in charge of {k};how many people are in {k};phone number of {k};where is {k}",
    },
    "price": {
        "zh": "{k}多少钱;{k}卖多少;{k}贵不贵;{k}几天能到货;订{k}要等多久;{k}有多重",
        "en": "how much is the {k};what does the {k} cost;how long until the {k} is delivered;how heavy is the {k}",
    },
    "city": {
        "zh": "{k}办事处在哪;{k}的网点地址;{k}那边几点开门;去{k}住酒店能报多少;{k}的电话",
        "en": "where is the office in {k};when does {k} open;hotel limit in {k};phone of the {k} branch",
    },
}
_NOT_ASKED = {
    "department": {"zh": "{k}的邮箱是什么;{k}去年的预算", "en": "email of {k};budget of {k}"},
    "price": {"zh": "{k}保修几年;{k}是谁设计的", "en": "who designed the {k};warranty of the {k}"},
    "city": {"zh": "{k}有几个员工;{k}的房租", "en": "how many people work in {k};rent in {k}"},
}
"""What none of the columns says."""


def _of_table(chance: random.Random) -> Example:
    """Returns a question about a row of a table, about a row that is not there, or about a column that is not there."""
    asked = chance.choice(("zh", "zh", "en"))
    told = asked if chance.random() < _SAME_LANGUAGE else _OTHER[asked]
    if chance.random() < 0.2:
        return _of_ranges(chance, asked, told)
    kind = chance.choice(tuple(_KEYS))
    pairs = [dict(zip(("zh", "en"), pair.split(":"), strict=True)) for pair in _KEYS[kind].split()]
    there = chance.sample(pairs, chance.randint(3, 6))
    columns = [dict(zip(("zh", "en"), column, strict=True))[told] for column in _COLUMNS[kind]]
    units = tuple(_row(columns, [pair[told], *_cells(chance, kind, told)]) for pair in there)
    place, heading, drawn = chance.randrange(len(there)), chance.choice(_HEADINGS[told]), chance.random()
    if drawn < 0.62:
        return Example(_ask(chance, _ASKED, kind, asked, there[place]), heading, units, (place,))
    if drawn < 0.82:
        missing = chance.choice([pair for pair in pairs if pair not in there])
        return Example(_ask(chance, _ASKED, kind, asked, missing), heading, units, ())
    return Example(_ask(chance, _NOT_ASKED, kind, asked, there[place]), heading, units, ())


def _ask(
    chance: random.Random, questions: dict[str, dict[str, str]], kind: str, asked: str, key: dict[str, str]
) -> str:
    return chance.choice(questions[kind][asked].split(";")).format(k=key[asked])


def _cells(chance: random.Random, kind: str, language: str) -> list[str]:
    number = chance.randint
    if kind == "department":
        room = f"{number(1, 9)} 号楼 {number(1, 9)}0{number(1, 9)}" if language == "zh" else f"Room {number(100, 600)}"
        return [chance.choice(_PEOPLE[language]), str(number(3, 90)), str(number(2000, 8999)), room]
    if kind == "price":
        model = f"{chance.choice('ABDKMQRTW')}{chance.choice('ABDKMQRTW')}-{number(2, 990)}"
        return [model, str(number(3, 900) * 50), str(number(2, 60)), str(number(10, 900) / 10)]
    street = f"中山路 {number(1, 300)} 号" if language == "zh" else f"{number(1, 300)} Main Street"
    hours = f"{number(7, 10)}:00-{number(16, 20)}:30"
    return [street, f"0{number(20, 999)}-{number(1000000, 9999999)}", f"{number(20, 90)}0", hours]


def _of_ranges(chance: random.Random, asked: str, told: str) -> Example:
    """Returns a question with a number, about a table whose rows are ranges."""
    bounds = sorted(chance.sample(range(1, 30), chance.randint(4, 7)))
    columns = ("工龄", "天数") if told == "zh" else ("Years of service", "Days")
    told_range = "满 {0} 年不满 {1} 年" if told == "zh" else "{0} to under {1} years"
    pairs = list(pairwise(bounds))
    units = tuple(_row(columns, [told_range.format(*pair), str(chance.randint(3, 40))]) for pair in pairs)
    place = chance.randrange(len(pairs))
    years = chance.randint(pairs[place][0], pairs[place][1] - 1)
    questions = ("干了{0}年有几天假;工作{0}年能休多久", "days off after {0} years;leave with {0} years of service")
    question = chance.choice(questions[asked == "en"].split(";")).format(years)
    return Example(question, chance.choice(_HEADINGS[told]), units, (place,))


def _row(columns: list[str] | tuple[str, ...], cells: list[str]) -> str:
    return "；".join(f"{name}：{cell}" for name, cell in zip(columns, cells, strict=True))
