"""Makes the binary files of `examples/`: a small company that does not exist. The text files are written by hand.

    python tests/example_company/make_examples.py [FOLDER]

Needs, beside the project's own packages, `pip install reportlab` and, for the Chinese letters,
`apt-get install fonts-wqy-zenhei fonts-dejavu-core`. The same versions give the same bytes.
"""

# ruff: noqa: E501  (the long lines are sentences of the documents)

from __future__ import annotations

import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import office
import printed
import scanned
import sheets

EXAMPLES = Path(__file__).parents[2] / "examples"

MAKERS = {
    "员工手册.docx": office.handbook,
    "travel-and-expense-policy.docx": office.travel_policy,
    "采购管理办法.docx": office.purchasing,
    "onboarding.pptx": office.onboarding,
    "产品路线图.pptx": office.roadmap,
    "产品价格表.xlsx": sheets.price_list,
    "office-contacts-and-assets.xlsx": sheets.office_list,
    "LX-24-user-manual.pdf": printed.manual,
    "信息安全管理制度.pdf": printed.security_policy,
    "消防演练通知-扫描件.pdf": scanned.fire_drill,
    "laboratory-notice-scan.jpg": scanned.laboratory_notice,
}

_REPORT = """各位同事：

现将 9 月 14 日订单系统中断的调查结果通报如下。

一、经过
2026 年 9 月 14 日 02:17，订单系统停止响应，02:40 值班工程师接到告警，05:05 恢复服务，中断共 2 小时 48 分钟。

二、影响
中断期间有 63 笔海外订单未能提交，系统恢复后已全部由销售部补录，没有数据丢失。

三、根本原因
本次中断的根本原因是数据库服务器的日志分区被写满。8 月 30 日升级后，清理旧日志的定时任务没有重新启用，日志连续 15 天未清理。

四、改进措施
1. 清理任务纳入升级检查清单，责任人罗浩，9 月 20 日前完成。
2. 日志分区使用率超过 80% 时发出告警，责任人石磊，9 月 25 日前完成。
3. 每季度进行一次恢复演练，首次演练定于 10 月 22 日。

石磊
信息技术部

> 发件人：贺明
> 日期：2026 年 9 月 14 日 08:52
>
> 石磊，今天凌晨德国客户反映无法下单，请尽快查明原因并给销售部一个书面说明。
"""


def incident_report(path: Path) -> None:
    """A thread with a Chinese subject; the parts are encoded as mail clients do."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "石磊 <shi.lei@lanheng.example>"
    message["To"] = "贺明 <he.ming@lanheng.example>, it-all@lanheng.example"
    message["Subject"] = "回复：9 月 14 日订单系统中断事故报告"
    message["Date"] = "Tue, 15 Sep 2026 16:20:00 +0800"
    message["Message-ID"] = "<20260915162000.7731@lanheng.example>"
    message["In-Reply-To"] = "<20260914085200.4410@lanheng.example>"
    message.set_content(_REPORT, charset="utf-8", cte="base64")
    path.write_bytes(message.as_bytes())


def make(folder: Path) -> None:
    """Write every generated example into `folder`."""
    for name, maker in {**MAKERS, "事故报告-订单系统中断.eml": incident_report}.items():
        maker(folder / name)
        print(f"{(folder / name).stat().st_size:8,d}  {name}")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES)
