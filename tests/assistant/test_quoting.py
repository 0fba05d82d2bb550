"""What is quoted without a chat model: one sentence, row or list, the one that answers, and a second one rarely."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from assistant.answer import Assistant
from assistant.conversation import Conversation
from assistant.events import Evidence, Finished
from assistant.gate.fitted import FittedGate
from assistant.models import complete
from assistant.models.from_settings import open_model
from assistant.prompts.answer_language import answer_language
from assistant.quoting.forms import form_shift
from assistant.quoting.intervals import intervals, quantities
from assistant.request import Request
from assistant.settings import AssistantSettings
from ingest.access import OPERATOR
from ingest.document import Chunk
from ingest.language import fold
from tests.canned_retrieval import CannedRetriever, hits_of, passage


def answered(question: str, *chunks: Chunk, query: str = "") -> str:
    evidence = tuple(Evidence(number, hit) for number, hit in enumerate(hits_of(*chunks), start=1))
    request = Request((), question, answer_language(question), evidence, query=query)
    return asyncio.run(complete(open_model(AssistantSettings(), hub=False), request))


def quotation(question: str, *chunks: Chunk) -> str:
    """The answer without our own words."""
    return answered(question, *chunks).partition("\n\n")[2]


def table(header: str, *rows: str) -> str:
    rule = " | ".join(["---"] * (header.count("|") + 1))
    return "\n".join(f"| {line} |" for line in (header, rule, *rows))


def rows(answer: str) -> list[str]:
    """The rows of the table in an answer, without header and rule."""
    return [line for line in answer.splitlines() if line.startswith("|")][2:]


LEAVE = table(
    "司龄 | 天数", "满一年不满三年 | 5 天", "满三年不满五年 | 8 天", "满五年不满十年 | 11 天", "十年以上 | 16 天"
)
SERVICE = table(
    "Service | Bonus", "up to 3 years | none", "3–6 years | 500", "over 6 to 10 years | 800", "over 10 years | 1200"
)
AMOUNTS = table("金额（元） | 审批人", "≤ 500 | 组长", "501-5,000 | 科长", "5,001-5 万 | 厂长", "5 万以上 | 董事会")
SEASONS = table(
    "日期 | 房价", "1月5日至4月30日 | 300 元", "5月1日—5月5日 | 800 元", "7 月至 8 月 | 600 元", "12月20日以后 | 900 元"
)
HOURS = table("时段 | 电价", "8:00–22:00 | 0.6 元", "22:00 以后 | 0.3 元")


@pytest.mark.parametrize(
    ("text", "question", "row"),
    [
        (LEAVE, "我来公司四年了，一年能休几天假？", "满三年不满五年 | 8 天"),
        (LEAVE, "工作满五年有几天？", "满五年不满十年 | 11 天"),
        (LEAVE, "干了 10 年，天数是多少", "十年以上 | 16 天"),
        (LEAVE, "入职 18 个月有几天", "满一年不满三年 | 5 天"),
        (LEAVE, "入职一年半有几天", "满一年不满三年 | 5 天"),
        (LEAVE, "How many days do I get after four years?", "满三年不满五年 | 8 天"),
        (SERVICE, "What bonus do I get after 5 years of service?", "3–6 years | 500"),
        (SERVICE, "bonus for twelve years of service", "over 10 years | 1200"),
        (SERVICE, "bonus for 10 years of service?", "over 6 to 10 years | 800"),
        (SERVICE, "干了两年有多少奖金？", "up to 3 years | none"),
        (AMOUNTS, "三百块找谁审批？", "≤ 500 | 组长"),
        (AMOUNTS, "花 3,200 元要谁批准", "501-5,000 | 科长"),
        (AMOUNTS, "买 2 万元的机器谁审批", "5,001-5 万 | 厂长"),
        (AMOUNTS, "八万元的合同谁审批", "5 万以上 | 董事会"),
        (SEASONS, "5月3日住一晚多少钱", "5月1日—5月5日 | 800 元"),
        (SEASONS, "八月份的房价多少", "7 月至 8 月 | 600 元"),
        (SEASONS, "圣诞节 12 月 25 日房价", "12月20日以后 | 900 元"),
        (HOURS, "晚上十一点电价多少？", "22:00 以后 | 0.3 元"),
        (HOURS, "上午 9:30 的电价", "8:00–22:00 | 0.6 元"),
    ],
)  # fmt: skip
def test_the_row_whose_range_has_the_number_is_quoted_alone(text: str, question: str, row: str) -> None:
    assert rows(quotation(question, passage(text))) == [f"| {row} [1] |"]


def test_a_sentence_with_the_range_is_quoted_and_not_its_neighbour() -> None:
    text = "不满五节的，退还百分之八十。满五节不满十五节的，退还百分之五十。满十五节的，不予退还。"
    assert (
        quotation("上了八节课能退多少？", passage(text, title="退费")) == "- 满五节不满十五节的，退还百分之五十。 [1]"
    )


def test_a_sentence_beside_the_range_is_no_neighbour_of_it() -> None:
    text = "满五年不满十年的，奖金为六千元。奖金每年三月十五日发放。"
    assert "三月十五日" in quotation("干了七年，奖金什么时候发放？", passage(text, title="奖金"))


def test_a_number_of_the_asker_is_no_answer() -> None:
    laptops = passage("Laptops are replaced every four years.", title="Laptops")
    leave = passage("After three years of service annual leave is 10 days.", title="Leave")
    assert "10 days" in quotation("How many days of annual leave do I get after four years?", laptops, leave)


def test_a_table_is_quoted_whole_if_no_row_is_meant() -> None:
    assert len(rows(quotation("有几天年假？", passage(LEAVE, title="年假")))) == 4


def test_a_wide_row_keeps_the_columns_that_are_asked_for() -> None:
    names = [f"第{number}列" * 6 for number in range(40)]
    text = table(" | ".join(["型号", *names, "保修期"]), " | ".join(["A-7", *["甲乙丙丁"] * 40, "24 个月"]))
    [row] = rows(quotation("A-7 的保修期多长？", passage(text)))
    assert row.startswith("| A-7 |")
    assert row.endswith("24 个月 [1] |")
    assert len(row) < 400


def test_empty_columns_are_left_out_and_bars_inside_cells_stay() -> None:
    text = table("灯 | 备注 | 含义", "红 \\| 闪 |  | 缺水")
    assert rows(quotation("红灯闪是什么含义", passage(text))) == ["| 红 \\| 闪 | 缺水 [1] |"]


@pytest.mark.parametrize("text", [table(" | ", "合同编号 | HT-88", "经办人 | 周舟"), table("合同编号 | HT-88")])
def test_a_row_without_a_header_is_quoted_as_it_is(text: str) -> None:
    answer = quotation("合同编号是多少", passage(text, title="合同登记"))
    assert "| 合同编号 | HT-88 [1] |" in answer
    assert "周舟" not in answer


def test_the_answer_of_a_question_is_quoted_without_it() -> None:
    text = "问：会员卡可以转让吗？ 答：可以，手续费两百元。\n\n问：丢了手环怎么办？ 答：到前台补办。工本费三十元。"
    assert quotation("手环丢了怎么办", passage(text)) == "- 到前台补办。工本费三十元。 [1]"
    english = "Q: Can I print here? A: Yes, beside the lift.\n\nQ: How many books can I borrow? A: Twelve."
    assert quotation("how many books may I take", passage(english)) == "- Twelve. [1]"
    assert (
        quotation("print", passage("Where do I print?\n\nAt the desk on floor 2.")) == "- At the desk on floor 2. [1]"
    )


@pytest.mark.parametrize(
    "text",
    [
        "第三章 请假制度\n\n请假须提前两天提出。",
        "请假制度\n\n请假须提前两天提出。",
        "请假制度 .......... 12\n\n请假须提前两天提出。",
        "请假制度有什么规定？\n\n请假须提前两天提出。",
        "# 请假制度\n\n请假须提前两天提出。",
    ],
)
def test_headings_contents_and_questions_are_no_answers(text: str) -> None:
    assert quotation("请假制度", passage(text, title="请假制度")) == "- 请假须提前两天提出。 [1]"


def test_a_list_is_quoted_whole_where_it_is_asked_how() -> None:
    text = "更换滤芯请按以下步骤：\n\n关闭进水阀。\n\n旋下滤瓶，取出滤芯。\n\n装入新滤芯。"
    expected = "更换滤芯请按以下步骤：\n- 关闭进水阀。\n- 旋下滤瓶，取出滤芯。\n- 装入新滤芯。 [1]"
    assert quotation("怎么更换滤芯？", passage(text)) == expected
    numbered = "To reset the router:\n1. Hold the pin.\n2. Wait for the light.\n3. Sign in.\n\nAll settings are lost."
    assert quotation("How do I reset the router?", passage(numbered)) == (
        "To reset the router:\n1. Hold the pin.\n2. Wait for the light.\n3. Sign in. [1]"
    )


def test_a_long_list_ends_in_time() -> None:
    text = "How to start the engine:\n" + "\n".join(f"{number}. Check valve {number}." for number in range(1, 80))
    assert len(quotation("How do I start the engine?", passage(text)).splitlines()) <= 13


def test_a_sentence_that_points_back_brings_the_one_before_it() -> None:
    text = "The annual audit is done by Brook & Lane. It starts in March. Results are public."
    assert quotation("When does it start?", passage(text)) == (
        "- The annual audit is done by Brook & Lane. It starts in March. [1]"
    )


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("谁负责保安？", "保安很重要。保安由马强负责。保安室全天开放。", "马强"),
        ("泳池在哪里？", "泳池由员工共用。泳池位于会所三层。泳池的水每天更换。", "三层"),
        ("泳池几点开门？", "泳池由员工共用。泳池 9:00 开门。泳池的门很大。", "9:00"),
        ("How heavy is the drill?", "The drill is blue. The drill weighs 3.4 kg. The drill needs 600 W.", "3.4 kg"),
        ("Who signs contracts?", "Contracts are blue. Contracts are signed by Ana Lopez. Contracts last.", "Ana Lopez"),
        ("为什么停机？", "停机共两小时。停机因日志写满。停机后重启。", "写满"),
        (
            "What is the phone number of payroll?",
            "Payroll is room 412. Payroll is extension 6310. Payroll pays.",
            "6310",
        ),
    ],
)
def test_a_sentence_of_the_kind_that_is_asked_for_is_preferred(question: str, text: str, answer: str) -> None:
    said = quotation(question, passage(text))
    assert answer in said
    assert said.count("\n") == 0


@pytest.mark.parametrize(
    ("question", "answers", "lacks"),
    [
        ("How much is a colour copy?", "A copy costs CNY 2.", "Colour copies are charged to your department."),
        ("what does a repair cost", "Repairs are free of charge.", "The warranty is 36 months."),
        ("洗一次车多少钱", "| 项目 | 价格 | | 洗车 | 30 |", "洗车机每天开放。"),
        ("借书能借多久", "借期为三十天。", "借书须登记。"),
        ("要等幾耐", "约两个工作日。", "请耐心等候。"),
        ("新厂房啥时候启用", "2027 年 8 月启用", "厂房最低温度 -10 ℃"),
        ("How loud is the pump?", "Noise level 58 dB(A)", "The pump costs CNY 8900."),
        ("what's the email address of the archive", "archive@example.org", "The archive is in room 3."),
        ("档案室电话是多少", "档案室：分机 6310", "档案室在 3 楼"),
        ("前台邮箱是多少", "desk@example.org", "前台在一楼"),
        ("学生买票打几折", "学生九折", "学生须出示学生证"),
    ],
)
def test_a_text_without_the_form_that_is_asked_for_is_less_likely(question: str, answers: str, lacks: str) -> None:
    assert form_shift(question, fold(answers).lower()) == 0 > form_shift(question, fold(lacks).lower())


@pytest.mark.parametrize("question", ["那几天谁值班", "怎么请假", "How do I book a room?", "哪个部门管车"])
def test_a_question_that_asks_for_no_form_leaves_every_text_as_it_is(question: str) -> None:
    assert form_shift(question, "请联系行政组。") == 0


def test_words_cross_the_languages_by_the_dictionary() -> None:
    rules = passage("Safety glasses are worn at all times. The cold room is in the basement. Gloves are changed.")
    assert quotation("冷藏室在哪里？", rules) == "- The cold room is in the basement. [1]"
    canteen = passage("体检在五月。食堂在二号楼。滤芯每年更换一次。")
    assert quotation("Where is the dining hall?", canteen) == "- 食堂在二号楼。 [1]"


def test_a_code_outweighs_the_words_around_it() -> None:
    prices = passage(table("型号 | 名称", "LX-24 | 离心机"), title="价格表")
    codes = passage(table("Code | Meaning", "E02 | Lid open", "E07 | Too hot"), title="LX-24 manual")
    assert rows(quotation("LX-24 报 E07 是什么意思", prices, codes))[0] == "| E07 | Too hot [2] |"


def test_a_row_of_a_spare_part_that_fits_a_device_is_not_the_row_of_the_device() -> None:
    parts = passage(table("Part | Name | Price | Fits", "A-20 | Rotor | 3100 | LX-24", "A-21 | Lid | 90 | LX-24"))
    devices = passage(table("Model | Name | Price", "LX-16 | Centrifuge | 8900", "LX-24 | Centrifuge | 19600"))
    assert rows(quotation("How much is the LX-24?", parts, devices))[0].startswith("| LX-24 |")
    assert rows(quotation("How much is the rotor for the LX-24?", parts, devices))[0].startswith("| A-20 |")


def test_two_things_that_are_asked_get_two_quotations() -> None:
    text = "合同由法务部保管。合同保存十年。合同用蓝色封面。"
    said = quotation("合同由谁保管，要保存几年？", passage(text))
    assert "法务部" in said
    assert "十年" in said
    assert "封面" not in said


def test_what_another_document_repeats_is_not_said_again() -> None:
    first, again = (passage("停卡每年不超过 90 天。", title=title) for title in ("手册", "通知"))
    assert quotation("停卡每年最多多少天？", first, again).count("[") == 1


def test_our_own_words_follow_the_question_and_quotations_stay_as_they_are() -> None:
    chunk = passage("年假为十天。", title="手册")
    assert answered("年假有几天？", chunk) == "文档中与问题最相关的原文：\n\n- 年假为十天。 [1]"
    assert answered("請問年假有幾天？", chunk) == "文件中與問題最相關的原文：\n\n- 年假为十天。 [1]"
    assert answered("annual leave?", chunk).startswith("The passage that answers best, quoted:\n\n- 年假为十天。 [1]")


def test_the_query_that_was_searched_decides_and_the_typed_question_gives_the_language() -> None:
    text = passage("食堂在二号楼。停车场在地下。")
    assert answered("食唐在哪", text, query="食堂在哪") == "文档中与问题最相关的原文：\n\n- 食堂在二号楼。 [1]"


def test_a_passage_of_nothing_but_a_heading_still_gives_an_answer() -> None:
    assert quotation("请假制度", passage("请假制度", title="请假制度")) == "- 请假制度 [1]"


@pytest.mark.parametrize(
    ("question", "text", "quote"),
    [
        ("来了四年有几天年假？", LEAVE, "| 满三年不满五年 | 8 天 |"),
        ("怎么更换滤芯？", "更换滤芯：\n\n关闭进水阀。\n\n装入新滤芯。", "装入新滤芯。"),
        ("丢了手环怎么办？", "问：丢了手环怎么办？ 答：到前台补办。", "答：到前台补办。"),
    ],
)
def test_each_form_carries_a_checked_citation(question: str, text: str, quote: str) -> None:
    async def ask() -> Finished:
        settings = AssistantSettings(refusal_threshold=0)
        retriever = CannedRetriever([passage(text, title="年假 天 更换 手环")])
        assistant = Assistant(retriever, FittedGate(0), open_model(settings, hub=False), settings)
        none: Conversation = ()
        events = [event async for event in assistant.answer(question, none, OPERATOR)]
        await assistant.aclose()
        end = events[-1]
        assert isinstance(end, Finished)
        return end

    end = asyncio.run(ask())
    assert (end.grounded, end.refused, end.model) == (True, False, "extractive")
    assert [(each.number, each.quote, each.support) for each in end.citations] == [(1, quote, "checked")]
    assert "模型" not in end.answer


def test_heading_paths_are_no_answers_either() -> None:
    chunk = passage("Leave\n\nLeave is 12 days.", title="Handbook")
    chunk = replace(chunk, location=replace(chunk.location, heading_path=("Leave",)))
    assert quotation("leave", chunk) == "- Leave is 12 days. [1]"


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("超过五千元、不超过五万元", "五万元", "五千元"),
        ("between 5 and 10 kg", "10 公斤", "11 kg"),
        ("10 年以上（不含）", "11 年", "10 年"),
        ("不少于 3 天", "3 天", "2 天"),
        ("within 30 days", "two weeks", "five weeks"),
        ("8 点至 17 点半", "下午 5 点", "晚上 8 点"),
        ("June to August", "7 月", "9 月"),
        ("超过 20,000 元", "花3万块", "花1万9"),
        ("超过 20,000 元", "30k", "15k"),
        ("5,000 元以上、不足 50,000 元", "一万二的单子", "1千5的单子"),
        ("between 1,000 and 2,000", "1千5", "两千五"),
        ("单价 150-300 元", "两百块", "一百块"),
        ("不得超过 30%", "两成", "40%"),
        ("百分之五以上", "6 个点", "三个点"),
        ("满两块五", "2.5 元", "2.4 元"),
        ("3 March to 10 March", "March 5", "March 11"),
    ],
)
def test_a_range_is_read_in_many_forms(text: str, inside: str, outside: str) -> None:
    [held], [missed] = quantities(inside), quantities(outside)
    assert any(found.holds(held) for found in intervals(text))
    assert not any(found.holds(missed) for found in intervals(text))


@pytest.mark.parametrize(
    ("asked", "other", "same"),
    [
        ("2026年7月8日", "2026年七月廿一日", "2026-07-08"),
        ("2026年7月8日", "2025-07-08", "26.7.8"),
        ("7月23日", "2026年7月13日", "2026年七月廿三日"),
        ("下午两点半", "15:30", "14:30"),
        ("星期三", "每周四", "每周三"),
        ("2026年第二季度", "2026Q3", "2026Q2"),
        ("上半年", "下半年", "2026上半年"),
    ],
)
def test_the_day_or_time_of_the_question_decides_among_parts_alike(asked: str, other: str, same: str) -> None:
    texts = (f"例会记录：{other}，由一号车间召集。", f"例会记录：{same}，由九号车间召集。")
    answer = quotation(f"{asked}的例会由哪个车间召集？", *map(passage, texts))
    assert answer == f"- {texts[1]} [2]"


def test_a_range_is_not_taken_for_another_day() -> None:
    texts = ("7月8日食堂盘点。", "7月1日至7月15日浴室不开放，请用二楼的浴室。")
    answer = quotation("7月8日浴室开放吗？", *(passage(text) for text in texts))
    assert "7月1日至7月15日浴室不开放" in answer
