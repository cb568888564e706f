#!/usr/bin/python3
"""Ask the real program, greedily, and count.

  evaluate.py HUM [-m FILE.gguf] [--rows N SEED] [--show FILE]

Held-out questions (heldout*.tsv) each in a process of its own; held-out conversations (dialogues*.txt) through `hum --plain`; with
--rows, N messages drawn from the corpus as well, to see what was learnt. A question is right when the answer is that of its topic,
or of a topic that topics.yaml calls `near`; for what is out of scope any refusal is right. The wrong ones go to FILE, not to the screen:
whoever writes phrases should not see them.
"""
import argparse, collections, glob, os, re, subprocess, tempfile

from make_corpus import HERE, STYLES, Corpus, Topics, norm, style


class Guide:
    def __init__(self, hum, model):
        self.args = [hum] + (['-m', model] if model else [])
        self.home = tempfile.mkdtemp(prefix='hum-evaluate-')
        self.env = dict(os.environ, HOME=self.home, LC_ALL='C.UTF-8', XDG_CONFIG_HOME='', XDG_DATA_HOME='', XDG_STATE_HOME='')

    def run(self, args, text=''):
        return subprocess.run(self.args + args, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.env).stdout.decode()

    def one(self, message):
        return self.run(['--temp', '0', '--print=' + message]).strip()

    def chat(self, system, messages):
        out = self.run(['--plain', '--no-save', '--temp', '0'] + (['--system=' + system] if system else []),
                       '\n'.join(('/' if m.startswith('/') else '') + m for m in messages) + '\n')
        answers, cur = [], None
        for line in out.split('\n'):
            m = re.match(r'(?:> )*guide: (.*)', line) or (re.match(r'(?:> )*[^\s:]+: (.*)', line) if cur is None else None)
            if re.match(r'-- (.* · )?\d+ tokens? · ', line):
                if cur is not None:
                    answers.append('\n'.join(cur).strip())
                cur = None
            elif cur is None and m:
                cur = [m.group(1)]
            elif cur is not None:
                cur.append(line)
        return answers


class Judge:
    """Which topic an answer is of: word for word, in any style."""
    def __init__(self, topics):
        self.t, self.known, self.answers, self.invented, self.all_names = topics, {}, 0, [], set()
        for t, r in topics.rows.items():
            for key, name in (('undo', 'undo of '), ('more', 'more of '), ('answer', '')):
                if key in r:
                    self.all_names |= self.names(r[key])
                    for kind in (None,) + STYLES:
                        self.known[style(r[key].strip(), kind)] = name + t

    @staticmethod
    def names(text):
        """The commands, options, programs, settings, paths and keys that a text names."""
        return set(re.findall(r"(?<![\w/.~])/[a-z]+|--?[a-z][a-z-]*\b|\bhum [a-z]+|~/[\w./]+|/set [a-z_]+|[a-z]+_[a-z_]+|"
                              r"(?:Ctrl|Alt|Shift)-[\w<>]+|\bF[0-9]+", text))

    def topic(self, answer):
        self.answers += 1
        got = self.known.get(answer.strip(), 'garbled')
        if got == 'garbled':
            self.invented += sorted(self.names(answer) - self.all_names)
        return got

    def about_last(self, wanted, answer, before, last):
        """Whether it is what is asked for about the answer before, which was `last`, of topic `before`."""
        if wanted == 'again':
            return answer == last
        text = self.t.more(before) if wanted == 'more' else self.t.undo(before)
        return any(answer == style(text, k) for k in (None,) + STYLES)

    def right(self, wanted, got):
        return any(got in self.t.scope if w == 'scope' else w == got or got in self.t.rows[w].get('near', [])
                   for w in wanted.split(','))


