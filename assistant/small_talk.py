"""Recognises small talk: greetings, thanks, goodbyes, and questions about the assistant itself.

No document answers them, so they are neither searched for nor sent to the model (`assistant/introduction.py` replies).
They are recognised by rules: the whole text must consist of the phrases below. A question that merely begins politely
has a remainder, and is a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, get_args

from ingest.language import fold

Kind = Literal["documents", "ability", "identity", "goodbye", "thanks", "greeting", "noted"]
"""What is said. If a text has several kinds, the first one of this order decides the reply."""
_KINDS: tuple[Kind, ...] = get_args(Kind)

_NONE = len(_KINDS)
"""The rank of phrases that are only polite."""
_LONGEST = 120
"""No small talk is longer, in characters. This also bounds the time that recognising takes."""


_PARTS = {
    # Chinese
    "WHAT": "(?:些?什么|哪些|哪几[种类个份]|多少[个份篇]?|几[个份篇])",
    "THINGS": "(?:(?:种?类?型?的?)(?:事情?|问题|功能|忙|服务|东西|工作|活))",
    "HOW": "(?:怎么样?|如何|怎样)",
    "YOU": "(?:你们?|这个?(?:助手|机器人|系统|工具|知识库)|有据|youju|这里面?|里面|知识库里?)",
    "CAN": "(?:能够?|会|可以|可)+",
    "NOW": "(?:现在|目前|当前|一共|总共|都|还|到底)",
    "DO": "(?:做|干|提供|回答|解答|处理|办|解决|帮)",
    "READ": "(?:查到?|查阅|查询|查看|查找|搜到?|搜索|检索|访问|阅读|看到?|读到?|参考|回答)",
    "HOLD": "(?:收录|收集|导入|包含|存|放|保存|有|含有|包括|掌握|知道|了解|参考|依据|根据|用)",
    "VERY": "(?:非常|太|真(?:的|是)?|十分|特别|很|好|万分|真心|多|再次|实在)",
    "DOCS": "(?:文档|资料来源|资料|文件|材料|档案|知识库|知识|来源|数据源)",
    "FILE": "(?:文档|资料来源|资料|文件|档案|来源|数据源)",
    "DATA": "(?:DOCS|内容|东西|信息|数据)",
    "ROBOT": "(?:真人|人类|人工智能|人工客服|人工|人|机器人|机器|ai|(?:chat)?gpt|deepseek|大?模型|智能助手|客服|程序)",
    # English
    "WHICH": "(?:what|which|how many)(?: other| all| the)?",
    "FILES": "KIND?(?:documents?|docs?|files?|(?:data )?sources?|materials?|manuals?|information|content|data|topics?)",
    "KIND": "(?:(?:kinds?|types?|sorts?) of )",
    "HERE": "(?:there|here|in total|available|currently|now|at the moment|right now|access to)",
    "SEARCH": "(?:search(?: in| through)?|read|use|access|see|know about|look up|find|cover|ask(?: you)? about)",
    "THIS": "(?:this|it|you|this (?:assistant|bot|chatbot|tool|thing|page|site|service|system)|youju)",
    "HELPS": "(?:do|help(?: me| us)?(?: with)?|answer|offer|tell me)",
    "HELP": "(?:that|this|everything|helping(?: me| us)?|answering|(?:all )?(?:your |the )?(?:NICE |kind |quick )?AID)",
    "AID": "(?:help|answers?|reply|replies|time|support|assistance|information|info|explanation)",
    "MUCH": "(?: so much| very much| a lot| a bunch| a million| a ton| again| in advance| anyway| both| all)*",
    "NICE": "(?:great|good|nice|excellent|awesome|perfect|wonderful|amazing|brilliant|lovely|helpful|the best)",
    "BOT": "(?:human(?: being)?s?|person|(?:ro|chat)?bot|machine|ai|(?:chat)?gpt|llm|language model|computer|program)",
}
"""What several phrases have in common. A phrase names it in capital letters."""

_PHRASES: dict[Kind, str] = {
    "greeting": r"""
        (?:你们?|大家|各位|老师|同学|同事|小助手|助手|机器人|有据)好 | 哈[喽啰罗楼] | 嗨+ | 嘿+ | 喂+ | 安安
        (?:早上|上午|中午|下午|晚上)好 | 早安 | 午安 | 你?早 | 你?(?:还)?在(?:线)?[吗么嘛不](?:在)?
        有人(?:在)?[吗么嘛] | 你(?:还)?好[吗么] | 你?最近(?:怎么样|还?好[吗么]|可好) | 你今天(?:怎么样|好[吗么])
        吃了[吗么] | (?:好久不|初次)见 | 很?高兴(?:认识|见到)你 | 幸会 | 久仰
        (?:新年|春节|元旦|中秋|节日|国庆|端午|圣诞|生日)(?:节)?快乐 | 恭喜发财
        我?(?:有|想问|要问|问)一?个?(?:问题|事情?)(?:想|要)?(?:问|请教)?(?:一下)?你?
        (?:hi+|he+llo+|hey+|hiya|howdy|hallo|helo|hullo|greetings)(?: there)? | good (?:morning|afternoon|evening|day)
        morning | ni ?hao | how (?:are|r) (?:you|u|things)(?: doing| going)?(?: today)? | how do you do
        hows (?:it going|everything|your day) | how is (?:it going|everything|your day)(?: going)? | what ?s up
        whats? up | wassup | sup | (?:nice|pleased|glad|good) to meet (?:you|u) | long time no see
        (?:are you|is (?:anyone|anybody|somebody|someone)|anyone|anybody|you) (?:there|here|online|around|home)
        i have (?:a|some|a few|another) (?:quick )?questions?(?: for you)?
        (?:can|may) i ask (?:you )?(?:a question|something)
        (?:happy|merry) (?:new year|christmas|holidays|birthday|friday)
    """,
    "noted": r"""
        好 | 好的 | 好滴 | 好嘞 | 好吧 | 行 | 行吧 | 可以 | 可以的 | 没问题 | 收到 | 了解 | 了解了 | 明白 | 明白了
        知道了? | 懂了? | 我?(?:知道|明白|懂|了解|清楚)了 | 原来如此 | 原来是这样 | 这样啊? | 嗯+ | 哦+ | 噢+ | 不错
        挺好的? | 很好 | 对的? | 是的 | ok(?:ay|ey)? | k | alright | all right | got it | i see | understood | noted
        sure | fine | good to know | makes sense | cool | yes | yep | yeah
    """,
    "thanks": r"""
        VERY*(?:谢+|感谢|感激|感恩|多谢)(?:不尽)?(?:你们?|大家)?(?:的?(?:帮助|帮忙|解答|回答|回复|支持|指点|耐心))?
        3q | thx | (?:真|太|实在)?(?:是)?(?:辛苦|麻烦|有劳|打扰)你?(?:们|了|啦)*
        (?:你|回答得?|答得|干得|做得|说得)?(?:真|太|很|非常|好)(?:棒|厉害|好|牛|赞|聪明|专业|不错|有用|有帮助)
        (?:干|做|回答|答)得(?:好|不错|漂亮) | 点赞 | 赞 | 给力 | (?:帮|解决)(?:了)?(?:我)?(?:大忙|问题)了
        (?:many |so many |a million )?(?:thanks|thank (?:you|u)|thankyou|thx|thnx|ty|tysm|cheers)MUCH(?: for HELP)?
        (?:i )?(?:really |very |much )*appreciate(?:d)?(?: it| that| your help| the help)?
        (?:that(?:s| is| was) |you(?:re| are| were) )?(?:very |so |such a )*NICE(?: job| work| answer| bot| help)?
        well done | that helps?(?: a lot)? | that helped(?: a lot)? | you rock
        (?:you )?(?:have|ve) been (?:very |so )*helpful
    """,
    "goodbye": r"""
        再见 | 再会 | 拜+ | 拜了?个?拜 | 886 | 8{2,3} | (?:回头|回|明天|下次|改天|下周|一会儿?|待会儿?|等会儿?)见
        (?:回|下次|改天)(?:头)?(?:再)?聊 | (?:那)?(?:就|先)+(?:这样|到这里?|聊到这里?)
        (?:我)?(?:暂时|目前)?没有?(?:什么|别的|其他的?|其它的?)*(?:问题|事儿?|疑问)(?:要问)?
        我?(?:先)?(?:要)?(?:走|下线|撤|下班|去忙|忙去|去开会)了 | 晚安 | 周末(?:愉快|快乐) | 保重
        祝你?(?:好|顺利|愉快|工作顺利|生活愉快|一切顺利) | (?:good ?)?bye+(?: ?bye)?(?: for now)? | good ?night
        farewell | cheerio | so long | ciao | ttyl | cya
        (?:ill )?(?:see|catch|talk to) (?:you|ya|u)(?: later| soon| tomorrow| next (?:time|week)| around| again| then)?
        talk (?:later|soon) | until next time | later
        (?:have a|enjoy (?:your|the))(?: (?:very )?NICE)? (?:day|one|evening|night|weekend|time|afternoon) | take care
        (?:thats|that is|that will be|that would be) (?:all|it)(?: for (?:now|today))? | im done | nothing else
        no(?: more| further| other)? questions | no (?:thanks|thank you) | i (?:have to|gotta|got to|must|need to) go
    """,
    "identity": r"""
        你(?:到底|究竟)?(?:是|叫)(?:什么(?:人|东西|名字|机器人|大?模型|ai|系统|助手|软件|程序)|什么|谁|哪位|何人|何方神圣)
        你(?:到底|究竟)?是(?:做|干)(?:什么|嘛)(?:的|用的)? | 你是干嘛(?:的|用的)? | 你(?:谁|哪位)
        你的?(?:名字|姓名|身份|大名)(?:是|叫)?(?:什么|谁)? | (?:我)?(?:该|应该)?(?:怎么|如何)称呼你? | 你贵姓
        你有名字[吗么] | (?:请|做|来|先)*(?:一?个)?(?:自我介绍|介绍(?:一下)?(?:你)?(?:自己|自个儿))(?:一下)?
        你(?:到底|究竟)?是(?:不是)?(?:一?个)?ROBOT(?:还是(?:一?个)?ROBOT)?[吗么]?
        (?:是)?谁(?:开发|创造|制造|设计|做|训练)(?:了|出|的)*你(?:的)? | 你(?:是)?谁(?:开发|创造|制造|设计|做|训练)的?
        你(?:是)?(?:用|基于)的?(?:是)?(?:什么|哪个|哪种)(?:大?模型|ai|技术)(?:做)?的? | 你(?:几岁|多大|今年多大)了?
        (?:你)?(?:有据|youju)是(?:什么|谁|干嘛的|做什么的)(?:意思)? | 什么是(?:有据|youju) | 你是哪里(?:来)?的
        (?:who|what)(?: exactly)? (?:are|r) (?:you|u)(?: exactly| really| anyway| called)* | who ?(?:re|s) you
        (?:who|what) you are | what(?: i)?s your name | (?:do you have|tell me) (?:a|your) name
        (?:what|how) (?:should|can|do|may|shall) i call you
        are you (?:a |an |just a )?(?:real |actual |live )*BOT(?: or (?:a |an )?(?:real )?BOT)?
        (?:please )?introduce yourself | tell (?:me|us) (?:(?:something|more|a bit|a little) )?about (?:yourself|you)
        who (?:made|built|created|developed|wrote|programmed|trained) (?:you|this (?:bot|assistant|tool))
        what (?:is|are) (?:youju|this (?:assistant|bot|chatbot|tool|page|chat|site|service))
        what(?: kind| type| sort) of (?:assistant|bot|ai|model|thing) are you
        (?:what|which) (?:ai |language |chat )?(?:model|llm) (?:are you|do you use|are you using|is this)(?: using)?
        (?:who|what) am i (?:talking|speaking|chatting|writing) (?:to|with)
        am i (?:talking|speaking|chatting) (?:to|with) (?:a |an )?(?:real )?(?:human|person|bot|robot|machine|ai)
        how old are you | where are you from | is this (?:a |an )?(?:bot|human|ai|robot|real person)
    """,
    "ability": r"""
        YOU(?:都|还|到底|究竟|具体)*CAN(?:用来|帮助?我?|为我|给我|替我|帮忙)*DO?(?:到|我)?WHAT(?:样的)?THINGS?
        YOU(?:都|还)*(?:具?有|具备)(?:什么|哪些)(?:样的)?(?:功能|本事|本领|能力|用处?|作用|技能)
        YOU的?(?:主要)?(?:功能|能力|作用|用途|职责|用处)(?:都)?(?:是|有)(?:什么|哪些)
        你(?:能够?|可以|会)(?:不能|不可以)?帮(?:助|到|上)?(?:我|忙)?(?:一下)?(?:吗|么|什么|什么忙|我什么)?
        你能不能帮(?:我|忙)? | 我(?:都)?(?:能|可以|该|应该|要)+(?:向|跟)?你?(?:问|咨询|提问|提)你?WHAT(?:样的)?THINGS?
        (?:可以|能)(?:向|跟)?你?(?:问|咨询)你?WHAT(?:样的)?(?:问题|内容|事情?)? | WHAT(?:问题)?(?:可以|能)问你?
        (?:我)?(?:该|要|应该|可以)*HOW(?:才能)?(?:使用|用|操作)(?:你|这个?(?:助手|机器人|系统|工具|页面|网站|软件))
        YOU(?:要|该|应该)?HOW(?:使用|用|操作|工作|提问)(?:的)?
        (?:我)?(?:该|要|应该|可以)*HOW(?:向|跟|和|对)?你?(?:提问|问问题|对话|聊天|交流|问你)
        what (?:all |else )?(?:can|could|will|do|does) THIS(?: really)? HELPS(?: for (?:me|us))?(?: about| with)?
        what (?:you|u) can (?:do|help(?: me)? with|answer)(?: for (?:me|us))?
        what (?:are you|you are) (?:able to do|capable of|good at|for|used for)
        what(?: are| is|s| re) your (?:capabilities|abilities|features|functions?|skills?|purpose|job|role)
        what(?: KIND?(?:questions?|things?))? (?:can|could|should|may) (?:i|we) (?:ask|do here)(?: you| here| about)*
        what KIND?questions? can you answer | what KIND?(?:things|stuff) can you do | how can (?:you|u) help(?: me| us)?
        how (?:can|could|may) you (?:assist|be of help)
        (?:can|could|would|will) (?:you|u) (?:please )?(?:help|assist)(?: me| us)?(?: out)?(?: please)?
        i need (?:some |your |a bit of )?help
        how (?:do|can|should|to|could) (?:(?:i|we|one) )?(?:use|talk to|work with|ask) (?:THIS|(?:a )?questions?)
        how (?:do|does) (?:you|this (?:assistant|bot|chatbot|tool|page|site)|youju) work
        how (?:do|can) i (?:get started|start|begin)
    """,
    "documents": r"""
        (?:我|YOU)(?:在)?(?:你?这[里儿])?NOW*CAN(?:帮我|给我|为我)?READ(?:了|的|到|是)?WHATDATA?
        YOU(?:[那这][里儿边])?NOW*HOLD(?:的|了|着|是)*WHAT(?:公司的?)?DATA?(?:CAN(?:READ|问))?
        YOU(?:的|里|里面|中)*(?:资料库|文档库|数据库|DOCS)(?:里面?|中|内)?NOW*(?:有|是|包含|收录|包括)(?:了|的)*WHATDATA?
        (?:现在|目前|当前)?(?:收录|导入|入库)(?:了|的)*(?:WHAT)(?:DOCS|内容)
        (?:知识库|资料库|文档库)(?:里面?|中)?(?:一共|都|现在|目前)*有(?:WHAT)(?:DOCS|内容|东西)?
        你的?(?:答案|回答|DATA)都?是?(?:从哪里?(?:来|找|查)|来自(?:哪里?|什么地方)|的?(?:来源|出处|依据)是(?:什么|哪里))的?
        你(?:是)?(?:根据|依据|基于|用)(?:的)?(?:是)?(?:什么|哪些)DOCS?(?:来)?(?:回答|作答)(?:问题)?的?
        (?:列出|列一下|列举|展示|显示)(?:一下)?你?NOW*(?:能查的|可查的|可以查的|收录的|所有的?|全部的?)+DOCS
        WHICH FILES (?:do|can|could|have) you (?:currently )?(?:have|know|got|loaded|indexed|SEARCH)(?: HERE)*
        WHICH(?: FILES)? (?:can|could|may) (?:i|we) SEARCH(?: HERE)*
        WHICH FILES you (?:have|know|use|can SEARCH)(?: HERE)* | do you have (?:any )?(?:documents|docs|files)
        (?:list|show(?: me)?|name)(?: all| of| the| your| available)+ FILES(?: you have| there are| available)?
        what do you (?:have access to|know(?: about)?)
        (?:what is|whats) in (?:your|the) (?:knowledge base|index|library|database)
        where (?:do|does) (?:your|the) (?:answers?|information|knowledge|data) come from
        where do you (?:get|take|have) (?:your|the|these|this) (?:answers?|information|data|knowledge)(?: from)?
        what(?: are| is|s| re) your sources? | what(?: are| is) (?:your )?answers? based on
        what do you base your answers on
    """,
}
"""Each is a regular expression for a whole phrase: folded, in lower case, without punctuation. ` | ` or a line end
separates two. A text may join several phrases."""

_ONLY_AT_THE_START: dict[Kind, str] = {
    "ability": r"""
        (?:这个?|这里|它)?(?:要|该|应该|具体)*HOW(?:使用|用|操作|问|提问|查|查询|搜索)
        (?:都|还)?(?:能够?|会|可以)(?:做|干|问|帮)(?:我)?(?:些)?什么(?:事情?|问题)? | 会(?:些)?什么
        (?:都)?有(?:什么|哪些)功能 | (?:我)?(?:能|可以)问(?:什么|哪些)(?:问题)? | (?:需要)?帮助 | 帮帮我
        帮我(?:一下)? | 帮(?:个|下)?忙 | 使用(?:方法|帮助) | help(?: me| us)? | how (?:does|do) (?:this|it) work
        how (?:do|can|to) (?:i |we )?(?:use|ask)(?: this| it)? | what can (?:it|this) do | what to ask
    """,
    "identity": r"""
        (?:这|这个)是(?:什么|干嘛的|做什么的) | what(?: is|s) this | who(?: is|s) this
    """,
    "documents": r"""
        (?:公司|我们|系统里?|这[里儿])?NOW*有WHAT(?:公司的?)?FILE(?:CAN(?:READ|问))?
        (?:有|都有)?(?:哪些|什么)FILECAN(?:READ|问) | (?:文档|资料|文件|来源)(?:都)?有(?:哪些|什么|多少)
        (?:文档|资料|文件)(?:列表|清单|目录) | (?:都)?(?:能够?|可以)(?:READ)(?:些)?(?:什么|哪些)(?:DOCS|内容|东西)?
        WHICH FILES(?: are| is)?(?: (?:loaded|indexed|searchable|in here|in the (?:system|index|library)|HERE))*
        (?:list|show(?: me)?) FILES | document list | list of documents
    """,
}
"""Alone these are about the assistant. After other turns they may be about what was said: 怎么用？ after a device."""

_AROUND = r"""
        [啊呀呢吧哦噢喔哈嘿诶欸唉嗯额呃哟哇啦喽咯嘛吗么了的] | 那(?:个|么)? | 请 | 请问(?:一下|下)? | 请教(?:一下|下)?
        (?:我)?想?(?:问|请教|咨询|了解)(?:一?下|你)? | 麻烦(?:问一下|问下|你)? | 打扰(?:一下|了|下)? | 不好意思 | 抱歉
        对不起 | 劳驾 | (?:我)?(?:想|要)(?:知道|了解|问问?)
        (?:能|可以|能不能|可不可以|能否)?(?:请你?)?(?:告诉|跟|和|给)我(?:说说|讲讲|说一下|讲一下|介绍一下)?
        介绍(?:一)?下? | 先 | 再 | 还 | 一下 | 简单 | 到底 | 现在 | 今天 | 小?助手 | 小?助理 | 小?机器人 | 有据
        亲(?:爱的)? | 老师 | 师傅 | 朋友们? | 伙计 | 兄弟 | 哥们? | 姐 | 同学 | 各位 | 大家 | 客服 | 智能 | ai
        please | pls | plz | there | all | everyone | everybody | team | folks | guys | my friend | friend | buddy
        mate | sir | madam | dear | dude | man | youju | bot | robot | assistant | ai | chatbot | again | so | oh | ah
        well | um | uh | hmm+ | just | right | now | today | then | and | but | too | haha+ | lol | excuse me
        sorry(?: to (?:bother|disturb) you)?
        (?:can|could|would|will) you (?:please )?(?:tell|show|explain)(?: to)? (?:me|us) | (?:please )?tell me
        (?:may|can|could) i ask(?: you)? | i (?:would like|want|d like|wanted) to (?:know|ask)
        id like to (?:know|ask) | i was wondering | i wonder | do you know | one more thing | by the way
        quick question | im new(?: here)? | im here
