"""The tiny model's language hangs together."""

from __future__ import annotations

from engine.models.word_salad import SENTENCES, build_vocabulary, follower_counts


def test_every_byte_has_a_token_and_no_token_comes_twice() -> None:
    vocabulary = build_vocabulary()

    assert sum(len(token) == 1 for token in vocabulary.tokens) == 256
    assert len(set(vocabulary.tokens)) == len(vocabulary.tokens)


def test_special_tokens_are_where_the_numbers_say() -> None:
    vocabulary = build_vocabulary(unused=3)

    assert vocabulary.tokens[vocabulary.begin] == "<|bos|>"
    assert vocabulary.tokens[vocabulary.end] == "<|endoftext|>"
    assert vocabulary.tokens[vocabulary.end_of_turn] == "<|im_end|>"
    assert vocabulary.tokens[-3:] == ["<pad_0>", "<pad_1>", "<pad_2>"]


def test_common_words_are_one_token() -> None:
    assert {"Ġllama", "Ġthe", "Ġlittle"} <= set(build_vocabulary().tokens)


def test_every_token_is_followed_by_something_and_a_sentence_may_end() -> None:
    vocabulary = build_vocabulary()
    followers = follower_counts(vocabulary, end_weight=4.0)

    assert {token for token, _ in followers} == set(range(len(vocabulary.tokens)))
    assert {follower for _, follower in followers} >= {vocabulary.end}


def test_walking_the_table_speaks_the_words_of_the_sentences() -> None:
    vocabulary = build_vocabulary()
    followers = follower_counts(vocabulary, end_weight=0.5)
    token, spoken = vocabulary.begin, ""
    for _ in range(200):
        token = max((pair for pair in followers if pair[0] == token), key=lambda pair: followers[pair])[1]
        spoken += vocabulary.tokens[token]

    words = {word for sentence in SENTENCES for word in sentence.split()}
    assert set(spoken.replace("Ġ", " ").split()[:-1]) <= words
