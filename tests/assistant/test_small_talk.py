"""Small talk is told from questions by the whole text: what is served, and what must not be swallowed."""

from __future__ import annotations

import pytest

from assistant.small_talk import Kind, small_talk

SERVED: dict[Kind, str] = {
    "greeting": """
        你好 | 您好 | 你好！ | 你好呀 | 你好啊~ | 您好，请问 | hi | Hi! | Hello | hello there | HELLO!!!
        hey | Hey there | 早上好 | 下午好！ | 晚上好 | 早 | 在吗 | 在吗？ | 在么 | 你在吗 | 有人吗 | hi 在吗
        你好👋 | 👋 hi | 哈喽 | 嗨 | 大家好 | good morning | Good afternoon! | Hi, how are you?
        how are you | How are you doing today? | what's up | 你好吗 | 您好吗？ | 最近怎么样 | 妳好
        您好，我有个问题 | 我想问个问题 | Hi, I have a question | hello youju | 你好，小助手 | Hello bot
        nice to meet you | anyone there? | Are you there? | 你好 你好 | hello hello | 新年快乐 | 吃了吗
        nihao | hi~ | 老师好 | 亲，在吗 | 喂 | hello, good morning everyone | 你好呀小助手 | 您好，在吗？
        哈罗 | 嗨，你好 | 早上好呀 | 中午好 | Good evening | hey bot | hello, anyone there? | hi there!
        Hi team | hey, how's it going? | 您好 在线吗 | 有人在吗？ | 你好，请问有人吗 | 早安！
        Good morning, team!
    """,
    "thanks": """
        谢谢 | 谢谢！ | 谢谢你 | 谢谢您 | 谢谢啦 | 多谢 | 太感谢了 | 非常感谢 | 感谢您的帮助
        谢谢您的解答🙏 | 辛苦了 | 辛苦啦！ | 好的，谢谢 | 好的谢谢 | 嗯嗯谢谢 | 謝謝 | 謝謝您 | 麻烦你了
        thanks | Thanks! | thank you | Thank you so much! | thanks a lot | thx | ty | many thanks
        Thanks for your help | thank you very much for the quick answer | ok thanks | great, thanks!
        much appreciated | I appreciate it | cheers | 你真棒 | 回答得很好 | 太好了，谢谢
        That helps, thank you | perfect, thank you | 明白了，谢谢 | great answer | 谢谢谢谢
        非常感谢您的回答！ | 谢谢你的帮助 | 太谢谢了 | 谢谢，辛苦了 | 好的，多谢 | 感谢感谢
        thanks a million | thank u | Thanks, that's helpful | thank you, that was very helpful
        OK thank you | great thanks | Awesome, thanks! | thx! | 謝謝你的幫忙
    """,
    "goodbye": """
        再见 | 拜拜 | 拜拜！ | bye | Bye bye | goodbye | good night | 晚安 | see you | See you later
        see you tomorrow! | 回头见 | 明天见 | 88 | 886 | 先这样吧 | 没有问题了 | 没有其他问题了 | 我下班了
        再見 | have a nice day | Have a good weekend! | take care | 谢谢，再见 | talk to you later
        no more questions | that's all | 那就这样吧 | 没别的事了，再见 | 我先下线了 | bye for now
        Bye, thanks | see ya | good bye | 拜了个拜 | 下次见
    """,
    "noted": """
        好的 | 好 | ok | OK. | okay | 嗯 | 明白了 | 知道了 | 收到 | got it | I see | 行 | 好吧 | 我知道了
        了解 | 原来如此 | fine
    """,
    "identity": """
        你是谁 | 你是谁？ | 您是哪位 | 你叫什么 | 你叫什么名字 | 你是什么 | 你是机器人吗 | 你是真人吗？
        你是人还是机器人 | 自我介绍一下 | 请介绍一下你自己 | 介绍一下你自己吧 | 你是做什么的 | 你是干嘛的
        你好，你是谁？ | 妳是誰 | 你是誰？ | 请问您是谁 | 怎么称呼您 | who are you | Who are you? | who r u
        what are you | What's your name? | what is your name | are you a robot | Are you human?
        are you a bot or a human? | introduce yourself | tell me about yourself | who made you | 谁开发了你
        你用的什么模型 | what model are you | Hi, who are you? | can you tell me who you are | 有据是什么
        what is youju | am I talking to a human? | 你是什么模型 | 你是ChatGPT吗 | 你究竟是谁 | 你是什么东西
        你的名字是什么 | 请问你叫什么名字？ | 你是AI吗 | 你是不是机器人 | 你是人工客服吗
        What exactly are you? | are you an AI? | Are you a real person? | What is this bot? | Who built you?
        tell me something about yourself
    """,
    "ability": """
        你会什么 | 你能做什么 | 你能干什么 | 你可以做什么？ | 你能帮我做什么 | 你会干啥 | 你都能做些什么
        你有什么功能 | 你有哪些功能？ | 你能回答什么问题 | 我可以问你什么 | 我能问什么问题
        可以问你什么问题 | 怎么用 | 怎么用？ | 怎么使用 | 如何使用 | 这个怎么用 | 怎么使用你 | 我该怎么用你
        怎么提问 | 能干什么 | 你能帮我吗 | 帮助 | help | Help! | help me | what can you do
        What can you do? | what can you do for me | what can you help me with | What can I ask?
        what can I ask you | what kind of questions can I ask | how do I use this | how does this work
        how do you work | can you help me | could you please help me? | I need help | how can you help me
        How to use this? | hello, what can you do? | 你好，请问你能做什么 | 您好，你可以帮我做什么？
        你的功能是什么 | What are your capabilities? | 请告诉我你能做什么 | 這個怎麼用 | 你能做什麼
        how can i get started | 这个助手怎么用 | 你可以帮我做些什么 | 你能为我做什么 | 你有什么用
        你能解决哪些问题 | 我能向你咨询什么 | 我应该怎么问你 | 如何向你提问 | 这个机器人怎么用
        请问怎么使用这个系统 | 你会哪些东西 | What do you do? | what are you able to do
        What can you tell me? | How should I ask questions? | what questions can I ask
        how can I use this assistant | how do I ask a question | Can you help?
        What kind of things can you do? | hello, who are you and what can you do? | 你是谁，能做什么？
        你會什麼
    """,
    "documents": """
        有哪些文档 | 有哪些文档？ | 你能查哪些资料 | 您能查哪些资料？ | 你能查到什么 | 可以查哪些文档
        能查什么 | 你有什么资料 | 你有哪些文件 | 你知道什么 | 知识库里有什么 | 知识库有哪些内容
        你都收录了哪些文档 | 一共有多少文档 | 现在有几份文档 | 有多少份文档 | 我能看哪些文件
        我可以查哪些资料 | 文档列表 | 列出所有文档 | 你的答案从哪里来 | 你是根据什么回答的
        你好，有哪些文档可以查？ | 你能查哪些資料 | 有哪些文件？ | 你能查詢哪些檔案
        which documents are there | Which documents are there? | which documents do you have
        What documents do you have access to? | what do you know | what can I search | list all documents
        show me all documents | how many documents are there | which files can I search
        what are your sources | Where do your answers come from? | Hello, which documents can you search?
        what information do you have | what documents are available | Please list the documents you have
        你的知识库里有哪些文档 | 知识库里都有什么资料 | 你都知道哪些内容 | 现在能查哪些文件
        系统里有哪些资料 | 你收录了多少份文件 | 你掌握哪些资料 | 我可以看哪些文档 | 你能搜哪些内容
        你的资料来源是什么 | 你的数据来自哪里 | 您这里有哪些文件可以查 | 都有哪些文档 | 里面有哪些文件
        What files do you have? | what docs are available | List your documents | Show me the documents
        What sources do you use? | which documents can you read | how many files do you have
        What topics do you cover? | what can I look up here | what documents have you got
        What kind of documents do you have? | what data do you have access to
        Which documents can I ask about? | 你好，你都能查什么资料呀 | 您好！請問您能查哪些文件？
    """,
}
QUESTIONS = """
    你好，年假有几天？ | Hi, how many days of leave do I get? | 谢谢，那婚假呢？
    你好吗这个产品的保修期 | who are you insured with | help desk phone number | thanks giving holiday
    你好 年假 | 您好，请问报销怎么走 | 请问一下年假几天 | hello kitty license | 早上几点上班
    早餐几点开始 | 晚上加班有补贴吗 | 晚安排班表 | 再见面的流程 | 谢谢，还有病假呢 | 感谢信怎么写
    感谢费标准 | 辛苦费怎么发 | 你能帮我查年假吗 | 你能做报销吗 | 你会英语吗出差 | 怎么用VPN
    怎么用打印机 | 怎么使用离心机 | LX-24怎么用 | 报销系统怎么用 | 这个型号怎么用 | 有哪些假期
    有哪些福利 | 有哪些文档需要签字 | 需要哪些文件 | 报销需要哪些资料 | 入职要提交什么材料
    哪些文件需要盖章 | 你们公司是做什么的 | 谁负责食堂 | 谁是总经理 | 我是谁的下属 | 你是谁的供应商
    你好世界程序在哪 | 名字怎么改 | 怎么称呼客户 | 帮助台电话 | 帮助中心的邮箱 | help desk
    help me reset my password | How do I use the VPN? | how does the leave approval work
    what can I expense | what can I do if I lose my badge | what can you claim for travel
    what documents do I need for reimbursement | which documents must be signed
    which files are confidential | how many documents do I have to submit | who are the founders
    who are you supposed to call in an emergency | what are your opening hours
    what is your policy on gifts | what is your warranty | where do your products come from
    can you help me find the leave policy | can I work from home | good morning shift hours
    morning shift start time | night shift allowance | have a good day off policy | bye-law 3
    thank you letter template | thanks, and what about sick leave? | ok, and in Berlin?
    ok how many days | 好的，那病假呢 | 明白了，那产假几天 | 嗯，怎么申请 | 没有问题了怎么办
    可以带宠物吗 | 可以远程办公吗 | 行程怎么报 | 收到货款的期限 | 了解加班制度 | 了解一下年假
    知道了密码怎么改 | are you allowed to smoke | are you there on weekends support hours
    is this covered by warranty | what is this error E07 | 测试环境地址 | 年假 | VPN | E07 | 食堂 | 密码
    hi-fi speaker warranty | hey google setup | yo-yo | heyuan office | 88折 | 8888 | 886台灣區號是什麼
    早退怎么扣 | 在职证明怎么开 | 在吗啡管理 | 好评率 | 太太产假 | 真空泵保养 | 赞助流程 | 拜访客户标准
    喂养员 | 嗨购平台 | 谢师宴 | 多谢绝宾客 | 你好吧台在哪 | 谁开发了ERP | 介绍一下年假制度
    告诉我密码规则 | 请告诉我食堂几点开 | 今天食堂吃什么 | 最近的机场 | 你知道年假几天吗
    你知道食堂几点开门吗 | 你有发票吗 | 知识库怎么申请权限 | 文档管理制度有哪些 | 有哪些文件管理规定
    资料有哪些保密级别 | what do you know about LX-24 | do you have a dress code
    how are expenses reimbursed | how are you reimbursed | how old are the devices
    tell me about the probation period | introduce the product | what model is the centrifuge
    what model are you using for depreciation | list the holidays | show me the price list
    name the warranty periods | 多少 | 你好，我想问一下报销流程 | 你好，请问 E07 是什么意思
    谢谢，另外出差住宿标准是多少 | 早上好，今天食堂有什么菜 | hi, what is E07
    hello, is there a dress code | thanks, who approves it? | ok, what about Berlin
    你能告诉我年假有几天吗 | 你能查一下我的年假吗 | 你知道密码规则吗 | 你知道保修期多久吗 | 有哪些部门
    有哪些产品 | 你们有哪些产品 | 你们有什么型号 | 公司有哪些规定 | 我能看哪些工资条
    我可以报销哪些费用 | 能报销什么 | 可以带什么进机房 | 能做什么检测 | 会议室怎么用 | 怎么用这台离心机
    怎么使用VPN | 怎么提问题单 | 怎么问HR | 问题反馈给谁 | 我有个问题要上报给谁 | 帮我查年假
    帮我写报销单 | 帮助文档在哪 | help with VPN | help me with my password
    what can I bring on a business trip | what can I do here in an emergency
    what do you know about expenses | who made the LX-24 | who is the CEO | who is the CEO?
    who are our customers | what is your refund policy | what is this product's warranty
    what is the name of the CEO | are you ISO certified | are you open on Sunday
    is anyone on call at night | are there documents about leave | which documents describe leave
    which documents do new employees sign | which files should I back up
    how many documents can I attach | list all holidays | list the products you have
    show me the documents about leave | what sources of funding do we have
    where do the spare parts come from | where do you get the reagents from | good night shift allowance
    see you next week meeting | have a nice day card | later payment penalty | bye bye parental leave
    noted expenses | fine for late return | great discount for staff | cheers party budget
    appreciation bonus | thank-you gift limit | 好人好事奖 | 好的绩效怎么评 | 行政部电话 | 知道了怎么办
    明白纸在哪下载 | 了解更多产品信息 | 收到发票后几天报销 | 没问题的样品怎么处理 | 晚安电话 | 早班几点
    在岗培训 | 在吗啡柜登记 | 你多大岁数退休 | 谁做的年终奖方案 | 谁设计的LX-24 | 自我介绍怎么写
    介绍一下公司 | 介绍一下你们公司 | 名字写错了怎么改 | 机器人怎么保养 | 人工客服电话 | 客服电话是多少
    AI 使用规定 | 助手岗位职责 | 小助手津贴 | 老师傅津贴 | 资料室在哪 | 资料有多少页
    文件有多少份需要签 | 文档怎么归档 | 数据来源怎么标注 | 来源地证明 | 系统有哪些权限等级
    这个系统有什么安全要求 | 这个工具有哪些型号 | 这里可以停车吗 | 里面有什么危险品 | 知识产权归谁
"""
ONLY_AT_THE_START = """
    怎么用？ | 有哪些文档？ | 这个怎么用 | how does it work? | what is this | 有什么功能 | 能做什么
    help | which documents are there? | Who is this?
"""
"""After other turns these may be about what was said."""


