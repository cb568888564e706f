#!/usr/bin/python3
"""From conversations to rows of tokens.

  pack.py vocab TEXT PIECES PREFIX            a SentencePiece vocabulary, PREFIX.model
  pack.py rows PREFIX.model MTOKENS SEED OUT [PHASE]  rows of fixed length, OUT/rows_<T>.npz
                                              PHASE: first; chats, more of the long ones; careful, and more to be declined

A row is one conversation from its first BOS, cut at T tokens; the short rows hold one message and as much of the answer as fits,
because the choice of the topic is what is hard to learn and the rest of an answer is not. Loss is on answers and their EOS.
Some answers in the history are followed by the space that Meta's own code writes before EOS; there is no loss on that.
Some messages are split into other, smaller pieces (BPE dropout), so that unknown words and typing errors look familiar.
"""
import os, random, struct, sys
from multiprocessing import Pool

import numpy as np
import sentencepiece as spm

from make_corpus import CAREFUL, CHATTY, FOLLOW_UPS, SCOPE_SHARE, Corpus, block

# Length: share of all tokens. The first three hold one message, the others many.
MIX = {24: 0.34, 40: 0.17, 72: 0.10, 128: 0.15, 256: 0.13, 512: 0.06, 1024: 0.05}
CHATS = {24: 0.20, 40: 0.10, 72: 0.06, 128: 0.24, 256: 0.24, 512: 0.10, 1024: 0.06}
SINGLE = 24, 40, 72
PHASES = dict(first=(MIX, FOLLOW_UPS, SCOPE_SHARE), chats=(CHATS, CHATTY, SCOPE_SHARE), careful=(CHATS, CHATTY, CAREFUL))
DROPOUT = 0.15
LEAST = 6               # tokens of the answer that a short row must have room for
BOS, EOS = 1, 2
MARKS = ('INST]', '\u2581[INST]', '\u2581[/INST]')       # one token instead of three, in every turn


def encode(sp, rng, system, message, answer):
    """Token ids of the prompt, split as it comes or otherwise, and of the answer without EOS."""
    prompt = block(system, message)
    full, pre = sp.encode(prompt + ' ' + answer), sp.encode(prompt)
    assert full[:len(pre)] == pre, prompt
    out = full[len(pre):]
    if rng.random() < DROPOUT:
        pre = sp.encode(prompt, enable_sampling=True, alpha=0.06, nbest_size=-1)
    return [BOS] + pre, out


def single(sp, corpus, rng, T):
    while True:
        system, _, turns = corpus.conversation()
        message, answer, _ = next(turns)
        pre, out = encode(sp, rng, system, message, answer)
        shorter = max((x for x in SINGLE if x < T), default=0)
        if shorter < len(pre) + LEAST <= T:
            ids, loss = pre + out + [EOS], [0] * len(pre) + [1] * (len(out) + 1)
            pad = T - len(ids)
            return (ids + [EOS] * pad)[:T], (loss + [0] * pad)[:T]


def chain(sp, corpus, rng, space, T):
    system, _, turns = corpus.conversation()
    ids, loss = [], []
    for message, answer, _ in turns:
        pre, out = encode(sp, rng, system if not ids else '', message, answer)
        ids += pre + out
        loss += [0] * len(pre) + [1] * len(out)
        end = [EOS] if rng.random() < 0.5 else [space, EOS]
        loss += [1] if len(end) == 1 else [0, 0]
        ids += end
        if len(ids) >= T:
            return ids[:T], loss[:T]


def worker(job):
    model, T, n, seed, chances, scope_share = job
    sp = spm.SentencePieceProcessor(model_file=model)
    spm.set_random_generator_seed(seed)
    corpus, rng, space = Corpus(seed, chances, scope_share), random.Random(seed + 1), sp.piece_to_id('\u2581')
    ids, loss = np.zeros((n, T), np.uint16), np.zeros((n, T), np.uint8)
    for row in range(n):
        ids[row], loss[row] = single(sp, corpus, rng, T) if T in SINGLE else chain(sp, corpus, rng, space, T)
    return T, ids, loss


def vocabulary(text, pieces, prefix):
    """The trainer never joins letters and brackets; so the marks are added behind it, as pieces that merge first. A model file is a
    protocol buffer whose field 1, repeated, is a piece {1: text, 2: score}, and a field that is appended is one more of them."""
    pieces -= len(MARKS)
    spm.SentencePieceTrainer.train(
        input=text, model_prefix=prefix, model_type='bpe', vocab_size=pieces, byte_fallback=True, split_digits=True,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, normalization_rule_name='identity', add_dummy_prefix=True,
        remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, character_coverage=1.0, num_threads=2,
        input_sentence_size=500000, shuffle_input_sentence=False, required_chars='', minloglevel=1,
        max_sentence_length=8000)
    with open(prefix + '.model', 'ab') as f:
        for mark in MARKS:
            text = mark.encode()
            piece = b'\x0a' + bytes([len(text)]) + text + b'\x15' + struct.pack('<f', 0.0)
            f.write(b'\x0a' + bytes([len(piece)]) + piece)


def main():
    if sys.argv[1] == 'vocab':
        return vocabulary(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    model, total, seed, out = sys.argv[2], float(sys.argv[3]) * 1e6, int(sys.argv[4]), sys.argv[5]
    os.makedirs(out, exist_ok=True)
    parts, (mix, chances, scope_share) = 4, PHASES[sys.argv[6] if sys.argv[6:] else 'first']
    jobs = [(model, T, int(total * share / T / parts), seed * 100000 + T * 10 + i, chances, scope_share)
            for T, share in mix.items() for i in range(parts)]
    with Pool(2) as pool:
        done = pool.map(worker, jobs, chunksize=1)
    for T in mix:
        rows = [x for x in done if x[0] == T]
        ids, loss = np.concatenate([x[1] for x in rows]), np.concatenate([x[2] for x in rows])
        np.savez('%s/rows_%d.npz' % (out, T), ids=ids, loss=loss)
        print('rows of %4d tokens: %6d, with loss %.2f' % (T, len(ids), loss.mean()), flush=True)


if __name__ == '__main__':
    main()
