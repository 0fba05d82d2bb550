"""The words of a question by what they do in it: they ask, they name an aspect of a thing, they measure, or they name
the thing itself. A question without the last leaves its thing to the conversation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from assistant.terms import ENGLISH_NUMBERS, HAN_NUMBER, han_value, is_han, terms
from ingest.embedding.glosses import dictionary
from ingest.language import QUESTION_WORDS, fold

Role = Literal["asks", "aspect", "measure", "thing"]

_TOKEN = re.compile(
    r"[\u3400-\u9fff]+|[0-9]+(?:[.,:][0-9]+)*+[A-Za-z]*+|[A-Za-z\u00c0-\u024f]\w*+(?:[-'’.]\w+)*+", re.ASCII
)
_CODE = re.compile(r"[a-z]++[-.]?\d[\w.-]*+")
_UNITS_ZH = "个?(?:工作日|自然日|小时|分钟|星期|月|年|天|日|周|岁|级|层|楼|号楼|次|人|元|块|万元|万|倍)|%"
_UNITS_EN = "years?|months?|weeks?|days?|hours?|minutes?|people|persons?|kg|km|yuan|dollars?|percent|floors?|times"
_HAN_DIGIT = HAN_NUMBER.pattern.removesuffix("+")
_MEASURE = re.compile(
    r"(?<!\d)(?P<calendar>(?:19|20)\d\d)(?![\d.,-])年?+"
    r"|(?P<prefix>不满|未满|满|超过|不足)?+第?+"
    rf"(?P<zh>(?<![\d.])[0-9]++(?:\.[0-9]++)?+|(?<!{_HAN_DIGIT}){_HAN_DIGIT}++) ?+"
    rf"(?P<unit_zh>{_UNITS_ZH})(?:以上|以下|以内)?+"
    rf"|\b(?P<en>[0-9]++|{'|'.join(ENGLISH_NUMBERS)})[ -]?+(?P<unit_en>{_UNITS_EN})\b"
)

_ASKS_WORDS = """
那 那么 那如果 如果 要是 假如 假设 换成 换作 还有 以及 另外 而 或者 然后 再 问 再问 请问 想问 想 知道 呢 吗 吧
啊 的话 话 有 没有 要 会 能 可 可以 得 为 不 没 还 又 也 都 就 最 到 从 对 让 给 用 由 等 每 个 来 去 说 做 看
过 了 的 在 是 和 与 该 不能 不可 不可以 不会 不要 不用 能否 可否 一般 大概 大约 一共 总共 通常 需 需要 应该 应
必须 多少 多 哪 哪里 哪儿 哪个 哪些 谁 几 几天 几个 几年 几次 几点 什么 怎么 怎样 如何 为什么 为何 啥 咋 怎么办
怎么样 是否 有没有 是不是 能不能 可不可以 要不要 会不会 什么时候 何时 多久 长 大 高 远 这 这个 这些 这种 那个
那些 那种 它 它们 他 他们 她 她们 其 此 上述 前者 后者 我 我们 你 你们 您 咱们 里 上 下 中 前 后 我是说 我说
我指 指 意思 真 真的 嘛 呀 如
"""
_ASKS = frozenset(_ASKS_WORDS.split())
_ASPECTS_ZH_WORDS = """
钱 多少钱 价格 价钱 价 售价 报价 费用 金额 标准 上限 下限 额度 限额 时间 期限 有效期 保修 保修期 质保 质保期
重量 重 尺寸 大小 颜色 规格 型号 参数 功率 容量 精度 温度 地点 地址 位置 电话 电话号码 号码 邮箱 邮件 联系
联系人 联系方式 负责人 负责 流程 步骤 手续 材料 资料 文件 条件 要求 资格 例外 限制 规定 原因 理由 好处 区别 不同
结果 后果 申请 办理 办 使用 操作 设置 处理 解决 批准 审批 批 提交 提前 结转 结 转 折现 取消 延期 延长 推迟 修改
查 查询 下载 购买 买 退 退货 换 收费 免费 付 扣 算 拿 领 领取 找 交 签字 满足 适用 包括 包含 支持 生效 到期 开始
结束 具体 详细 详情 更多 其他 其它 别的 例子 举例 最多 最少 最高 最低 至少 超过 超 一年 一天 一次 一个月 每年
每月 每天 解释 说明 细说 新 旧 还是 一样 同样 可行 行 允许 变 变化 改 以前 之前 以后 之后 过期 失效 丢 丢了 坏
坏了 修 用完 没用完
"""
_ASPECTS_ZH = frozenset(_ASPECTS_ZH_WORDS.split())
_ASPECTS_EN_WORDS = """
cost costs price priced fee fees charge charged amount limit limits rate deadline date long far big size weight
heavy color colour dimension dimensions spec specs specification specifications version warranty guarantee
address location place phone telephone tel number contact email procedure process step steps form requirement
require required condition conditions eligible eligibility qualify apply application exception exceptions exempt
example examples detail details info information explain mean means meant elaborate reason difference different
use used need needed happen happens approve approves approved approval submit request permission allowed
possible purpose issue issues important start end begin old new available best free total average maximum
minimum somebody someone anyone people person know tell think really exactly specific specifically thing things
kind kinds type types way count early late soon often money value percent anything else special clarify concrete
past future next expensive cheap ask asking referring talking question
"""
_ASPECTS_EN = frozenset(terms(_ASPECTS_EN_WORDS))
_ACKNOWLEDGED_WORDS = """
谢谢 多谢 感谢 好 好的 好吧 行 可以 明白 明白了 知道了 了解 收到 你好 您好 嗯 哦 再见 辛苦了 thanks thank you ok
okay great good got it fine hello hi bye yes no sure cool perfect
"""
_ACKNOWLEDGED = frozenset(_ACKNOWLEDGED_WORDS.split())


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a question with its place, and what it does there. `plain` is its folded form in small letters."""

    text: str
    plain: str
    start: int
    end: int
    role: Role

    @property
    def is_name(self) -> bool:
        """Returns True for a capitalised Latin word, and for a Chinese one that the dictionary has as a name."""
        if is_han(self.plain):
            return len(self.plain) > 1 and _is_han_name(self.plain)
        return self.text[:1].isupper() and not self.is_code and self.role == "thing"

    @property
    def is_code(self) -> bool:
        """Returns True for letters with digits: LX-24, E07."""
        return _CODE.fullmatch(self.plain) is not None and not is_han(self.plain)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its unit, as `满五年` and `3 days`, and its place. `prefix` is 满 and the like."""

    value: str
    unit: str
    prefix: str
    start: int
    end: int


def plain(text: str) -> str:
    """Returns the text in simplified characters, half-width, small letters. Every character keeps its place."""
    return "".join(folded if len(folded := fold(character).lower()) == 1 else character for character in text)


def words_of(text: str) -> list[Word]:
    """Returns the words of a question in order. Chinese is cut by the dictionary. The time is linear in the text."""
    flat = plain(text)
    measured = {at for measure in measures_of(text) for at in range(measure.start, measure.end)}
    words = []
    for match in _TOKEN.finditer(flat):
        start = match.start()
        for part in dictionary().words(match[0]) if is_han(match[0]) else (match[0],):
            end = start + len(part)
            words.append(
                Word(
                    text[start:end],
                    part,
                    start,
                    end,
                    "measure" if start in measured and end - 1 in measured else _role(part),
                )
            )
            start = end
    return words


def measures_of(text: str) -> list[Measure]:
    """Returns the numbers of a text that have a unit."""
    found = []
    for match in _MEASURE.finditer(plain(text)):
        if match["calendar"]:
            found.append(Measure(match["calendar"], "calendar", "", *match.span()))
            continue
        number = match["zh"] or match["en"]
        value = number if number[0].isdigit() else ENGLISH_NUMBERS.get(number) or han_value(number)
        unit = (match["unit_zh"] or match["unit_en"]).removeprefix("个").rstrip("s")
        found.append(Measure(value, unit, match["prefix"] or "", *match.span()))
    return found


def is_acknowledgement(text: str) -> bool:
    """Returns True for thanks, greetings and the like, which ask nothing."""
    said = plain(text)
    whole = "".join(_TOKEN.findall(said))
    return whole in _ACKNOWLEDGED or all(token in _ACKNOWLEDGED for token in _TOKEN.findall(said))


@lru_cache(maxsize=4096)
def _role(word: str) -> Role:
    if is_han(word):
        if word in _ASPECTS_ZH:
            return "aspect"
        return "asks" if word in _ASKS or QUESTION_WORDS.fullmatch(word) else "thing"
    stems = terms(word)
    if not stems:
        return "asks"
    return "aspect" if all(stem in _ASPECTS_EN for stem in stems) else "thing"


@lru_cache(maxsize=4096)
def _is_han_name(word: str) -> bool:
    glosses = dictionary().glosses(word)
    return (
        bool(glosses) and glosses[0][:1].isupper() and not word.startswith(("星期", "周", "礼拜")) and word[-1] != "月"
    )
