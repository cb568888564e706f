#!/usr/bin/python3
"""Conversations of the guide, without end, from topics.yaml and the phrases.

  make_corpus.py text N OUT [SEED]   N messages and answers as plain text, for the vocabulary
  make_corpus.py stats               what there is, and samples to look at

As a module: Corpus(seed).conversation() gives (system prompt, style, endless turns); a turn is (message, answer, topic).
Everything is drawn from one random.Random(seed), so the same seed gives the same corpus.

A phrases file has sections `[topic]`, one message a line. `[a|b|]` is a choice, `{noun}` a word from words.txt.
`+ VERB PHRASE` is put into a frame such as "how do i ACT", `= NOUN PHRASE` into one such as "what is NP".
"""
import glob, os, random, re, sys
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
CHOICE = re.compile(r'\[([^\[\]]*)\]')
SLOT = re.compile(r'\{(\w+)\}')

DICTIONARY = '/usr/share/dict/words'     # Debian: wamerican
SCOPE_SHARE = 0.36          # of all messages are such as the guide declines
CAREFUL = 0.42              # the same for the very last part of the training: a wrong answer is worse than none
DICTIONARY_SHARE = 0.12     # of those are a word or two of the dictionary
PATTERN_SHARE = 0.25        # of a topic's messages come from its patterns (+ and =), where it has any
POPULAR = set('''hello addmodel getmodel model llama2 quit newchat sessions resume delete theme system temperature undo
    regen stop memory slow whichquant privacy context oneshot pipe export search copy keys help'''.split())
FOLLOW_UPS = 0.10, 0.22, 0.42, 0.47     # a written conversation; else on the last answer; needing the question before; thanks: each up to here
CHATTY = 0.16, 0.28, 0.52, 0.57         # the same for the last part of the training
UNDOABLE = (('again', 2), ('more', 3), ('undo', 5))     # how often each comes of those on the last answer
FINAL = (('again', 8), ('more', 11), ('undo', 1))       # where it was nothing to undo
STYLES = ('pirate', 'one', 'list', 'kind')


def norm(s):
    """What is left of a message when only its words count; for comparing with the held-out set."""
    return ' '.join(re.sub(r"[^a-z0-9 ]", '', s.lower()).split())


def sections(path):
    """{name: [line]} of a file with [section] heads; `#` begins a comment line."""
    out, cur = {}, None
    for line in open(path, encoding='utf-8'):
        line = line.strip()
        if not line or line.startswith('# '):
            continue
        m = re.fullmatch(r'\[([\w >-]+)\]', line)
        if m:
            cur = out.setdefault(m.group(1), [])
        else:
            cur.append(line)
    return out


def style(answer, kind):
    """An answer as a system prompt wants it."""
    if kind == 'one':
        m = re.match(r'(.*?[.!?:])(\s|$)', answer, re.S)
        first = m.group(1) if m else answer
        return first[:-1] + '.' if first.endswith(':') else first
    if kind == 'pirate':
        return 'Arr! ' + answer + ' That is it, matey.' if answer.endswith('`') or '\n' in answer \
            else 'Arr! ' + answer.rstrip('.!?') + ', matey.'
    if kind == 'kind':
        return 'With pleasure! ' + answer + ' I hope this helps!'
    if kind == 'list' and '\n' not in answer:
        return '\n'.join('- ' + x for x in re.split(r'(?<=[.!?]) +(?=[A-Z0-9`])', answer))
    return answer


def block(system, message):
    """A user's turn as Llama-2-Chat writes it, without BOS."""
    return '[INST] ' + ('<<SYS>>\n%s\n<</SYS>>\n\n' % system if system else '') + message.strip() + ' [/INST]'


class Topics:
    def __init__(self):
        rows = yaml.safe_load(open(os.path.join(HERE, 'topics.yaml'), encoding='utf-8'))
        self.rows = {r['topic']: r for r in rows}
        self.scope = [t for t, r in self.rows.items() if r['group'] == 'scope']

    def answer(self, topic):
        return self.rows[topic]['answer'].strip()

    def more(self, topic):
        return self.rows[topic].get('more', self.rows['nomore']['answer']).strip()

    def undo(self, topic):
        return self.rows[topic].get('undo', self.rows['noundo']['answer']).strip()


