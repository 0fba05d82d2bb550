"""Tells by its words what a cell of a table may be: the name of a field or a column, a value, the number of a row."""

from __future__ import annotations

import re
import unicodedata

MAX_LABEL = 24
_MAX_VALUE = 40

_HAN_NUMBER = "[一二两三四五六七八九十百千万零〇半]++"
_NUMBER = re.compile(rf"\d[\d,.]*+|{_HAN_NUMBER}")
_STARTS_WITH_NUMBER = re.compile(rf"[约≥≤<>＜＞±+−(（-]{{0,2}}+[￥¥$€£]?+\s?+(?:\d|{_HAN_NUMBER})")
_DIGITS = re.compile(r"\d[\d,.]*+")
_SPOKEN = re.compile(rf"{_HAN_NUMBER}(?:个?(?:工作日|自然日|小时)|个月|[周天日年元人名次块]|分钟)(?:以[上下内])?")
"""An amount in words: 十三天, 两个月, 五十元."""
_PERIOD = re.compile(
    r"(?:19|20)\d\d(?:\s?年(?!\d{1,2}月\d).*|\s?[QH]\d.*|[-–~至](?:19|20)\d\d.*)?|\d{1,2}\s?月份?|[QH][1-4]\b.*|"
    r"第?\s?\d{1,2}\s?(?:季度|周|期|阶段|档)"
)
"""Years, quarters and months head columns as often as they are values."""
_GENERIC = re.compile(
    r"(?:主要|检查|考核|评分|费用|技术|性能)?(?:项目|参数|指标|字段|字段名|序号|类别|分类|内容|事项|科目|要素|维度|对比项|级别|等级|档次"
    r"|名词|术语|问题|中文|英文)"
    r"|items?|parameters?|metrics?|fields?|categor(?:y|ies)|features?|properties|property|key|no\.?|#",
    re.I,
)
"""What heads the first column of a table with a header, and is no label of a value."""
_LABEL = re.compile(
    r".*(?:编号|号码|代码|名称|姓名|部门|科室|岗位|职务|职位|职级|日期|时间|期限|年限|工期|地点|地址|电话|手机|邮箱|邮编|传真"
    r"|网址|网站|微信|分机|负责人|责任人|联系人|经办人|申请人|审批人|审核人|制单人|填表人|代表人|金额|总额|总价|预算|费用|单价|价格"
    r"|数量|人数|规格|型号|来源|单位|性别|年龄|民族|学历|专业|籍贯|备注|说明|描述|目的|用途|事由|原因|版本|密级"
    r"|状态|类型|方式|账号|账户|户名|开户行|税号|资本|面积|币种|工号|简介|概述|范围|周期|比例|标准|要求|含义|取值|结果|意见"
    r"|职责|任务|城市|省份|地区|区域|条件|材料|流程|步骤|方法|措施|频次|频率|人员"
    r"|尺寸|重量|净重|毛重|长度|宽度|高度|厚度|直径|功率|电压|电流|容量|温度|湿度|压力|速度|转速|流量|浓度|精度|密度|材质|颜色|外观"
    r"|品牌|商标|产地|厂家|厂商|制造商|供应商|保质期|有效期|质保期|保修期|等级|性能|系统|内存|硬盘|处理器|屏幕|电池|接口"
    r"|照片|职称|面貌|婚姻状况|学位|院校|国籍|住址|甲方|乙方)"
    r"|(?:[\w.]++ ){0,2}(?:name|date|no\.?|number|id|phone|tel|telephone|mobile|fax|e-?mail|address|department|owner"
    r"|manager|contact|status|version|title|amount|budget|type|project|company|customer|supplier|location|position|remarks?|notes?"
    r"|description|price|quantity|unit|code|value|time|currency|rate|cost|model|brand|weight|colou?r|size|length|width|height"
    r"|material|power|voltage|warranty|manufacturer|vendor|capacity|origin)",
    re.I,
)
_NAMES_COLUMN = re.compile(
    r".*[名称号码期址数额率值式型类别种次因义途由项目法况容限级径]"
    r"|.*(?:地点|要点|[优缺特]点|[中英]文|作用|功能|对象|示例|举例|默认|处理|解释|答案|回答|建议|标题)"
    r"|(?:[\w.]++ ){0,2}(?:term|meaning|definition|command|effect|file|setting|default|option|purpose|role|step|action"
    r"|day|team|task|example|answer|question|reason|country|city|language|format|event|error|rule|level|method|path)s?"
    r"|(?:what|why|how|where|when|who|which|for)\b.*",
    re.I,
)
"""What heads a column of words. Many words end so that head none; so it counts only where nothing else tells."""
_NAMES_ROW = re.compile(
    r".{0,4}(?:名称|姓名|品名|物料|物品|产品|商品|货品|零件|部件|配件|材料|设备|项目|型号|序号|科目|指标)"
    r"|(?:[\w.]++ )?(?:items?|names?|products?|parts?|articles?|materials?|goods|equipment|models?|no\.?)",
    re.I,
)
"""What heads the column that says what each row is about."""
_TOTAL = re.compile(
    r"(?:本[页月季年]|年度|全[年部]|以上|部门)?(?:合\s?计|总\s?计|小\s?计|共\s?计|累\s?计|总\s?和|汇\s?总|平均值?|均值)(?:[:：（(\d].*)?"
    r"|(?:grand |sub-?)?totals?\b.{0,20}|sum|average|mean",
    re.I,
)
"""What a row says whose other cells are sums of the rows above."""
_ORDINAL = re.compile(r"(?:第|步骤|step )?[（(]?(\d{1,3}|[一二三四五六七八九十]{1,2}|[①-⑳])[)）.、．步]?", re.I)
_HAN_ORDINALS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三", "十四", "十五")