"""
"""Politeness and forms of address. They may stand around the phrases and are no small talk on their own."""


_NAME = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)))


_NAME = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)))


def _compiled(phrases: str) -> Iterator[re.Pattern[str]]:
    while _NAME.search(phrases):
        phrases = _NAME.sub(lambda name: _PARTS[name[0]], phrases)
    for phrase in phrases.replace("\n", " | ").split(" | "):
        if phrase.strip():
            yield re.compile(phrase.strip())


_Pieces = tuple[tuple[Kind | None, re.Pattern[str]], ...]
_LATER: _Pieces = (
    *((kind, pattern) for kind, phrases in _PHRASES.items() for pattern in _compiled(phrases)),
    *((None, pattern) for pattern in _compiled(_AROUND)),
)
_FIRST: _Pieces = (
    *((kind, pattern) for kind, phrases in _ONLY_AT_THE_START.items() for pattern in _compiled(phrases)),
    *_LATER,
)

_NO_WORD = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile(r"(?<=[a-z])['’](?=[a-z])")
_HAN_SPACE = re.compile(r"(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])")
_SAME = (("您", "你"), ("甚么", "什么"), ("啥", "什么"), ("咋", "怎么"), ("哪儿", "哪里"))


def small_talk(text: str, *, first: bool) -> Kind | None:
    """Returns what kind of small talk the whole `text` is, or None if it is a question for the documents.

    `first` says that no turns came before. Phrases that may refer to earlier turns count only then.
    """
    if len(text) > _LONGEST:
        return None
    said = _plain(text)
    # For each place that phrases reach from the beginning: how many they are, and the most telling kind among them.
    reached: dict[int, tuple[int, int]] = {0: (0, _NONE)}
    for start in range(len(said)):
        if start not in reached:
            continue
        for kind, pattern in _FIRST if first else _LATER:
            match = pattern.match(said, start)
            if match is None or match.end() == start or not _ends_word(said, match.end()):
                continue
            end = match.end() + said.startswith(" ", match.end())
            phrases, rank = reached[start]
            told = (phrases + 1, rank if kind is None else min(rank, _KINDS.index(kind)))
            reached[end] = min(told, reached.get(end, told))
    _, rank = reached.get(len(said), (0, _NONE))
    return _KINDS[rank] if rank < _NONE else None


def _plain(text: str) -> str:
    folded = _APOSTROPHE.sub("", fold(text).lower())
    words = _HAN_SPACE.sub("", _NO_WORD.sub(" ", folded).strip())
    for spelling, usual in _SAME:
        words = words.replace(spelling, usual)
    return words


def _ends_word(said: str, end: int) -> bool:
    """Returns True if no Latin word goes on at `end`."""
    return end == len(said) or not (said[end - 1].isascii() and said[end].isascii() and said[end].isalnum())
