#!/usr/bin/python3
"""Train the guide: a tiny model of the Llama architecture, on the processor, in bf16 with f32 master weights.

  train.py --data DIR --out DIR --steps N [--workers 2] [--resume]

Reads DIR/rows_<T>.npz of pack.py. Muon for the matrices of the blocks, AdamW for the rest; the rate is constant at first and falls
linearly to zero over the last part; what is kept is a running average of the weights (EMA).

Workers are processes of one thread each that share the weights. A step is cut into parts, and whoever is free takes the next one; the
same goes for the optimizer and its matrices. So a processor that is busy with something else costs only its own share of the time.
The gradients of the parts are added in their order: the result depends neither on the number of workers nor on who did what. The order
of the batches follows from the seed and the step, so that an interrupted run goes on with --resume as if nothing had happened.
"""
import argparse, ctypes, glob, math, multiprocessing, os, re, subprocess, time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BF = torch.bfloat16
SHAPE = dict(layers=6, dim=256, heads=8, kv=4, ffn=768, ctx=1024)
PARTS = 6               # of a step
MOMENTUM, BETA1, BETA2, DECAY = 0.95, 0.9, 0.95, 0.05
WARM_UP = 100
FLAT = 0.35             # the share of the steps at the full rate


class Kernels:
    """kernels.c, compiled for this processor beside the checkpoint. Each call takes tensors and numbers."""
    def __init__(self, folder):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'kernels.c')
        library = os.path.join(os.path.abspath(folder), 'kernels.so')
        subprocess.run(['cc', '-O3', '-march=native', '-ffast-math', '-shared', '-fPIC', source, '-o', library, '-lmvec', '-lm'],
                       check=True)
        self.library = ctypes.CDLL(library)
        self.library.loss.restype = ctypes.c_float

    def __getattr__(self, name):
        f = getattr(self.library, name)

        def call(*args):
            for x in args:
                assert not isinstance(x, torch.Tensor) or x.is_contiguous()
            return f(*(ctypes.c_void_p(x.data_ptr()) if isinstance(x, torch.Tensor) else
                       ctypes.c_float(x) if isinstance(x, float) else ctypes.c_long(x) for x in args))
        return call


K = None                # the kernels, once they are compiled


