"""The tiny model's language: a few sentences, a byte-level BPE vocabulary trained on them, and what follows what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SENTENCES = (
    "the little llama walks over the hill and looks at the green valley .",
    "a quiet server waits for the next request and answers it with a short story .",
    "the night is long but the cache is warm and the tokens flow like a river .",
    "every slot is idle now and the queue is empty so the llama can sleep .",
    "in the morning the operator opens the console and reads the logs with a smile .",
    "nothing is lost when a process falls because the keeper writes every line .",
    "the model loads the context grows and the memory stays below the limit .",
    "one more question one more answer and then the little llama goes home .",
)

CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML."""

CONTROL_TOKENS = ("<|bos|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = 260
"""How many pairs are merged: enough that most words of the sentences are one token."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens: every byte and every merge, then the control tokens, then the unused ones."""

    tokens: list[str]
    merges: tuple[Pair, ...]
    unused: int

    @property
    def control(self) -> int:
        """How many control tokens there are."""
        return len(CONTROL_TOKENS)

    @property
    def plain(self) -> int:
        """How many tokens stand for text; they come first."""
        return len(self.tokens) - self.control - self.unused

    @property
    def begin(self) -> int:
        """The token that starts a text."""
        return self.plain

    @property
    def end(self) -> int:
        """The token that ends a text."""
        return self.plain + 1

    @property
    def end_of_turn(self) -> int:
        """The token that ends a turn of a chat."""
        return self.plain + 3


def build_vocabulary(unused: int = 0) -> Vocabulary:
    """The vocabulary trained on the sentences, and `unused` tokens that only cost time to load."""
    alphabet = _byte_alphabet()
    merges = _train_merges(alphabet)
    plain = [alphabet[byte] for byte in range(256)] + [left + right for left, right in merges]
    padding = [f"<pad_{number}>" for number in range(unused)]
    return Vocabulary([*plain, *CONTROL_TOKENS, *padding], merges, unused)


def follower_counts(vocabulary: Vocabulary, end_weight: float) -> dict[tuple[int, int], float]:
    """How often each token follows each other one.

    A sentence's last token is followed by the first of any sentence, or by the end with `end_weight`; a token that
    no sentence holds is followed by the first of any.
    """
    sentences = [_encode(sentence, vocabulary) for sentence in SENTENCES]
    starts = Counter(sentence[0] for sentence in sentences)
    counts: Counter[tuple[int, int]] = Counter()
    for sentence in sentences:
        counts.update(pairwise(sentence))
        counts.update({(sentence[-1], start): times for start, times in starts.items()})
    heard = {token for token, _ in counts}
    for token in range(len(vocabulary.tokens)):
        if token not in heard:
            counts.update({(token, start): times for start, times in starts.items()})
    followers = {pair: float(count) for pair, count in counts.items()}
    for sentence in sentences:
        ending = (sentence[-1], vocabulary.end)
        followers[ending] = followers.get(ending, 0.0) + end_weight
    return followers


def _byte_alphabet() -> dict[int, str]:
    """GPT-2's reversible map from bytes to printable characters."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


def _split(sentence: str) -> list[str]:
    """The words of a sentence, each with the space before it."""
    return re.findall(r" ?\S+", f" {sentence}")


def _train_merges(alphabet: dict[int, str]) -> tuple[Pair, ...]:
    """Plain BPE: merge the commonest pair, the first in order among equals, again and again."""
    spelled = Counter(
        tuple(alphabet[byte] for byte in word.encode()) for sentence in SENTENCES for word in _split(sentence)
    )
    merges: list[Pair] = []
    for _ in range(MERGES):
        pairs: Counter[Pair] = Counter()
        for word, count in spelled.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = max(sorted(pairs), key=lambda pair: pairs[pair])
        merges.append(best)
        spelled = Counter({tuple(_merge(word, best)): count for word, count in spelled.items()})
    return tuple(merges)


def _merge(word: Sequence[str], pair: Pair) -> list[str]:
    """The word with every occurrence of the pair made one."""
    merged: list[str] = []
    for piece in word:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _encode(sentence: str, vocabulary: Vocabulary) -> list[int]:
    """The tokens of a sentence, as llama.cpp would find them."""
    alphabet = _byte_alphabet()
    numbers = {token: number for number, token in enumerate(vocabulary.tokens[: vocabulary.plain])}
    found: list[int] = []
    for word in _split(sentence):
        pieces = [alphabet[byte] for byte in word.encode()]
        for pair in vocabulary.merges:
            pieces = _merge(pieces, pair)
        found.extend(numbers[piece] for piece in pieces)
    return found