def questions(judge, guide, rows, title, show):
    per, by, refused, garbled = collections.Counter(), collections.defaultdict(list), 0, 0
    for wanted, message in rows:
        answer = guide.one(message)
        got = judge.topic(answer)
        ok = judge.right(wanted, got)
        first = wanted.split(',')[0]
        group = 'scope' if first == 'scope' else judge.t.rows[first]['group']
        by[group].append(ok)
        per[first, ok] += 1
        garbled += got == 'garbled'
        refused += not ok and group != 'scope' and got in judge.t.scope
        if not ok:
            print(title, wanted, got, message, answer if got == 'garbled' else '', sep='\t', file=show)
    n = sum(map(len, by.values()))
    inside = [ok for g, oks in by.items() if g != 'scope' for ok in oks]
    print('%s: %d messages, right %.1f %%; in scope %.1f %% (refused by mistake %d), not word for word an answer %d' % (
        title, n, 100 * sum(map(sum, by.values())) / n, 100 * sum(inside) / len(inside), refused, garbled))
    for g, oks in sorted(by.items()):
        print('  %-6s %4d of %4d = %.1f %%' % (g, sum(oks), len(oks), 100 * sum(oks) / len(oks)))
    weak = sorted(((per[t, True], per[t, True] + per[t, False], t) for t in {k[0] for k in per}), key=lambda x: x[0] / x[1])
    print('  weakest topics:', ', '.join('%s %d/%d' % (t, a, b) for a, b, t in weak if a / b < 0.7) or 'none under 70 %')


def dialogues(judge, guide, path, show):
    chats = [c.split('\n') for c in open(path, encoding='utf-8').read().strip().split('\n\n')]
    kinds, clean, turns = collections.defaultdict(list), 0, []
    for c in chats:
        rows = [l.split('\t') for l in c if '\t' in l]
        system = rows.pop(0)[1] if rows[0][0] == 'system' else ''
        answers = guide.chat(system, [m for _, m in rows])
        answers += [''] * (len(rows) - len(answers))
        before, last, all_ok = None, '', True
        for wanted, message, answer in ((w, m, a) for (w, m), a in zip(rows, answers)):
            got = judge.topic(answer)
            ok = any(judge.about_last(w, answer, before, last) if before and w in ('more', 'undo', 'again') else judge.right(w, got)
                     for w in wanted.split(','))
            if got in judge.t.rows and wanted not in ('more', 'undo', 'again') and (ok or got not in ('thanks', 'ok')):
                before = got
            last = answer
            kinds[wanted if wanted in ('more', 'undo', 'again', 'scope') else 'topic'].append(ok)
            turns.append(ok)
            all_ok &= ok
            if not ok:
                print('dialogue', wanted, got, message, answer if got == 'garbled' else '', sep='\t', file=show)
        clean += all_ok
    print('%s: %d turns, right %.1f %%; without any fault %d of %d' % (
        os.path.basename(path), len(turns), 100 * sum(turns) / len(turns), clean, len(chats)))
    print('  ' + ', '.join('%s %d/%d' % (k, sum(v), len(v)) for k, v in sorted(kinds.items())))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('hum')
    ap.add_argument('-m', default='')
    ap.add_argument('--rows', nargs=2, type=int)
    ap.add_argument('--show', default='/dev/null')
    a = ap.parse_args()
    judge, guide = Judge(Topics()), Guide(os.path.abspath(a.hum), a.m and os.path.abspath(a.m))
    show = open(a.show, 'w')
    for path in sorted(glob.glob(os.path.join(HERE, 'heldout*.tsv'))):
        held = [l.rstrip('\n').split('\t')[:2] for l in open(path, encoding='utf-8') if '\t' in l]
        questions(judge, guide, held, os.path.basename(path), show)
        print('  (%d of them are a single word, which the corpus may hold too)' %
              sum(len(norm(m).split()) < 2 for _, m in held))
    for path in sorted(glob.glob(os.path.join(HERE, 'dialogues*.txt'))):
        dialogues(judge, guide, path, show)
    if a.rows:
        c = Corpus(a.rows[1])
        drawn = [c.draw() for _ in range(a.rows[0])]
        questions(judge, guide, [('scope' if t in judge.t.scope else t, m) for t, m in drawn], 'from the corpus', show)
    print('names in %d answers that no topic has (tests/app/test_guide_topics.sh compares those with the program): %d %s' % (
        judge.answers, len(judge.invented), ' '.join(judge.invented)))


if __name__ == '__main__':
    main()
