#!/usr/bin/python3
"""export.py CHECKPOINT VOCABULARY.model OUT.gguf [q8_0|f16]   writes the averaged weights as a GGUF file."""
import struct, sys

import numpy as np
import sentencepiece as spm
import torch

F32, F16, Q8_0 = 0, 1, 8                                # types of tensors
U32, I32, FLOAT, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9     # types of values
FILE_TYPE = {F16: 1, Q8_0: 7}
ALIGN = 32
TEMPLATE = ("{% if messages[0]['role'] == 'system' %}{% set sys = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}"
            "{% set rest = messages[1:] %}{% else %}{% set sys = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
            "{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + (sys if loop.first else '') + m['content'].strip() + ' [/INST]' }}"
            "{% else %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}")


def string(s):
    s = s.encode()
    return struct.pack('<Q', len(s)) + s


def value(kind, v):
    if kind == ARRAY:
        kind, items = v
        return struct.pack('<IQ', kind, len(items)) + b''.join(value(kind, x) for x in items)
    return string(v) if kind == STRING else struct.pack({U32: '<I', I32: '<i', FLOAT: '<f', BOOL: '<?'}[kind], v)


def encode(x, kind):
    if kind == F32:
        return x.astype('<f4').tobytes()
    if kind == F16:
        return x.astype('<f2').tobytes()
    blocks = x.astype(np.float32).reshape(-1, 32)
    d = np.abs(blocks).max(1, keepdims=True) / 127
    d = d.astype('<f2')
    safe = np.where(d == 0, 1, d.astype(np.float32))
    out = np.empty((len(blocks), 34), np.uint8)
    out[:, :2] = d.view(np.uint8)
    out[:, 2:] = np.clip(np.rint(blocks / safe), -127, 127).astype(np.int8).view(np.uint8)
    return out.tobytes()


def metadata(shape, vocabulary, kind):
    sp = spm.SentencePieceProcessor(model_file=vocabulary)
    pieces = range(sp.get_piece_size())
    assert len(pieces) == shape['vocab']
    types = [2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 1 for i in pieces]
    return [
        ('general.architecture', STRING, 'llama'), ('general.name', STRING, 'hum guide'),
        ('general.license', STRING, 'gpl-3.0'), ('general.file_type', U32, FILE_TYPE[kind]),
        ('llama.block_count', U32, shape['layers']), ('llama.context_length', U32, shape['ctx']),
        ('llama.embedding_length', U32, shape['dim']), ('llama.feed_forward_length', U32, shape['ffn']),
        ('llama.attention.head_count', U32, shape['heads']), ('llama.attention.head_count_kv', U32, shape['kv']),
        ('llama.attention.layer_norm_rms_epsilon', FLOAT, 1e-5), ('llama.rope.freq_base', FLOAT, 10000.0),
        ('llama.rope.dimension_count', U32, shape['dim'] // shape['heads']), ('llama.vocab_size', U32, shape['vocab']),
        ('tokenizer.ggml.model', STRING, 'llama'),
        ('tokenizer.ggml.tokens', ARRAY, (STRING, [sp.id_to_piece(i) for i in pieces])),
        ('tokenizer.ggml.scores', ARRAY, (FLOAT, [sp.get_score(i) for i in pieces])),
        ('tokenizer.ggml.token_type', ARRAY, (I32, types)),
        ('tokenizer.ggml.bos_token_id', U32, 1), ('tokenizer.ggml.eos_token_id', U32, 2),
        ('tokenizer.ggml.unknown_token_id', U32, 0), ('tokenizer.ggml.add_bos_token', BOOL, True),
        ('tokenizer.ggml.add_eos_token', BOOL, False), ('tokenizer.ggml.add_space_prefix', BOOL, True),
        ('tokenizer.chat_template', STRING, TEMPLATE)]


def tensors(shape, w, kind):
    dim, ffn = shape['dim'], shape['ffn']
    kv = dim // shape['heads'] * shape['kv']
    yield 'token_embd.weight', w['emb'], kind
    for i in range(shape['layers']):
        new, old = 'blk.%d.' % i, 'blocks.%d.' % i
        qkv, gate_up = w[old + 'qkv'], w[old + 'gate_up']
        yield new + 'attn_norm.weight', w[old + 'attn_norm'], F32
        yield new + 'attn_q.weight', qkv[:dim], kind
        yield new + 'attn_k.weight', qkv[dim:dim + kv], kind
        yield new + 'attn_v.weight', qkv[dim + kv:], kind
        yield new + 'attn_output.weight', w[old + 'o'], kind
        yield new + 'ffn_norm.weight', w[old + 'ffn_norm'], F32
        yield new + 'ffn_gate.weight', gate_up[:ffn], kind
        yield new + 'ffn_up.weight', gate_up[ffn:], kind
        yield new + 'ffn_down.weight', w[old + 'down'], kind
    yield 'output_norm.weight', w['norm'], F32
    yield 'output.weight', w['out'], kind


def main():
    checkpoint, vocabulary, out = sys.argv[1:4]
    kind = dict(q8_0=Q8_0, f16=F16)[sys.argv[4] if len(sys.argv) > 4 else 'q8_0']
    d = torch.load(checkpoint, map_location='cpu')
    meta = metadata(d['shape'], vocabulary, kind)
    head, body = b'', b''
    rows = list(tensors(d['shape'], {k: v.float().numpy() for k, v in d['ema'].items()}, kind))
    for name, x, t in rows:
        head += string(name) + struct.pack('<I', x.ndim) + struct.pack('<%dQ' % x.ndim, *x.shape[::-1])
        head += struct.pack('<IQ', t, len(body))
        body += encode(x, t)
        body += b'\0' * (-len(body) % ALIGN)
    head = (b'GGUF' + struct.pack('<IQQ', 3, len(rows), len(meta))
            + b''.join(string(k) + struct.pack('<I', t) + value(t, v) for k, t, v in meta) + head)
    with open(out, 'wb') as f:
        f.write(head + b'\0' * (-len(head) % ALIGN) + body)
    print('%s: %.2f MB, step %d, %.1f M tokens' % (out, (len(head) + len(body)) / 1e6, d['step'], d['seen'] / 1e6))


if __name__ == '__main__':
    main()
