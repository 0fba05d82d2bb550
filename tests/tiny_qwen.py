"""A tiny random Qwen3 chat model: the architecture, the tokenizer's rules and the chat format are real, the text it
writes is noise. A few hundred kilobytes with the small vocabulary, which is trained here; with the real vocabulary
(its ranks are inside the `dashscope` package) the token ids are Qwen's own. Both are rebuilt from ranks: how Qwen
publishes a vocabulary.
"""

from __future__ import annotations

import base64
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

_CONTROL = """
<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|>
<|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>
"""
_TAGS = """
<tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|>
<tool_response> </tool_response> <think> </think>
"""
_TEMPLATE = """\
{%- for message in messages %}
{%- if message.role == 'system' and not loop.first %}{{ raise_exception('System message must come first.') }}{% endif %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{% endif %}
{%- endif %}"""
_SAMPLE = (
    "工作满一年的员工每年可以享受十天带薪年休假，须提前三个工作日申请。病假需要医院证明。",
    "Employees may take ten days of annual leave after one year. Requests are filed three working days ahead.",
    "system user assistant\n\n question answer documents number 0123456789 [1] [2]",
)


def ranks_file() -> Path | None:
    """Where the real vocabulary's ranks are, if the package that carries them is installed."""
    spec = find_spec("dashscope")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"
    return path if path.is_file() else None


def ranks_of_qwen(*, real_vocabulary: bool = False) -> dict[bytes, int]:
    """The tokens of a vocabulary with their ranks, which are their ids."""
    return _real_ranks() if real_vocabulary else _small_ranks()


def tokenizer_of_qwen(*, real_vocabulary: bool = False) -> Any:
    """A tokenizer with Qwen's rules and control tokens, as `tokenizers.Tokenizer`. It is rebuilt from the ranks: the
    merge of a token is the split that all lower ranks leave it in.
    """
    ranks, table = ranks_of_qwen(real_vocabulary=real_vocabulary), _bytes_to_unicode()
    spelled = {token: "".join(table[byte] for byte in token) for token in ranks}
    longer = [token for token in sorted(ranks, key=ranks.__getitem__) if len(token) > 1]
    merges = [bytes_joined(token, ranks, below=ranks[token]) for token in longer]
    vocabulary = {spelled[token]: rank for token, rank in ranks.items()}
    return _with_control_tokens(_backend(vocabulary, [(spelled[left], spelled[right]) for left, right in merges]))


def bytes_joined(text: bytes, ranks: dict[bytes, int], below: int = 1 << 30) -> list[bytes]:
    """The tokens of some bytes: neighbours are joined, those whose token has the lowest rank first, while it is `below`
    a limit. This is how tiktoken encodes.
    """
    parts = [bytes([byte]) for byte in text]
    while len(parts) > 1:
        joined = [ranks.get(left + right, below) for left, right in pairwise(parts)]
        best = min(range(len(joined)), key=joined.__getitem__)
        if joined[best] >= below:
            break
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


def write_tokenizer(folder: Path, *, real_vocabulary: bool = False) -> Any:
    """Write the tokenizer alone, with its chat template, into `folder`, and return it."""
    from transformers import Qwen2Tokenizer

    folder.mkdir(parents=True, exist_ok=True)
    backend = tokenizer_of_qwen(real_vocabulary=real_vocabulary)
    backend.save(str(folder / "tokenizer.json"))
    tokenizer = Qwen2Tokenizer(
        tokenizer_file=str(folder / "tokenizer.json"), eos_token="<|im_end|>", pad_token="<|endoftext|>", unk_token=None
    )
    tokenizer.chat_template = _TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def build_tiny_qwen(folder: Path, *, real_vocabulary: bool = False, seed: int = 7, width: int = 16) -> Path:
    """Write config, weights (hidden size `width`, two layers) and tokenizer into `folder`, and return it."""
    import torch
    from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM

    tokenizer = write_tokenizer(folder, real_vocabulary=real_vocabulary)
    end, pad = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    torch.manual_seed(seed)
    size = 151_936 if real_vocabulary else len(tokenizer)
    config = Qwen3Config(
        vocab_size=size,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=width // 2,
        tie_word_embeddings=real_vocabulary,
        initializer_range=0.4,
        max_position_embeddings=8192,
        eos_token_id=[end, pad],
        pad_token_id=pad,
        bos_token_id=None,
    )
    model = Qwen3ForCausalLM(config)
    # Noise must not write control tokens or thinking by accident; it ends at the token limit alone.
    silent = tokenizer.convert_tokens_to_ids([*_CONTROL.split(), *_TAGS.split()])
    model.generation_config = GenerationConfig(eos_token_id=[end, pad], pad_token_id=pad, suppress_tokens=silent)
    model.save_pretrained(folder)
    return folder


@cache
def _small_ranks() -> dict[bytes, int]:
    """A vocabulary that is trained here, by Qwen's rules."""
    from tokenizers import trainers

    tokenizer = _backend({}, [])
    trainer = trainers.BpeTrainer(
        vocab_size=400, show_progress=False, initial_alphabet=sorted(_bytes_to_unicode().values())
    )
    tokenizer.train_from_iterator(_SAMPLE, trainer)
    byte_of = {character: byte for byte, character in _bytes_to_unicode().items()}
    return {bytes(byte_of[each] for each in token): rank for token, rank in tokenizer.get_vocab().items()}


def _real_ranks() -> dict[bytes, int]:
    path = ranks_file()
    if path is None:
        raise FileNotFoundError("qwen.tiktoken is not installed: pip install dashscope")
    pairs = (line.split() for line in path.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def _backend(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _with_control_tokens(tokenizer: Any) -> Any:
    from tokenizers import AddedToken

    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in _CONTROL.split()])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in _TAGS.split()])
    return tokenizer


def _bytes_to_unicode() -> dict[int, str]:
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return bytes_to_unicode()
