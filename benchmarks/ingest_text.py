"""Text ingested end to end: English against the bare embedder's rate on the same chunks, Chinese in MB a minute.

    python -m benchmarks.ingest_text [--english MB or FOLDER] [--chinese MB or FOLDER]

Makes text of a small vocabulary, or takes a folder; ingests it into a new home as `youju ingest` does, start of the
workers included, and prints one JSON object. The bare rate is that of the dense embedder alone, in a process of the
workers' priority, over the chunks that the run has made, in batches of the same size; it is taken after the run, in
the same minute, since the machine's own speed varies. Model loading is left out of it, and is part of the run. So it
is of `ratio_by_processor`, which compares processor time, of all processes of the run: what others do on the machine
counts little in it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.document import Chunk
from ingest.embedding.from_settings import open_embedder
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources.folder import FolderSource
from ingest.store import Store

_ENGLISH = """
the of and to in a is that for it with as was on be by this are from or an at have not which they their has
will can more one all other when there been who some into only than its time after about these may then first
also new over work year company employee manager department travel expense receipt policy leave annual request
approval system server network password account security access document report customer order price contract
delivery product manual instrument laboratory sample measurement temperature pressure calibration maintenance
warranty repair service training schedule meeting project budget quarter annual result process procedure
requirement quality inspection standard supplier purchase invoice payment tax salary bonus insurance health
safety fire drill
"""
_CHINESE = """
的 了 和 是 在 有 对 为 与 及 或 由 应 可 不 将 按 从 以 员工 公司 部门 经理 管理 制度
规定 办法 流程 申请 审批 报销 差旅 费用 发票 合同 采购 供应商 付款 预算 年假 病假 考勤 加班
工资 奖金 社保 培训 考核 晋升 入职 离职 安全 消防 演练 信息 系统 服务器 网络 账号 密码 权限
数据 备份 故障 报告 处理 客户 订单 产品 价格 交付 保修 维修 仪器 实验室 样品 测量 温度 压力
校准 维护 质量 检验 标准 会议 项目 计划 季度 年度 结果 通知 文件 档案 保密 责任 监督 检查
整改 时间 地点 负责人
"""
_DOCUMENT_BYTES = 20_000
_BATCH_CHUNKS = 256
_NICENESS = 10


def main() -> None:
    """Measure both languages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--english", default="2", help="MB of text to make, or a folder")
    parser.add_argument("--chinese", default="12", help="MB of text to make, or a folder")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="youju-bench-") as folder:
        english, chunks = _ingested(Path(folder, "en"), asked.english, _ENGLISH, " ", ". ")
        bare, processor_seconds = _bare(chunks)
        english |= {
            "bare_processor_seconds": round(processor_seconds, 2),
            "ratio_by_processor": round(processor_seconds / english["processor_seconds"], 3),
            "bare_chunks_per_second": bare,
            "ratio": round(english["chunks_per_second"] / bare, 3),
            "ratio_once_started": round(english["chunks_per_second_once_started"] / bare, 3),
        }
        chinese, _ = _ingested(Path(folder, "zh"), asked.chinese, _CHINESE, "", "。")
    print(json.dumps({"english": english, "chinese": chinese, "load_average": os.getloadavg()[0]}, indent=2))


def _ingested(folder: Path, asked: str, words: str, space: str, stop: str) -> tuple[dict[str, Any], list[Chunk]]:
    """What one run over the text took, and its chunks."""
    texts = Path(asked)
    if asked.replace(".", "").isdigit():
        texts = folder / "texts"
        _write(texts, round(float(asked) * 1e6), words, space, stop)
    megabytes = sum(file.stat().st_size for file in texts.rglob("*") if file.is_file()) / 1e6
    settings = Settings(home=folder / "home")
    with closing(Store.open(settings, command="benchmark")) as store:
        started, processor_started = time.monotonic(), _processor_seconds()
        first: list[tuple[float, int]] = []  # when the first chunks were written, and how many
        words: list[float] = []  # when all documents were found by their words

        def note(report: Report) -> None:
            if report.chunks and not first:
                first.append((time.monotonic(), report.chunks))
            if report.found and report.done >= report.found and not words:
                words.append(time.monotonic())

        report = Ingestor(store, settings).run(FolderSource([texts]), on_progress=note)
        seconds, processor_seconds = time.monotonic() - started, _processor_seconds() - processor_started
        documents = [document for document in store.catalog.documents(OPERATOR) if document.revision is not None]
        chunks = [chunk for d in documents for chunk in store.index.chunks(d.id, d.revision or 0)]
    warm, missing = started + seconds - first[0][0], len(chunks) - first[0][1]
    return {
        "documents": report.new,
        "failed": report.failed,
        "megabytes": round(megabytes, 2),
        "chunks": len(chunks),
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor_seconds, 2),
        "seconds_to_words": round(words[0] - started, 2),
        "seconds_to_first_chunks": round(first[0][0] - started, 2),
        "chunks_per_second": round(len(chunks) / seconds, 1),
        "chunks_per_second_once_started": round(missing / warm, 1),
        "megabytes_per_minute": round(megabytes / seconds * 60, 1),
        "megabytes_per_minute_once_started": round(megabytes * missing / len(chunks) / warm * 60, 1),
    }, chunks


def _write(folder: Path, size: int, words: str, space: str, stop: str) -> None:
    """Text of about so many bytes, in documents of paragraphs of sentences; common words are common."""
    choose = random.Random(2)
    vocabulary = words.split()
    weights = [1 / (place + 3) for place in range(len(vocabulary))]
    folder.mkdir(parents=True)
    written = 0
    while written < size:
        document = ""
        while len(document.encode()) < _DOCUMENT_BYTES:
            sentences = [space.join(choose.choices(vocabulary, weights, k=choose.randint(8, 24))) for _ in range(6)]
            document += stop.join(sentences) + stop.strip() + "\n\n"
        (folder / f"{written:09d}.txt").write_text(document, encoding="utf-8")
        written += len(document.encode())


def _processor_seconds() -> float:
    """Of this process and of its workers that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _bare(chunks: Sequence[Chunk]) -> tuple[float, float]:
    """Returns how many chunks a second the dense embedder alone embeds, and its processor time."""
    texts = [f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text for chunk in chunks]
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, initializer=os.nice, initargs=(_NICENESS,)) as pool:
        seconds, processor_seconds = pool.apply(_embed, (texts,))
        return round(len(texts) / seconds, 1), processor_seconds


def _embed(texts: Sequence[str]) -> tuple[float, float]:
    """Seconds that the dense embedder takes for the texts, its weights loaded: by the clock, and of the processor."""
    with tempfile.TemporaryDirectory() as home:
        dense = open_embedder(Settings(home=Path(home))).dense
    dense.embed_documents(texts[:8])
    started, processor_started = time.monotonic(), time.process_time()
    for start in range(0, len(texts), _BATCH_CHUNKS):
        dense.embed_documents(texts[start : start + _BATCH_CHUNKS])
    return time.monotonic() - started, time.process_time() - processor_started


if __name__ == "__main__":
    main()