class Norm(torch.autograd.Function):
    """RMSNorm of f32 to bf16."""
    @staticmethod
    def forward(ctx, x, w):
        x = x.contiguous()
        d = x.shape[-1]
        y, r = torch.empty(x.shape, dtype=BF), torch.empty(x.numel() // d)
        K.norm_forward(x, w, y, r, len(r), d)
        ctx.save_for_backward(x, w, r)
        return y

    @staticmethod
    def backward(ctx, g):
        x, w, r = ctx.saved_tensors
        gx, gw = torch.empty_like(x), torch.zeros_like(w)
        K.norm_backward(x, w, r, g.contiguous(), gx, gw, len(r), x.shape[-1])
        return gx, gw


class SwiGLU(torch.autograd.Function):
    """silu(gate) * up, of a matrix that holds both."""
    @staticmethod
    def forward(ctx, gu):
        f = gu.shape[-1] // 2
        h = torch.empty(gu.shape[:-1] + (f,), dtype=BF)
        K.swiglu_forward(gu, h, h.numel() // f, f)
        ctx.save_for_backward(gu)
        return h

    @staticmethod
    def backward(ctx, g):
        gu, = ctx.saved_tensors
        out, f = torch.empty_like(gu), gu.shape[-1] // 2
        K.swiglu_backward(gu, g.contiguous(), out, gu.numel() // f // 2, f)
        return out


class Heads(torch.autograd.Function):
    """Rotated queries and keys, and values, sorted by heads."""
    @staticmethod
    def forward(ctx, qkv, cos, sin, heads, kv, hd):
        B, T, _ = qkv.shape
        q, k, v = (torch.empty(B * kv, n * T, hd, dtype=BF) for n in (heads // kv, 1, 1))
        ctx.sizes, ctx.angles = (B, T, heads, kv, hd, hd ** -0.5), (cos, sin)
        K.heads_forward(qkv, cos, sin, q, k, v, *ctx.sizes)
        return q, k, v

    @staticmethod
    def backward(ctx, q, k, v):
        B, T, heads, kv, hd, _ = ctx.sizes
        out = torch.empty(B, T, (heads + 2 * kv) * hd, dtype=BF)
        K.heads_backward(q.contiguous(), k.contiguous(), v.contiguous(), *ctx.angles, out, *ctx.sizes)
        return out, None, None, None, None, None


class CausalSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, T):
        K.softmax_forward(a, a.numel() // T, T)
        ctx.mark_dirty(a)
        ctx.save_for_backward(a)
        return a

    @staticmethod
    def backward(ctx, g):
        a, = ctx.saved_tensors
        T = a.shape[-1]
        out = torch.empty_like(a)
        K.softmax_backward(a, g.contiguous(), out, a.numel() // T, T)
        return out, None


class Loss(torch.autograd.Function):
    """Cross-entropy, summed and divided by `wanted`."""
    @staticmethod
    def forward(ctx, logits, target, wanted):
        loss = K.loss(logits, target, 1 / wanted, *logits.shape)
        ctx.save_for_backward(logits)       # by now they are the gradient
        return torch.tensor(loss)

    @staticmethod
    def backward(ctx, _):
        return ctx.saved_tensors[0], None, None


def linear(x, w):
    return F.linear(x, w.to(BF))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, self.hd = c, c['dim'] // c['heads']
        dim, kv = c['dim'], self.hd * c['kv']
        matrix = lambda rows, cols, std: nn.Parameter(torch.randn(rows, cols) * std)
        self.attn_norm = nn.Parameter(torch.ones(dim))
        self.ffn_norm = nn.Parameter(torch.ones(dim))
        self.qkv = matrix(dim + 2 * kv, dim, dim ** -0.5)
        self.o = matrix(dim, dim, dim ** -0.5 / math.sqrt(2 * c['layers']))
        self.gate_up = matrix(2 * c['ffn'], dim, dim ** -0.5)
        self.down = matrix(dim, c['ffn'], c['ffn'] ** -0.5 / math.sqrt(2 * c['layers']))

    def attention(self, h, cos, sin):
        heads, kv, hd, dim = self.c['heads'], self.c['kv'], self.hd, self.c['dim']
        B, T, _ = h.shape
        q, k, v = Heads.apply(linear(h, self.qkv), cos, sin, heads, kv, hd)
        y = torch.bmm(CausalSoftmax.apply(torch.bmm(q, k.transpose(1, 2)), T), v)
        y = y.view(B, kv, heads // kv, T, hd).permute(0, 3, 1, 2, 4).reshape(B, T, dim)
        return linear(y, self.o)

    def forward(self, x, cos, sin):
        x = x + self.attention(Norm.apply(x, self.attn_norm), cos, sin)
        return x + linear(SwiGLU.apply(linear(Norm.apply(x, self.ffn_norm), self.gate_up)), self.down)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        dim, hd = c['dim'], c['dim'] // c['heads']
        self.emb = nn.Parameter(torch.randn(c['vocab'], dim) * 0.5)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c['layers']))
        self.norm = nn.Parameter(torch.ones(dim))
        self.out = nn.Parameter(torch.randn(c['vocab'], dim) * dim ** -0.5)
        f = 10000.0 ** (-torch.arange(0, hd, 2).float() / hd)
        t = torch.outer(torch.arange(c['ctx']).float(), f)
        self.cos, self.sin = t.cos(), t.sin()

    def forward(self, ids, target, wanted):
        x = F.embedding(ids, self.emb)
        for b in self.blocks:
            x = b(x, self.cos, self.sin)
        target = target.flatten()
        at = (target >= 0).nonzero().squeeze(1)
        return Loss.apply(linear(Norm.apply(x.flatten(0, 1)[at], self.norm), self.out), target[at], wanted)


def newton_schulz(g, steps=5):
    """The nearest orthogonal matrix, roughly (the polynomial of the Muon optimizer)."""
    x = g.to(BF)
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.t().contiguous()
    for _ in range(steps):
        a = x @ x.t()
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.t() if tall else x).float()


class Data:
    """Batches of rows of one length, in an order that depends on the seed only."""
    def __init__(self, folder, tokens, seed):
        self.rows, self.order, self.seed, self.epoch = {}, [], seed, 0
        for path in sorted(glob.glob(folder + '/rows_*.npz')):
            z = np.load(path)
            self.rows[int(re.search(r'rows_(\d+)', path).group(1))] = z['ids'], z['loss']
        self.batch = {T: max(1, tokens // T) for T in self.rows}

    def next(self):
        """(length, numbers of its rows)"""
        if not self.order:
            rng = np.random.default_rng((self.seed, self.epoch))
            self.epoch += 1
            for T, (ids, _) in self.rows.items():
                n = self.batch[T]
                perm = rng.permutation(len(ids))
                self.order += [(T, perm[i:i + n]) for i in range(0, len(perm) - n + 1, n)]
            rng.shuffle(self.order)
        return self.order.pop()

    def wanted(self, T, at):
        return int(self.rows[T][1][at, 1:].sum())

    def tensors(self, T, at):
        ids, loss = self.rows[T]
        x = torch.from_numpy(ids[at].astype(np.int64))
        y = torch.where(torch.from_numpy(loss[at])[:, 1:].bool(), x[:, 1:], torch.full_like(x[:, 1:], -100))
        return x[:, :-1].contiguous(), y


def rate_at(step, steps):
    return min(1, (step + 1) / WARM_UP) * min(1, (steps - step) / (steps * (1 - FLAT)))


class Trainer:
    """What the workers share: flat arrays of all weights, gradients and the optimizer's state."""
    def __init__(self, a):
        self.a, self.shape = a, dict(SHAPE, vocab=a.vocab)
        self.model = Model(self.shape)
        self.size = sum(p.numel() for p in self.model.parameters())
        shared = lambda *n: torch.zeros(*n).share_memory_()
        self.w, self.ema, self.m, self.v = (shared(self.size) for _ in range(4))
        self.grad, self.loss = shared(PARTS, self.size), shared(PARTS)
        self.names, at = {}, 0
        for name, p in self.model.named_parameters():
            n = p.numel()
            self.w[at:at + n] = p.data.flatten()
            p.data = self.w[at:at + n].view_as(p)
            self.names[name] = (at, p.shape)
            at += n
        self.ema.copy_(self.w)
        self.jobs = sorted(self.matrices(), key=lambda j: -j[1] * j[2])
        self.first = self.seen = 0
        self.path = a.out + '/checkpoint.pt'
        if a.resume:
            d = torch.load(self.path)
            for k in ('w', 'm', 'v'):
                getattr(self, k).copy_(d[k])
            for name, (i, shape) in self.names.items():
                self.ema[i:i + shape.numel()] = d['ema'][name].flatten()
            self.first, self.seen = d['step'], d['seen']
        mp = multiprocessing.get_context('fork')
        self.mp, self.barrier, self.next_part, self.next_job = mp, mp.Barrier(a.workers), mp.Value('i', 0), mp.Value('i', 0)

    def matrices(self):
        """(place, rows, columns, whether for Muon) of everything that is updated on its own"""
        dim, kv, ffn = self.shape['dim'], self.shape['dim'] // self.shape['heads'] * self.shape['kv'], self.shape['ffn']
        parts = {'qkv': (dim, kv, kv), 'gate_up': (ffn, ffn), 'o': (dim,), 'down': (dim,)}
        for name, (at, shape) in self.names.items():
            rows = parts.get(name.split('.')[-1])
            for r in rows or (shape[0],):
                columns = shape[1] if len(shape) > 1 else 1
                yield at, r, columns, rows is not None
                at += r * columns

    def save(self, step):
        ema = {name: self.ema[i:i + shape.numel()].view(shape).clone() for name, (i, shape) in self.names.items()}
        torch.save(dict(shape=self.shape, ema=ema, w=self.w, m=self.m, v=self.v, step=step, seen=self.seen), self.path + '.new')
        os.replace(self.path + '.new', self.path)

    def take(self, counter):
        with counter.get_lock():
            counter.value += 1
            return counter.value - 1

    def part(self, k, x, y, wanted):
        if len(x) == 0:
            self.grad[k].zero_()
            self.loss[k] = 0
            return
        loss = self.model(x, y, wanted)
        loss.backward()
        for (name, (i, shape)), p in zip(self.names.items(), self.model.parameters()):
            self.grad[k, i:i + shape.numel()] = p.grad.flatten()
            p.grad = None
        self.loss[k] = loss.item()

    def update(self, job, step):
        at, rows, columns, is_matrix = job
        here = slice(at, at + rows * columns)
        g, w, m, v = self.grad[:, here].sum(0), self.w[here], self.m[here], self.v[here]
        scale = rate_at(step, self.a.steps)
        if is_matrix:
            momentum = min(MOMENTUM, 0.85 + step / 3000)
            m.mul_(momentum).add_(g)
            u = newton_schulz((g + momentum * m).view(rows, columns)) * max(1, rows / columns) ** 0.5
            w.mul_(1 - self.a.muon * scale * DECAY).add_(u.flatten(), alpha=-self.a.muon * scale)
        else:
            m.mul_(BETA1).add_(g, alpha=1 - BETA1)
            v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
            size = (v / (1 - BETA2 ** (step + 1))).sqrt_().add_(1e-8)
            w.addcdiv_(m, size, value=-self.a.adam * scale / (1 - BETA1 ** (step + 1)))
        if step % 5 == 4:
            keep = min(0.995, step / (step + 20)) ** 5
            self.ema[here].mul_(keep).add_(w, alpha=1 - keep)

    def work(self, me):
        os.setsid()                 # Linux shares a processor among sessions first: two workers in one would be one to it
        torch.set_num_threads(1)
        a, data = self.a, Data(self.a.data, self.a.tokens, self.a.seed)
        for _ in range(self.first):
            data.next()
        average, start, seen0, end = None, time.time(), self.seen, a.stop or a.steps
        for step in range(self.first, end):
            T, at = data.next()
            wanted, parts = data.wanted(T, at), np.array_split(at, PARTS)
            if me == 0:
                self.next_job.value = 0
            while (k := self.take(self.next_part)) < PARTS:
                self.part(k, *data.tensors(T, parts[k]), wanted)
            self.barrier.wait()
            if me == 0:
                self.next_part.value = 0
            with torch.no_grad():
                while (j := self.take(self.next_job)) < len(self.jobs):
                    self.update(self.jobs[j], step)
            self.barrier.wait()
            if me:
                continue
            self.seen += len(at) * (T - 1)
            loss = float(self.loss.sum())
            average = loss if average is None else 0.98 * average + 0.02 * loss
            if step % 20 == 19:
                spent = time.time() - start
                print('step %d T %d loss %.4f average %.4f tokens/s %.0f seen %.2f M minutes %.1f' % (
                    step + 1, T, loss, average, (self.seen - seen0) / spent, self.seen / 1e6, spent / 60), flush=True)
            if step % 100 == 99 or step + 1 == end:
                self.save(step + 1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--data', required=True)
    ap.add_argument('--out', required=True)
    ap.add_argument('--steps', type=int, required=True)
    ap.add_argument('--vocab', type=int, default=3072)
    ap.add_argument('--tokens', type=int, default=6144, help='of a step')
    ap.add_argument('--workers', type=int, default=2)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--muon', type=float, default=0.02, help='rate of the matrices')
    ap.add_argument('--adam', type=float, default=2e-3, help='rate of the rest')
    ap.add_argument('--resume', action='store_true')
    ap.add_argument('--stop', type=int, default=0, help='end after this many steps, for measuring')
    a = ap.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(1)
    os.makedirs(a.out, exist_ok=True)
    global K
    K = Kernels(a.out)
    t = Trainer(a)
    print('parameters', t.size, flush=True)
    workers = [t.mp.Process(target=t.work, args=(i,), daemon=True) for i in range(a.workers)]
    for w in workers:
        w.start()
    while any(w.is_alive() for w in workers):       # one that fell takes the others with it
        time.sleep(0.5)
        if any(w.exitcode not in (None, 0) for w in workers):
            for w in workers:
                w.terminate()
            raise SystemExit('a worker failed')


if __name__ == '__main__':
    main()