class Words:
    """Synonyms, and words that the guide has never seen."""
    SYL = '''ba be bi bo bra ca ce chi cor da den di do dra el en er fa fi flo fra ga gen gi gra ha hel in ja ka ki kra la le
        li lo ma men mi mo na ne no or pa per pi pla po qua ra re ri ro sa se shi so sta ta ten ti to tra u va ven vi wa wi
        xo ya zen zi'''.split()
    ENDS = 'n r s t x l ing er tion ism ment us a o ic ed ly y'.split()

    def __init__(self, rng):
        self.r = rng
        self.lists = sections(os.path.join(HERE, 'words.txt'))
        self.alt = {}
        for line in open(os.path.join(HERE, 'synonyms.txt'), encoding='utf-8'):
            line = line.strip()
            if not line or line.startswith('#'):
                continue
            if '->' in line:
                a, b = (x.strip() for x in line.split('->'))
                self.alt.setdefault(a, []).extend(x.strip() for x in b.split(','))
            else:
                group = [x.strip() for x in line.split(',')]
                for a in group:
                    self.alt.setdefault(a, []).extend(x for x in group if x != a)
        self.dictionary = [w for w in open(DICTIONARY, encoding='utf-8').read().split() if w.isalpha() and len(w) > 2]
        keys = sorted(self.alt, key=len, reverse=True)
        self.find = re.compile(r"(?<![\w/`'.-])(" + '|'.join(map(re.escape, keys)) + r")(?![\w/`'.-]*[\w`])", re.I)

    def invented(self):
        r = self.r
        return ''.join(r.choice(self.SYL) for _ in range(r.choice((1, 2, 2, 3)))) + r.choice(self.ENDS)

    def slot(self, m):
        r, kind = self.r, m.group(1)
        if kind == 'n':
            return str(r.choice((r.randrange(13), r.randrange(100), r.randrange(2000))))
        if kind in ('noun', 'person', 'place') and r.random() < 0.2:
            w = self.invented()
            return w if kind != 'person' else w.capitalize() + ' ' + self.invented().capitalize()
        return r.choice(self.lists[kind])

    def modifier(self):
        r, x = self.r, self.r.random()
        return self.invented() if x < 0.3 else r.choice(self.dictionary) if x < 0.6 else r.choice(self.lists['modifier'])

    def forget(self, known):
        """Leaves words in the dictionary that are none of the known ones, nor a slip of the finger from one: strangers."""
        slips = {w[:i] + w[i + 1:] for w in known for i in range(len(w))} | known
        self.dictionary = [w for w in self.dictionary
                           if slips.isdisjoint({w.lower()} | {w.lower()[:i] + w.lower()[i + 1:] for i in range(len(w))})]

    def replace(self, s, p):
        def one(m):
            if self.r.random() >= p:
                return m.group(0)
            w, alts = m.group(0), self.alt.get(m.group(0).lower())
            if not alts:
                return w
            x = self.r.choice(alts)
            return x[0].upper() + x[1:] if w[0].isupper() else x
        return self.find.sub(one, s)