def texts(table: str) -> list[str]:
    """The texts of a table, divided by ` | ` and line ends."""
    return [text.strip() for text in table.replace("\n", " | ").split(" | ") if text.strip()]


@pytest.mark.parametrize(("kind", "said"), [(kind, text) for kind, table in SERVED.items() for text in texts(table)])
def test_small_talk_is_recognised(kind: Kind, said: str) -> None:
    assert small_talk(said, first=True) == kind


@pytest.mark.parametrize("asked", texts(QUESTIONS))
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_question_is_no_small_talk_however_it_begins(asked: str, first: bool) -> None:
    assert small_talk(asked, first=first) is None


@pytest.mark.parametrize("said", texts(ONLY_AT_THE_START))
def test_what_may_refer_to_earlier_turns_counts_only_at_the_start(said: str) -> None:
    assert small_talk(said, first=True)
    assert small_talk(said, first=False) is None


@pytest.mark.parametrize("kind", ["greeting", "thanks", "goodbye", "identity"])
def test_plain_small_talk_counts_in_the_middle_of_a_conversation_too(kind: Kind) -> None:
    for said in texts(SERVED[kind]):
        assert small_talk(said, first=False) == kind, said


@pytest.mark.parametrize(
    "said", ["", "？", "……", "👍", "请问", "那个，请问一下", "please", "excuse me", "x" * 5000, "你好" * 2000]
)
def test_politeness_alone_and_long_texts_are_no_small_talk(said: str) -> None:
    assert small_talk(said, first=True) is None
