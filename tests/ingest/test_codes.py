"""Codes, dates, clauses and amounts are found however they are written, and headings do not drown the text."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from ingest.access import OPERATOR
from ingest.document import Chunk, Embedding, Location, chunk_id, document_id
from ingest.embedding import terms_of
from ingest.embedding.codes import with_codes
from ingest.embedding.sparse import Bm25Embedder
from ingest.index.edge import EdgeIndex
from ingest.language import detect, fold

VAGUE = {
    f"vague {number}": f"铸铁牌号 QT4{number:02} 的硬度范围、离心机 KX-{number} 的转子寿命与 GB/T2{number:04} 的内审。"
    f"2025年{number % 12 + 1}月{number % 27 + 1}日起批准专项费用{number}千元，期限 {number} 天，见第{number}章。"
    for number in range(40, 60)
}


def chunk(name: str, text: str, *, title: str = "", path: tuple[str, ...] = ()) -> Chunk:
    document = document_id("local", name)
    return Chunk(
        id=chunk_id(document, 1, 0),
        document_id=document,
        revision=1,
        position=0,
        source="local",
        uri=name,
        title=title,
        language=detect(text),
        text=text,
        location=Location(heading_path=path),
        access=("everyone",),
    )


def found(folder: Path, passages: Mapping[str, str] | list[Chunk], question: str) -> list[str]:
    """The names of the passages that the words of a question find in an index, the best first."""
    chunks = passages if isinstance(passages, list) else [chunk(name, text) for name, text in passages.items()]
    embedder = Bm25Embedder()
    names = {each.id: each.uri for each in chunks}
    with closing(EdgeIndex.open(folder / "index", dimension=4)) as index:
        index.write(chunks, [Embedding(None, terms) for terms in terms_of(chunks, embedder)])
        legs = index.search(Embedding(None, embedder.embed_query(question)), reader=OPERATOR, limit=10)
        return [names[hit.chunk_id] for hit in legs.sparse]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("离心机 LX-24 每七年更换", "LX24 多久换一次"),
        ("离心机 LX24 每七年更换", "lx 24"),
        ("离心机 LX 24 每七年更换", "ＬＸ－２４"),
        ("传感器 TS_10 接线", "ts10"),
        ("传感器 TS10 接线", "TS-10"),
        ("体系标准 GB/T 19001-2016 每年两次", "GBT19001"),
        ("体系标准 GB/T19001 每年两次", "GB/T 19001"),
        ("螺栓规格 M8×20 扭矩", "m8x20"),
        ("接口协议 OPC-UA 端口", "opcua"),
        ("无线 WiFi6 终端", "Wi-Fi 6"),
        ("屏幕显示 ERR_CONN_104 时重启", "err-conn-104"),
        ("build v3.2.1 of the client", "3.2.1 版本"),
        ("生效日为 2024-03-05。", "2024年3月5日"),
        ("生效日为二〇二四年三月五日。", "2024/3/5"),
        ("The contract ends on 5 March 2024.", "2024-03-05"),
        ("The contract ends on March 5th, 2024.", "2024年3月5日"),
        ("生效日为 2024年3月5日。", "what ends on 5 Mar 2024"),
        ("第三十八条 供应商须按期交货。", "Article 38"),
        ("第三十八条 供应商须按期交货。", "§38"),
        ("Article 38 Deliveries are made in time.", "第 38 条"),
        ("Section 3.2.1 Deliveries", "3.2.1"),
        ("批准二千七百元", "2700元"),
        ("批准 1,280.00 元", "¥1280"),
        ("批准 1.28 万元", "12800元"),
        ("期限三十七天", "37 天"),
        ("保修 3 年", "保修三年"),
        ("The warranty lasts three years.", "3 年"),
        ("电话 400-800-1234", "4008001234"),
        ("电话 400 800 1234", "400-8001234"),
        ("急修电话 0512-6288 1200", "(0512)62881200"),
        ("急修电话 0512-6288 1200", "6288-1200"),
        ("急修电话 051262881200", "62881200"),
        ("值班手机 138 0512 6677", "13805126677"),
        ("值班手机 +86 138-0512-6677", "138 05126677"),
        ("轴承 6204-2RS 三十套", "62042RS"),
        ("法兰材质 06Cr19Ni10 的周期", "06cr19ni10"),
        ("变频器 ATV320U15N4B 的密码", "ATV 320U15N4B"),
        ("按扭 3M8810 的货架", "3m8810"),
        ("会议于 26.3.9 召开", "2026年3月9日"),
        ("会议于 20260309 召开", "3月9日"),
        ("会议于 2026-03-09 召开", "26年3月9日"),
        ("会议于 2026年3月廿三日 召开", "2026-03-23"),
        ("Held on 09-Mar-2026.", "2026/3/9"),
        ("会议于 2026-03-29 召开", "29/03/2026"),
        ("启动会 14:30 开始", "下午两点半"),
        ("启动会时间：14:30", "2:30 pm"),
        ("启动会 14点45分 开始", "下午2点三刻"),
        ("例会在星期三", "周三"),
        ("例会在每周三", "Wednesday"),
        ("第三季度的复盘", "Q3"),
        ("2026Q2 的总结", "2026年第二季度"),
        ("2026年二季度的总结", "2Q26"),
        ("2026年上半年的总结", "first half of 2026"),
        ("今收到押金叁仟伍佰元整", "3500"),
        ("今收到押金 3,500 元", "叁仟伍佰元"),
        ("批准 2 700 元", "2700"),
        ("总价 1.285 亿元", "1亿2850万"),
        ("总价 3万5千元", "35000"),
        ("The invoice is USD 2.7 million.", "270万"),
        ("The invoice is $2.7M.", "2,700,000"),
        ("期限卅七天", "37 天"),
        ("The leave lasts twenty-six weeks.", "26周"),
        ("提前一个半月通知", "1.5个月"),
        ("提前十八个月通知", "一年半"),
        ("须三分之二以上同意", "2/3"),
        ("展厅在二楼", "2楼"),
    ],
)
def test_what_is_meant_is_found_however_it_is_written(tmp_path: Path, written: str, asked: str) -> None:
    assert found(tmp_path, {**VAGUE, "wanted": written}, asked)[0] == "wanted"


def test_a_day_that_may_be_two_is_found_only_as_it_is_written(tmp_path: Path) -> None:
    passages = {"march": "Due 2024-03-05.", "may": "Due 2024-05-03.", "either": "Due 03/05/2024."}
    assert found(tmp_path / "a", passages, "03/05/2024")[0] == "either"
    for day, name in (("2024-03-05", "march"), ("2024-05-03", "may")):
        assert found(tmp_path / day, passages, day)[0] == name


def test_what_only_looks_like_a_date_a_time_or_an_amount_is_none() -> None:
    for text in (
        "版本 v23.3.1",
        "第 12.10.5 节",
        "10.26.3.9",
        "三点建议",
        "每周三次",
        "一周一个",
        "陆先生",
        "10 m",
        "2 100 m",
    ):
        words = with_codes(fold(text)).split()
        meant = ("zzmd", "zzym", "zztm", "zzwd", "n10000000", "n2100", "n6")
        assert not [word for word in words if word.startswith(meant)], text


def test_a_day_weighs_more_than_the_numbers_in_it(tmp_path: Path) -> None:
    passages = {f"{day}": f"会议于2026年7月{day}日召开，由8号车间召集。" for day in range(10, 28)}
    assert found(tmp_path, {**passages, "wanted": "记录：2026-07-08，由九组召集。"}, "7月8日会议")[0] == "wanted"


def test_another_code_is_another_word(tmp_path: Path) -> None:
    passages = {
        "2.4": "离心机 LX-2.4",
        "24": "离心机 LX-24",
        "240": "离心机 LX-240",
        "3.21": "第 3.21 版",
        "3.2.1": "第 3.2.1 版",
    }
    assert found(tmp_path / "a", passages, "LX24")[0] == "24"
    assert found(tmp_path / "b", passages, "LX-2.4")[0] == "2.4"
    assert found(tmp_path / "c", passages, "3.2.1")[0] == "3.2.1"
    assert found(tmp_path / "d", passages, "3.21")[0] == "3.21"


def test_characters_are_found_as_they_look() -> None:
    assert fold("⻝堂的⻋⻔ ⼀⽇") == fold("食堂的车门 一日")
    assert fold("差\u200b旅\u200b报\u200b销 so\u00adft\u2060ly") == "差旅报销 softly"
    assert fold("经 办 部 门：与 部门") == "经办部门:与 部门"
    assert fold("裡面、裏面、里面") == "里面、里面、里面"
    assert fold("接著說明著名的著作") == "接着说明著名的著作"
    assert fold("\uf9dc\uf900") == "隆岂"


MANUAL = "LX-24 离心机使用手册"


def manual(rows: Mapping[str, str]) -> list[Chunk]:
    return [chunk(name, text, title=MANUAL, path=(name,)) for name, text in rows.items()]


def test_the_price_comes_before_the_chunks_that_repeat_the_manuals_name(tmp_path: Path) -> None:
    sections = {f"{number}": f"第 {number} 步，{'按下绿色按钮' * (number % 5)}后等待。" for number in range(30)}
    chunks = manual({"名称": MANUAL, **sections, "价格": "| 项目 | 数值 |\n|---|---|\n| 单价 | 3,860.00 元 |"})
    assert found(tmp_path, chunks, "LX-24 多少钱")[0] == "价格"


def test_a_heading_still_finds_its_own_chunks(tmp_path: Path) -> None:
    chunks = [*manual({"保修": "自交货之日起三年。"}), chunk("另一份", "自交货之日起三年。", title="RV63 减速机")]
    assert found(tmp_path, chunks, "LX24 保修")[0] == "保修"


def test_all_chunks_under_a_title_have_its_words_alike() -> None:
    chunks = [chunk(name, text, title="Pumps") for name, text in (("a", "oil"), ("b", "water " * 90), ("c", "pumps"))]
    title = set(Bm25Embedder().embed_query("pumps").indices)
    weights = [
        value
        for terms in terms_of(chunks, Bm25Embedder())
        for index, value in zip(terms.indices, terms.values, strict=True)
        if index in title
    ]
    assert len(weights) == 3
    assert len(set(weights)) == 1


def test_numbers_do_not_blow_up_the_terms_of_a_passage() -> None:
    for text in ("1,280.00 " * 500, "第三十八条 " * 500, "2024-03-05 " * 500, "LX-24/B.7 " * 500):
        [terms] = Bm25Embedder().embed_documents([text])
        assert len(terms.indices) < 20
    rows = "".join(f"| AB-{number} | 2024-03-{number % 28 + 1:02} | {number}.50 元 |\n" for number in range(200))
    [terms] = Bm25Embedder().embed_documents([rows])
    assert len(terms.indices) <= 200 * 3 + 28 * 3 + 20