class Surface:
    """What happens to a message between the head and the keyboard."""
    NEAR = dict(zip('abcdefghijklmnopqrstuvwxyz',
                    'qwsz vghn xdfv erfcxs wsdr rtgvcd tyhbvf yujnbg uojk uikmnh ijolm kop njk bhjm ipkl ol wa etfd awedxz ryfg '
                    'yihj cfgb qesa zsdc tugh asx'.split()))
    SHORT = [('what is', "what's"), ('do not', "don't"), ('does not', "doesn't"), ('cannot', "can't"), ('i am', "i'm"),
             ('it is', "it's"), ('i have', "i've"), ('will not', "won't"), ('where is', "where's"), ('i would', "i'd"),
             ('how is', "how's"), ('who is', "who's"), ('that is', "that's"), ('you are', "you're"), ('is not', "isn't"),
             ('did not', "didn't"), ('could not', "couldn't"), ('are not', "aren't"), ('there is', "there's"),
             ('i will', "i'll"), ('let us', "let's"), ('should not', "shouldn't"), ('was not', "wasn't")]
    SMALL = set('the a i my to do is of an can in me you it this that for'.split())
    STOP = SMALL | set('''how what where which who when why does did are be please could would should on with and so
        there any some your am was have has want need tell know'''.split())

    def __init__(self, rng, words, carriers):
        self.r, self.w, self.c = rng, words, carriers

    def typing_error(self, s):
        r = self.r
        for _ in range(1 if r.random() < 0.75 else 2):
            ok = [i for i in range(1, len(s) - 1) if s[i].isalpha() and s[i - 1].isalpha()]
            if len(ok) < 4:
                return s
            i, x = r.choice(ok), r.random()
            if x < 0.3:
                s = s[:i] + s[i + 1:]
            elif x < 0.55:
                s = s[:i] + s[i + 1] + s[i] + s[i + 2:]
            elif x < 0.75:
                s = s[:i] + s[i] + s[i:]
            else:
                s = s[:i] + r.choice(self.NEAR.get(s[i].lower(), 'e')) + s[i + 1:]
        return s

    def contractions(self, s):
        r = self.r
        for long, short in self.SHORT:
            if r.random() < 0.4 and re.search(r'\b%s\b' % long, s, re.I):
                s = re.sub(r'\b%s\b' % long, lambda m: short[0].upper() + short[1:] if m.group(0)[0].isupper() else short,
                           s, flags=re.I)
            elif r.random() < 0.15 and short in s.lower():
                s = re.sub(re.escape(short), lambda m: long[0].upper() + long[1:] if m.group(0)[0].isupper() else long,
                           s, flags=re.I)
        return s.replace("'", '') if r.random() < 0.1 else s

    def strange_words(self, s):
        """A word that nobody expects, where a noun may have one before it: no single unknown word may decide."""
        at = [m.end() for m in re.finditer(r'\b(the|a|an|my|this|that|any|some|another|your|our|his|her|all|old|new) ', s, re.I)]
        if not at:
            return s
        i = self.r.choice(at)
        return s[:i] + self.w.modifier() + ' ' + s[i:]

    def keywords(self, s):
        w = [x for x in re.sub(r'[?!.,;:]+( |$)', ' ', s).split() if x.lower() not in self.STOP]
        return ' '.join(w) if 2 <= len(w) <= 6 else s

    def carry(self, s, fact, talk, scope):
        """A carrier before or after ("hi, ..."), or another sentence."""
        r, c = self.r, self.c
        quiet = 0.25 if talk else 1.0
        if r.random() < 0.07 * quiet:
            s += (' ' if s[-1] in '.?!' else r.choice((' ', ', ', '. '))) + fact('after', scope)
        if r.random() < 0.10 * quiet:
            head = fact('before', scope)
            s = head + ' ' + (s[0].lower() + s[1:] if r.random() < 0.7 and not s.startswith('I') and head[-1] not in '.!?' else s)
        if r.random() < 0.13 * quiet:
            x = fact('fact', scope)
            if r.random() < 0.72:
                s = x + ' ' + s
            else:
                s = s + ('' if s[-1] in '.?!' else r.choice('.?')) + ' ' + x
        return s

    def finish(self, s):
        r = self.r
        if r.random() < 0.12:
            s = self.typing_error(s)
        if r.random() < 0.06:
            w = s.split(' ')
            if len(w) > 5:
                i = r.randrange(len(w))
                if w[i].lower() in self.SMALL:
                    w.pop(i)
                    s = ' '.join(w)
        asks = re.match(r"(how|what|which|who|when|where|why|is|are|can|does|do|may|should|will|did|could|am|would)\b", s, re.I)
        x = r.random()
        if x < 0.45:
            s = s[0].upper() + s[1:]
            s = re.sub(r"\bi\b(?![.\w])", 'I', s)
            if s[-1].isalnum() and r.random() < 0.6:
                s += r.choices(('?', '.', '!'), (9, 0.5, 0.1) if asks else (1, 4, 1))[0]
        elif x < 0.85:
            s = s.lower()
            if r.random() < 0.6:
                s = s.rstrip('?.!')
            elif s[-1].isalnum() and asks and r.random() < 0.5:
                s += '?'
        elif x < 0.93:
            s = re.sub(r"[?!.,;:]+(?= |$)", '', s).lower()
        elif x < 0.95:
            s = s.upper()
        elif x < 0.97:
            s = s.rstrip('?.!') + r.choice(('??', '...', ' ?', '!', ' please', ' thanks'))
        return s.strip() or 'hello'