def is_generic(text: str) -> bool:
    """Returns True for a name such as 项目 or 序号, which heads the first column of a table."""
    return _GENERIC.fullmatch(text) is not None


def is_value(text: str) -> bool:
    """Returns True for a number, an amount, a date, a code: it has digits, and few letters."""
    if len(text) > _MAX_VALUE or _PERIOD.fullmatch(text):
        return False
    if _SPOKEN.fullmatch(text):
        return True
    digits = sum(character.isdecimal() for character in text)
    return digits > 0 and sum(character.isalpha() for character in text) <= max(4, digits)


def is_number(text: str) -> bool:
    """Returns True for a value that begins with a number: no code."""
    return is_value(text) and _STARTS_WITH_NUMBER.match(text) is not None


def is_label(text: str) -> bool:
    """Returns True for the name of a field, such as 项目编号."""
    named = text.rstrip("：: ")
    if not 0 < len(named) <= MAX_LABEL:
        return False
    return named != text or bool(_LABEL.fullmatch(named)) or is_generic(named)


def heads_column(text: str) -> bool:
    """Returns True for words that may head a column: the name of a field, a period, a word such as 含义."""
    if _PERIOD.fullmatch(text) or is_label(text):
        return True
    return len(text) <= MAX_LABEL and _NAMES_COLUMN.fullmatch(text) is not None


def names_row(text: str) -> bool:
    """Returns True for words that head the first column of a table, because they say what its rows are: 产品, Item."""
    return len(text) <= MAX_LABEL and _NAMES_ROW.fullmatch(text) is not None


def is_total(text: str) -> bool:
    """Returns True for what names a row of sums: 合计, 小计, Total."""
    return len(text) <= MAX_LABEL and _TOTAL.fullmatch(text) is not None


def shape(text: str) -> str:
    """Returns a text with 9 for each number in it. Values of one kind have the same shape."""
    return _NUMBER.sub("9", text)


def first_number(text: str) -> float:
    """Returns the whole part of the first number in digits, or 0."""
    found = _DIGITS.search(text)
    return float(found[0].replace(",", "").split(".")[0]) if found else 0.0


def ordinal(text: str) -> int:
    """Returns the number of a row: 3 for `3`, `(3)`, `三、`, `③`, `第三步`. Returns 0 for another text."""
    found = _ORDINAL.fullmatch(text)
    if found is None:
        return 0
    said = found[1]
    if said.isdecimal():
        return int(said)
    if said in _HAN_ORDINALS:
        return _HAN_ORDINALS.index(said) + 1
    return int(unicodedata.numeric(said, 0))
