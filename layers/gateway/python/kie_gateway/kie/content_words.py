"""
How refusals of content are worded: by Kie.ai, and by the makers of the models behind it.

Kie hands on what Google, OpenAI, ByteDance, Alibaba, MiniMax, Kling and Suno say, in their words,
their codes (`PUBLIC_ERROR_MINOR_UPLOAD`, `InputImageSensitiveContentDetected`) and in Chinese, with
any code of its own. Every wording that is known, and why it is read as it is, stands in
`tests/words/`.
"""

import re

# Settings of models, not verdicts: `nsfw_checker must be a boolean` is about the input.
_SETTINGS = re.compile(
    r"\b(?:nsfw|safety|content) (?:checker|tolerance|mode|settings?|level)\b|\bsafe mode\b"
    r"|\bcase[ -](?:in)?sensitive\b|\bminor (?:version|release|edit|change)s?\b"
)
# A filter that broke has judged nothing.
_FILTER = r"(?:moderation|safety|content (?:check|audit|filter|review))"
_FILTER_BROKE = re.compile(
    rf"\b{_FILTER}(?: (?:service|api|server|system))?(?: is| has| did)?(?: currently)?"
    r" (?:timed? ?out|timeout|unavailable|busy|down|not respond)"
    r"|\b(?:error|exception|failure) (?:in|from|of|by) (?:the )?(?:content|moderation|safety)\b"
    r"|审核(?:服务|系统)?(?:超时|异常|不可用|繁忙)"
)
_ACTS = r"(?:blocked|caught|filtered|rejected|refused|stopped|declined|flagged)"
_VERDICTS = (
    # Whoever judges.
    r"\bflagged\b",
    r"\bmoderat(?:ion|ed|or)\b",
    r"\bguardrails?\b",
    r"\bcensor(?:ed|ship)\b",
    (
        rf"\b{_ACTS} (?:by|due to|because of|for|as a result of) [\w' ]{{0,30}}"
        r"(?:filter|safety|polic|moderat|flow\b)"
    ),
    r"\bfilter failed\b",
    r"\brai (?:media )?filtered\b|\bsupport codes?: ?\d{8}",
    r"\bsafety (?:system|filters?|reviews?|polic(?:y|ies)|guidelines?|reasons?|violations?)\b",
    r"^(?:image |video |audio |prohibited )?safety$|\b(?:image|video|audio|prompt) safety\b",
    r"\brisk control\b|\b(?:content|data) (?:inspection|security)\b|\bcontent filter",
    r"\be005\b",
    (
        r"\b(?:input|prompt|request|content|image) was rejected\b.{0,200}"
        r"\b(?:different|another|adjust|modify|rephrase|revise)"
    ),
    # The rule that was broken.
    (
        r"\b(?:content|usage|community|use|platform)(?:[ -](?:use|safety))? "
        r"(?:polic(?:y|ies)|guidelines?|rules|standards)\b"
    ),
    (
        r"\bviolat(?:e|es|ed|ing|ion|ions)\b[^.]{0,80}"
        r"\b(?:polic|guideline|terms|rules|content|safety|copyright|standards)"
    ),
    r"\b(?:policy|policies|guidelines|terms)\b[^.]{0,40}\bviolat",
    # What is wrong with it.
    r"\bsensitiv(?:e|ity)\b",
    r"\bnsfw\b|\bnot safe for work\b|\bnud(?:e|ity)\b|\bsexual|\bporn|\berotic|\badult content\b",
    r"\bexplicit (?:content|lyrics|material|language)\b",
    r"\b(?:gore|violence|violent|hateful|hate speech|self[ -]harm|terrorism|profanity)\b|\bharass",
    r"\b(?:inappropriate|unsafe|harmful|disallowed|offensive)\b",
    r"\b(?:prohibited|forbidden|banned|illegal) (?:content|use|words?|material)\b",
    # Somebody's rights.
    r"\bcopyright|\btrademark|\bintellectual property\b|\binfring|\bip conflict\b",
    r"\bthird[ -]part(?:y|ies) (?:content|rights|similarity)\b|\bprotected content\b",
    r"\bmatches (?:an )?existing (?:work|song|music|audio)",
    r"\b(?:artist|producer|band|singer)(?:'s)? (?:name|tag)s?\b",
    # Somebody's face, and children.
    r"\bcelebrit|\bpublic figures?\b|\bprominent (?:people|persons?|public|figures?)\b",
    r"\breal[ -](?:people|persons?)\b|\bphotorealistic (?:people|persons?|children)\b",
    r"\blikeness\b|\bdeepfake|\bimpersonat|\bprivacy ?information\b",
    r"\brecogni[sz]able (?:people|face)",
    r"\bminors\b|\bminor (?:upload|detected|safety)\b|\bunder[ -]?age\b",
    r"\bchildren\b|\bchild safety\b",
    # In Chinese.
    r"敏感|违规|违禁|不合规|内容安全|安全策略|安全检测|风控|被标记",
    r"违反[^。]{0,20}(?:政策|规定|规范|准则|法律|规则|条款|协议)",
    r"审核(?:未|不|没有?)(?:能)?通过|(?:未|没有?)(?:能)?通过[^。]{0,12}(?:审核|审查)|审核(?:拒绝|驳回)",
    r"涉黄|色情|裸露|暴力|血腥|涉政|侵权|版权|不当内容|不良(?:信息|内容)|名人|公众人物|真人|肖像|未成年",
)
_REFUSED = re.compile("|".join(_VERDICTS))
# Somebody has judged: where a topic is named without one of these, words may be the caller's own.
_JUDGED = re.compile(
    r"\bflagged\b|\bmoderat|\bguardrail|\bcensor|\bfilter|\bsafety\b|\bpolic(?:y|ies)\b|\bviolat"
    rf"|\b{_ACTS}\b|\bsensitiv|\binappropriate\b|\bprohibited\b|\bunsafe\b|\bpublic error\b"
    r"|\b(?:not|never) (?:allowed|permitted)\b|\bdisallowed\b|\brisk control\b|\binspection\b"
    r"|敏感|违规|违禁|违反|审核|不合规"
)
# What is quoted is the caller's: a prompt, the name of a file.
_QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|`[^`]*`|“[^”]*”|「[^」]*」")
# What matters is said by then; the rest may be anything of any length.
_MOST_WORDS = 2000
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def plain(text: str) -> str:
    """Write words and codes of any style in one: lower case, single spaces, straight quotes."""
    text = _HUMP.sub(" ", text[:_MOST_WORDS]).replace("_", " ").replace("’", "'").lower()  # noqa: RUF001
    return " ".join(text.split())


def refuses_content(text: str) -> bool:
    """Whether the words say that somebody's rules forbid the input, or what was made of it."""
    said = plain(text)
    if _FILTER_BROKE.search(said):
        return False
    return _REFUSED.search(_SETTINGS.sub(" ", said)) is not None


def judges_content(text: str) -> bool:
    """Whether the words, and not some that they quote, tell of somebody's verdict on content."""
    said = _QUOTED.sub(" ", text[:_MOST_WORDS])
    return refuses_content(said) and _JUDGED.search(plain(said)) is not None