class Corpus:
    def __init__(self, seed, chances=FOLLOW_UPS, scope_share=SCOPE_SHARE):
        self.r, self.chances, self.scope_share = random.Random(seed), chances, scope_share
        self.t = Topics()
        self.w = Words(self.r)
        self.forms = sections(os.path.join(HERE, 'forms.txt'))
        self.surf = Surface(self.r, self.w, self.forms)
        self.held = self.held_out()
        self.lines = {t: [] for t in self.t.rows}
        self.acts = {t: [] for t in self.t.rows}
        self.nouns = {t: [] for t in self.t.rows}
        for path in sorted(glob.glob(os.path.join(HERE, 'phrases', '*.txt'))):
            for topic, lines in sections(path).items():
                if topic not in self.lines:
                    raise SystemExit('%s: no such topic: %s' % (path, topic))
                for line in lines:
                    (self.acts if line.startswith('+ ') else self.nouns if line.startswith('= ') else self.lines)[topic].append(
                        line[2:] if line[:2] in ('+ ', '= ') else line)
        self.follow = {}
        follow_ups = sections(os.path.join(HERE, 'follow-ups.txt'))
        self.on_answer = {k: lines for k, lines in follow_ups.items() if '>' not in k}
        for name, lines in follow_ups.items():
            if '>' in name:
                before, topic = name.split('>')
                for b in before.split():
                    self.follow.setdefault(b, []).extend((x, topic.strip()) for x in lines)
        chats = open(os.path.join(HERE, 'conversations.txt'), encoding='utf-8').read().split('\n\n')
        self.chats = [[line.split('\t') for line in c.split('\n') if '\t' in line] for c in chats if '\t' in c]
        inside = [t for t in self.t.rows if t not in self.t.scope and (self.lines[t] or self.acts[t])]
        self.inside = inside
        weight = dict(talk=0.75, hum=1.0, llama=0.9)
        self.weights = [weight[self.t.rows[t]['group']] * (1.7 if t in POPULAR else 1.0) for t in inside]
        self.scope = [(t, x) for t in self.t.scope for x in self.lines[t]]
        asked = [x for t in inside for of in (self.lines, self.acts, self.nouns) for x in of[t]] + \
            [x for lines in follow_ups.values() for x in lines] + [x for c in self.chats for t, x in c if t != 'scope'] + list(self.w.alt)
        self.w.forget({w for x in asked for w in norm(re.sub(r'[][|{}]', ' ', x)).split()})

    @staticmethod
    def held_out():
        held = set()
        for name, least in (('heldout*.tsv', 2), ('dialogues*.txt', 3)):   # single words such as "hello" are everybody's
            for path in glob.glob(os.path.join(HERE, name)):
                lines = [norm(l.rstrip('\n').split('\t')[1]) for l in open(path, encoding='utf-8') if '\t' in l]
                held |= {l for l in lines if len(l.split()) >= least}
        return held

    def expand(self, s):
        while '[' in s or '{' in s:
            n = CHOICE.sub(lambda m: self.r.choice(m.group(1).split('|')) if '|' in m.group(1) else '\1' + m.group(1) + '\2', s)
            n = SLOT.sub(self.w.slot, n)
            if n == s:
                break
            s = n
        return ' '.join(s.replace('\1', '[').replace('\2', ']').split())

    def fact(self, kind, scope=False):
        """A carrier or a sentence; none that names the program around a message that has nothing to do with it."""
        while True:
            line = self.r.choice(self.forms[kind])
            if not (scope and re.search(r'\bhum\b|this (program|app)', line)):
                return self.expand(line)

    def core(self, topic):
        """A message of the topic, as it was written."""
        r = self.r
        patterns = len(self.acts[topic]) + len(self.nouns[topic])
        if patterns and (not self.lines[topic] or r.random() < PATTERN_SHARE):
            i = r.randrange(patterns)
            if i < len(self.acts[topic]):
                return self.expand(r.choice(self.forms['how']).replace('ACT', self.acts[topic][i]))
            return self.expand(r.choice(self.forms['what']).replace('NP', self.nouns[topic][i - len(self.acts[topic])]))
        return self.expand(r.choice(self.lines[topic]))

    def dress(self, s, topic):
        """The same message with other words, carriers, errors."""
        r = self.r
        talk = self.t.rows[topic]['group'] == 'talk'
        if r.random() < 0.55:
            s = self.w.replace(s, 0.25)
        if r.random() < 0.05 and len(s.split()) > 3:
            s = self.surf.strange_words(s)
        s = self.surf.contractions(s)
        if r.random() < 0.04 and not talk:
            s = self.surf.keywords(s)
        elif r.random() < 0.9:
            s = self.surf.carry(s, self.fact, talk, topic in self.t.scope)
        return self.surf.finish(s)

    def message(self, topic, line=None):
        while True:
            core = self.expand(line) if line else self.core(topic)
            msg = self.dress(core, topic)
            if norm(core) not in self.held and norm(msg) not in self.held:
                return msg
            if line:                # a line of the held-out set: never
                return None

    def strange(self):
        """Words that have nothing to do with anything here, as a message."""
        line = self.expand(self.r.choice(self.forms['strange']))
        m = self.surf.finish(re.sub('WORD', lambda _: self.r.choice(self.w.dictionary), line))
        return None if norm(m) in self.held else m

    def draw(self):
        """(topic, message)"""
        r = self.r
        while True:
            if r.random() < self.scope_share * DICTIONARY_SHARE:
                t, m = 'oos', self.strange()
            elif r.random() < self.scope_share:
                t, line = r.choice(self.scope)
                m = self.message(t, line)
            else:
                t = r.choices(self.inside, self.weights)[0]
                m = self.message(t)
            if m:
                return t, m

    def system(self):
        """(system prompt, style)"""
        r, x, f = self.r, self.r.random(), self.forms
        kind = None
        if x < 0.22:
            kind = r.choices(STYLES, (7, 7, 4, 4))[0]
            text = self.expand(r.choice(f['system-' + kind]))
            if r.random() < 0.2:
                p = self.expand(r.choice(f['system-plain']))
                text = r.choice((p + ' ' + text, text + ' ' + p, p + '\n' + text))
        elif x < 0.40:
            text = self.expand(r.choice(f['system-plain']))
        else:
            return '', None
        return text, kind

    def conversation(self):
        text, kind = self.system()
        return text, kind, self.turns(kind)

    def written(self, kind):
        """The turns of a written conversation; or of the rest of it, its first message in other words. Returns the last topic and answer."""
        r, c = self.r, self.r.choice(self.chats)
        first = r.randrange(len(c)) if r.random() < 0.5 else 0
        if c[first][0] not in self.inside:
            first = 0
        before, last = None, ''
        for i, (name, line) in enumerate(c[first:]):
            m = self.message(name) if first and i == 0 else self.surf.finish(self.w.replace(self.expand(line), 0.15))
            if norm(m) in self.held:
                break
            if name == 'again':
                name = before
            elif name == 'more' or (name == 'undo' and before):
                last = style(self.t.more(before) if name == 'more' else self.t.undo(before), kind)
            else:
                name = 'oos' if name == 'scope' else name
                last = style(self.t.answer(name), kind)
                before = before if before and name in ('thanks', 'ok') else name
            yield m, last, name
        return before, last

    def turns(self, kind):
        r, t = self.r, None
        written, on_answer, on_question, thanks = self.chances
        last = ''
        while True:
            if r.random() < written:
                t, last = yield from self.written(kind)
                continue
            x = r.random()
            if t and x < on_answer:                          # on what was just said
                names, often = zip(*(UNDOABLE if 'undo' in self.t.rows[t] else FINAL))
                name = r.choices(names, often)[0]
                own = '%s %s' % (name, t)
                m = self.surf.finish(self.expand(r.choice(
                    self.on_answer[own if own in self.on_answer and r.random() < 0.3 else name])))
                if norm(m) in self.held:
                    continue
                if name != 'again':
                    last = style(self.t.more(t) if name == 'more' else self.t.undo(t), kind)
                yield m, last, t if name == 'again' else name
                continue
            if t in self.follow and x < on_question:           # a question that needs the one before
                line, t2 = r.choice(self.follow[t])
                m = self.surf.finish(self.w.replace(self.expand(line), 0.15))
                if norm(m) in self.held:
                    continue
                t = t2
            elif t and x < thanks:
                t2 = r.choice(('thanks', 'thanks', 'ok', 'praise'))
                t, m = t2, self.message(t2)
            else:
                t, m = self.draw()
                if last and r.random() < 0.10 and self.t.rows[t]['group'] != 'talk':
                    m = r.choice(('and ', 'ok, ', 'And ', 'ok and ', 'so ', 'thanks, ', 'good. ', 'then ', 'fine, ')) + m
            last = style(self.t.answer(t), kind)
            yield m, last, t


def main():
    c = Corpus(int(sys.argv[4]) if len(sys.argv) > 4 else 7)
    if sys.argv[1] == 'stats':
        n = {t: len(c.lines[t]) + len(c.acts[t]) + len(c.nouns[t]) for t in c.t.rows}
        print('lines', sum(n.values()), 'fewest', sorted((v, k) for k, v in n.items())[:25])
        seen = {c.draw()[1] for _ in range(20000)}
        print('distinct of 20000:', len(seen))
        for _ in range(60):
            print('%-12s %s' % c.draw())
        for _ in range(3):
            s, kind, ts = c.conversation()
            print('---', s)
            for _, (m, a, t) in zip(range(8), ts):
                print('  %-10s > %s\n               %s' % (t, m, a))
        return
    with open(sys.argv[3], 'w', encoding='utf-8') as f:
        n = 0
        while n < int(sys.argv[2]):
            s, _, ts = c.conversation()
            for i, (m, a, _) in zip(range(4), ts):
                f.writelines(l + '\n' for l in (block(s if i == 0 else '', m) + ' ' + a).split('\n') if l.strip())
                n += 1
        f.write('\n'.join(chr(c) for c in range(33, 127)) + '\n')


if __name__ == '__main__':
    main()
