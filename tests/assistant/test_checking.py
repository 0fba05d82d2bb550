"""Whether passages support statements: figures with their units, in their place, and meaning across languages."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from assistant.checking.figures import borne_out
from assistant.checking.meaning import Meaning
from assistant.checking.passage import Passage
from assistant.checking.placing import Context
from assistant.checking.quantities import quantities, read_text
from assistant.cite import Citer
from assistant.events import Evidence
from ingest.document import Language
from ingest.embedding.from_settings import open_embedder
from ingest.errors import UnavailableError
from ingest.settings import IngestSettings
from tests.canned_retrieval import hits_of, passage

PRICES = """| 型号 | 单价 | 质保 |
| --- | --- | --- |
| GW-110 | 1,280元 | 1年 |
| GW-210 | 1,960元 | 2年 |"""
ROOMS = "Hotel rooms are paid up to EUR 140 per night in Berlin, EUR 180 in Paris and EUR 210 in London."


def said(statement: str, text: str, question: str = "") -> str | None:
    return borne_out(statement, question, [Passage("", text)])


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("押金49600元。", "押金为人民币4.96万元。"),
        ("账号在两天内停用。", "账号在48小时内停用。"),
        ("The warranty lasts two years.", "The warranty is 24 months."),
        ("到2026年2月14日为止。", "Next calibration: 2026-02-14"),
        ("晚上6点以前提交。", "须在18:00前提交。"),
        ("工资按七成发。", "工资按70%发放。"),
        ("The rent is due on the 5th.", "每月5日前繳納租金。"),
        ("离墙500毫米。", "与墙的距离不小于500 mm。"),
        ("Revenue was 182 million.", "营业收入1.82亿元。"),
        ("The fair is from October 14 to 17.", "The fair runs from 14 to 17 October."),
        ("合同期两年半。", "合同期为30个月。"),
        ("培训1小时30分钟。", "培训时长90分钟。"),
        ("客人十点半以后不能吵。", "22:30后禁止喧哗。"),
        ("年满18岁。", "年满18周岁。"),
        ("违约金每天万分之五。", "违约金按日0.05%计算。"),
        ("用电定额420万度。", "用电控制在420万千瓦时以内。"),
        ("The budget is $1.5M.", "The budget is 1.5 million dollars."),
        ("The firm is certified to ISO 9001.", "通过ISO9001认证。"),
        ("电池用满300个循环就要报废。", "电池循环满300次报废。"),
        ("Doors open at a quarter to nine.", "Doors open at 08:45."),
        ("Each quarter of an hour costs $19.", "Each 15 minutes cost $19."),
        ("每笔另收18美元。", "每笔另收美金18元。"),
        ("周六只供应午餐。", "周末只供应午餐。"),
        ("下午两点半截止。", "截止时间为14:30。"),
        ("按1比50稀释。", "稀释比例1:50。"),
        ("It is paid from the fourteenth day.", "It is paid from the 14th day."),
        ("赔偿为服务费的全额。", "赔偿为服务费的100%。"),
        ("培训一个半小时。", "培训时长90分钟。"),
        ("试用期两个半月。", "试用期为2.5个月。"),
        ("休息三刻钟。", "休息45分钟。"),
        ("晚上七点一刻开场。", "19:15开场。"),
        ("开会时间是八点零五分。", "会议于8:05开始。"),
        ("最晚20时30分交。", "提交截止20:30。"),
        ("每页收三毛钱。", "打印每页0.3元。"),
        ("每份三块五毛。", "每份3.5元。"),
        ("柜子高一米八。", "柜子高度为1.8米。"),
        ("报销七成五。", "报销比例75%。"),
        ("须有五分之三的人同意。", "须经60%的人同意。"),
        ("三分之二的委员同意才通过。", "Two-thirds of the committee must agree."),
        ("需要两三天。", "需要2-3天。"),
        ("They keep three tenths of the deposit.", "30% of the deposit is kept."),
        ("A fifth of the price is paid first.", "20% of the price is paid first."),
        ("The gates close at seven in the evening.", "The gates close at 19:00."),
        ("Order before noon.", "Order before 12:00."),
        ("The gates open at eight o'clock.", "The gates open at 8:00."),
        ("The course takes two and a half days.", "The course takes 2.5 days."),
        ("The course takes an hour and a half.", "The course takes 90 minutes."),
        ("You may return it for a fortnight.", "You may return it within 14 days."),
        ("A box has two dozen pens.", "A box has 24 pens."),
        ("A sheet costs forty pence.", "A sheet costs £0.40."),
    ],
)
def test_a_figure_is_the_same_in_another_form(statement: str, text: str) -> None:
    assert said(statement, text) == "checked"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("离墙500米。", "与墙的距离不小于500 mm。"),
        ("押金4.96元。", "押金为人民币4.96万元。"),
        ("到2026年2月24日为止。", "Next calibration: 2026-02-14"),
        ("8级风时停工。", "动火证有效期8小时，风力达到6级时停工。"),
        ("The disk is encrypted with AES-128.", "Disks are encrypted with AES-256. Room 128."),
        ("Backups run on Mondays.", "Backups run on Sundays."),
        ("补贴是60元。", "补贴为60美元。"),
        ("The fair is from October 14 to 18.", "The fair runs from 14 to 17 October."),
        ("培训1小时40分钟。", "培训时长90分钟。"),
        ("A doctor's note is needed from day five.", "A note is required from the third day, after 5 absences."),
        ("It ends in May.", "The trial ends in June."),
        ("保险丝是10安培的。", "保险丝：16A，10只一盒。"),
        ("The plant made 13.9 MWh.", "The plant made 13.9 GWh."),
        ("It is paid from the fourteenth day.", "It is paid from the 4th day."),
        ("按1比50稀释。", "稀释比例1:20，每桶50升。"),
        ("培训两个半小时。", "培训时长90分钟。"),
        ("每页收三块钱。", "打印每页0.3元。"),
        ("须有五分之二的人同意。", "须经60%的人同意。"),
        ("They keep three fifths of the deposit.", "30% of the deposit is kept."),
        ("A tenth of the price is paid first.", "20% of the price is paid first."),
        ("The gates close at seven in the morning.", "The gates close at 19:00."),
        ("The course takes two and a half days.", "The course takes 1.5 days."),
        ("A box has two dozen pens.", "A box has 12 pens."),
    ],
)
def test_another_figure_is_not_borne_out(statement: str, text: str) -> None:
    assert said(statement, text) is None


def test_a_figure_belongs_to_the_words_that_it_stands_with() -> None:
    assert said("GW-210的单价是1960元。", PRICES) == "checked"
    assert said("GW-210的单价是1280元。", PRICES) is None
    assert said("A room in Paris may cost EUR 180.", ROOMS) == "checked"
    assert said("A room in Paris may cost EUR 210.", ROOMS) is None
    pay = "店员基本工资4,200元，店长6,800元。"
    assert said("店员底薪4200元，店长是6800元。", pay) == "checked"
    assert said("店员底薪6800元，店长是4200元。", pay) is None


def test_a_cell_belongs_to_its_column() -> None:
    grades = "| 城市 | 员工（元/晚） | 经理（元/晚） |\n| --- | --- | --- |\n| 北京 | 500 | 700 |\n| 成都 | 380 | 520 |"
    assert said("员工去成都出差，酒店每晚最多报380元。", grades) == "checked"
    assert said("员工去成都出差，酒店每晚最多报520元。", grades) is None
    assert said("去成都出差，员工能报380元，经理能报520元。", grades) == "checked"


def test_what_a_sentence_begins_with_belongs_to_its_first_figure() -> None:
    rooms = "酒店每晚最高标准：北京700元，上海650元。"
    assert said("在上海出差，酒店每晚最多650元。", rooms) is not None
    assert said("在北京出差，酒店每晚最多650元。", rooms) is None


def test_a_change_has_a_beginning_and_an_end() -> None:
    assert said("名额由20人减到12人。", "招聘名额由20人减至12人。") == "checked"
    assert said("名额由12人增到20人。", "招聘名额由20人减至12人。") is None


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("Waste is collected twice a week.", "Waste is collected three times a week."),
        ("设备每月检修。", "设备每半年检修一次。"),
        ("试用期一年。", "试用期为6个月。"),
        ("The notice period is one month.", "The notice period is two months."),
        ("Half of the fee is refunded.", "75% of the fee is refunded."),
        ("Report a lost device within a day.", "A lost device must be reported (extension 4410) within 1 hour."),
    ],
)
def test_a_figure_in_words_is_wrong_beside_another_one_in_its_place(statement: str, text: str) -> None:
    assert said(statement, text) is None


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("病假一年最多30天。", "全年病假累计不超过30天，试用期6个月。"),
        ("The deposit is three monthly rents.", "The deposit amounts to three months' rent."),
        ("Wait half an hour (30 minutes).", "Wait 30 minutes before you touch it."),
        ("一个人可以带3个纸箱。", "每人限装3个纸箱。"),
    ],
)
def test_a_figure_in_words_need_not_stand_in_the_passage(statement: str, text: str) -> None:
    assert said(statement, text) == "checked"


TARIFF = """| Zone | Up to 50 kg | 51–200 kg | Days |
| --- | --- | --- | --- |
| A | $18.40 | $31.00 | 1 |
| B | $24.90 | $44.00 | 2 |
Fuel surcharge: 11.5% on all rates."""
COSTS = """| 职级 | 住宿（元/晚） | 伙食（元/天） |
| --- | --- | --- |
| 经理 | 600 | 120 |
| 员工 | 480 | 100 |"""
DAY = "We expect 240 guests. Catering costs EUR 62 per guest, gifts EUR 3,600. The meeting is from 10:00 to 11:25."
LEASE = "押金3万元，预付租金2万元。租期三年，自2024年7月1日起。订金占40%。"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("With 240 guests at 62 euros each, catering comes to 14,880 euros.", DAY),
        ("The meeting takes 85 minutes.", DAY),
        ("经理住三晚，住宿费一共1800元。", COSTS),
        ("员工一天的伙食是100元，比经理少20元。", COSTS),
        ("押金和预付租金一共5万元。", LEASE),
        ("租期从2024年7月1日起三年，到2027年为止。", LEASE),
        ("订金是40%，剩下的60%以后再付。", LEASE),
        ("Including the fuel surcharge of 11.5%, a 30 kg shipment to zone A comes to $20.52.", TARIFF),
        (
            "The fleet has 250 cars, of which 50 are electric, a share of 20%.",
            "The fleet has 250 cars; 50 are electric.",
        ),
    ],
)
def test_a_figure_that_is_worked_out_cannot_be_checked(statement: str, text: str) -> None:
    assert said(statement, text) == "not_checkable"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("With 240 guests at 62 euros each, catering comes to 18,480 euros.", DAY),
        ("The meeting takes 95 minutes.", DAY),
        ("经理住三晚，住宿费一共1440元。", COSTS),
        ("员工一天的伙食是100元，比经理少30元。", COSTS),
        ("押金5万元。", LEASE),
        ("租期从2024年7月1日起三年，到2028年为止。", LEASE),
        ("订金是60%。", LEASE),
        (
            "The fleet has 250 cars, of which 50 are electric, a share of 30%.",
            "The fleet has 250 cars; 50 are electric.",
        ),
    ],
)
def test_a_figure_that_follows_from_no_others_is_wrong(statement: str, text: str) -> None:
    assert said(statement, text) is None


def test_a_case_lies_in_the_range_of_its_column() -> None:
    assert said("The rate for a 120 kg shipment to zone B is $44.00.", TARIFF) == "not_checkable"
    assert said("The rate for a 120 kg shipment to zone B is $24.90.", TARIFF) is None
    assert said("The rate for a 420 kg shipment to zone B is $44.00.", TARIFF) is None


def test_who_states_a_limit_puts_no_case() -> None:
    repairs = "Repairs up to $3,000 may begin without approval."
    assert said("A repair for $2,500 may begin without approval.", repairs) == "not_checkable"
    assert said("Repairs up to $2,500 may begin without approval.", repairs) is None


def test_columns_are_known_by_their_names() -> None:
    pumps = (
        "| Setting | P90-S | P90-M |\n| --- | --- | --- |\n| Flow | 12 l/h | 45 l/h |\n| Pressure | 16 bar | 10 bar |"
    )
    assert said("The flow is 45 l/h for the P90-M.", pumps) == "checked"
    assert said("The flow is 12 l/h for the P90-M.", pumps) is None


def test_what_replaces_another_is_the_new_one() -> None:
    text = "The price of the Team plan rises from $12 to $14."
    assert said("The Team plan costs $14 instead of $12.", text) == "checked"
    assert said("The Team plan costs $12 instead of $14.", text) is None


def test_a_count_of_rows_is_none_of_something_else() -> None:
    staff = "| 岗位 | 显示器 |\n| --- | --- |\n| 研发 | 2台 |\n| 设计 | 1台 |\n| 行政 | 1台 |"
    assert said("一共有三种岗位。", staff) == "checked"
    assert said("研发岗位可以配三台显示器。", staff) is None


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("报销单不用在15天内提交。", "报销单须在返回后15天内提交。"),
        ("Expense claims need not be handed in within 15 days.", "Expense claims are handed in within 15 days."),
        ("The disks are not encrypted with AES-256.", "All disks are encrypted with AES-256."),
    ],
)
def test_who_denies_what_the_passage_says_is_not_borne_out(statement: str, text: str) -> None:
    assert said(statement, text) is None


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("试用期内不能远程办公。", "远程办公仅限已转正员工，试用期内除外。"),
        ("年假没休完的部分可以延到3月31日。", "剩余年假可以延到3月31日。"),
        ("报销不能超过15天。", "报销须在15天内提交。"),
        ("Entry costs nothing for children, so no fee is due.", "Entry is free for children."),
    ],
)
def test_a_negation_in_other_words_is_no_denial(statement: str, text: str) -> None:
    assert said(statement, text) == "checked"


def test_where_words_leave_a_doubt_the_meaning_of_the_clauses_is_asked() -> None:
    text = "Hot dishes are kept at 65 °C or more. Refrigerators run at 5 °C."
    asked: list[tuple[str, str, str]] = []

    def nearer(said: Context, these: Sequence[Context], those: Sequence[Context]) -> float:
        asked.append((said[0], these[0][0], those[0][0]))
        return -8.0

    statement = "The fridges are kept at 5 °C."
    assert borne_out(statement, "", [Passage("", text)]) is None
    assert borne_out(statement, "", [Passage("", text)], nearer) == "checked"
    assert asked == [
        ("the fridges are kept at  … .", "refrigerators run at  … .", "hot dishes are kept at  …  or more.")
    ]


def test_a_price_is_for_its_period() -> None:
    assert said("The forklift costs £640 a month.", "The forklift is rented for a monthly fee of £640.") == "checked"
    assert said("The forklift costs £640 a week.", "The forklift is rented for a monthly fee of £640.") is None


def test_who_agrees_to_a_wrong_figure_is_not_borne_out() -> None:
    text = "报销单须在返回后15日内提交，超过30日不予受理。"
    assert said("是的，报销单在20天内交。", text, "报销单是20天内交吗？") is None
    assert said("不是20天，报销单要在15日内提交。", text, "报销单是20天内交吗？") == "checked"


def test_a_rounded_figure_and_a_sum_cannot_be_checked() -> None:
    assert said("基础套餐不到400元。", "基础套餐398元。") == "not_checkable"
    assert said("The budget was raised by $3,500.", "The budget was raised from $8,000 to $11,500.") == "not_checkable"


def test_a_number_of_a_range_has_the_unit_of_the_range() -> None:
    [first, second] = quantities(read_text("Paper weights are 60 to 220 g/m²."))
    assert first.kinds == second.kinds == {"g/m2"}


HOTELS = passage("上海的住宿标准为每晚 650 元。员工每年享有十天带薪年休假。")


def across(statement: str, meaning: Meaning | None) -> list[str]:
    citer = Citer(tuple(Evidence(number, hit) for number, hit in enumerate(hits_of(HOTELS), start=1)), "", meaning)
    list(citer.feed(f"{statement}[1]"))
    list(citer.finish())
    return [citation.support for citation in citer.citations]


@pytest.fixture(scope="module")
def meaning() -> Meaning:
    dense = open_embedder(IngestSettings()).dense
    return Meaning(lambda: dense, seconds=60)


def test_across_languages_the_meaning_decides(meaning: Meaning) -> None:
    assert across("Every employee has paid annual leave each year.", meaning) == ["checked"]
    assert across("The printer needs a new cartridge when the red light blinks.", meaning) == []
    assert across("Every employee has paid annual leave each year.", None) == ["not_checkable"]


def test_figures_count_across_languages_too(meaning: Meaning) -> None:
    assert across("A hotel in Shanghai may cost 650 yuan a night.", meaning) == ["checked"]
    assert across("A hotel in Shanghai may cost 950 yuan a night.", meaning) == []


class Stuck:
    """An embedder that answers late, or not at all."""

    name, dimension, max_tokens = "stuck", 4, 512

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self._error = error

    def covers(self, language: Language) -> bool:
        return True

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [1 for _ in texts]

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 4), dtype=np.float32) / 2

    def embed_query(self, text: str) -> np.ndarray:
        self.asked += 1
        if self._error is not None:
            raise self._error
        time.sleep(1.0)
        return np.ones(4, dtype=np.float32) / 2


@pytest.mark.parametrize("error", [None, UnavailableError("embedding_server_down", "It is down.", "Start it.")])
def test_an_embedder_that_is_late_or_fails_is_not_waited_for_again(error: Exception | None) -> None:
    dense = Stuck(error)
    meaning = Meaning(lambda: dense, seconds=0.2)
    began = time.monotonic()
    for _ in range(5):
        assert across("Every employee has paid annual leave each year.", meaning) == ["not_checkable"]
    assert time.monotonic() - began < 3.0
    assert dense.asked == 1
    meaning.close()
