"""Some 2,000 faults, each judged: status, one line, no file outside changed, nothing old lost, no number changed.

    python benchmarks/torture.py                                all of it; exit 1 if a fault got through
    python benchmarks/torture.py --share .05 --seed 3           another twentieth
    python benchmarks/torture.py --only tables --just 17        one fault again

Parts: media (damaged recordings in each container that PyAV can write), tables (fuzzed label.csv, corpus.json,
extraction.csv, lists to predict, transcripts), folders (links, pipes, encoders and run folders from elsewhere), kills
(signals at random moments), disk (full from the n-th write on, or for files above a size). A fault is a
command in a forked child, in a temporary folder whose files are compared before and after; a sample of the
kills starts the command itself. Linux and macOS.
"""
import argparse, hashlib, io, json, os, pickle, random, re, resource, selectors, shutil, signal, socket, sys, tempfile, time, traceback
from contextlib import contextmanager
from pathlib import Path
os.environ |= dict(HF_HUB_OFFLINE='1', TOKENIZERS_PARALLELISM='false', OMP_NUM_THREADS='1', MPLBACKEND='agg')

import av, numpy as np, pandas as pd, soundfile as sf, torch
import matplotlib.font_manager
import mmml.cli, mmml.inference.jobs, mmml.inference.recordings, mmml.models.processor, mmml.runs.run, mmml.runs.report # for the children
from mmml.data.audio import decode
from mmml.data.corpus import open_corpus
from mmml.data.spec import SAMPLE
from mmml.models.mmml import from_encoders, save_model
torch.set_num_threads(1)

TINY, LOST = SAMPLE.parent/'tiny', ('runs', 'corpus/wav', 'corpus/features', 'corpus/split.csv', 'tmp')
VERBS = dict(run='train', audio='train-audio', extract='extract', report='report', predict='predict')
PROGRAM = "import sys; sys.argv[0] = 'mmml'; from mmml.cli import main; main()" # as its script does

# ---------------------------------------------------------------- a command in a child, and what it did

class Outcome:
    "`rc`: status, -n: died by signal n, 'hang'; `out`, `err`: text; `data`: what the child returned."
    def __init__(self, rc, out, err, data): self.rc, self.out, self.err, self.data = rc, out, err, data

def in_child(f, timeout=120, kill=None):
    "Run f() in a forked child. `kill`: (seconds, signal), and when it comes again."
    pipes = [os.pipe() for _ in range(3)]
    pid = os.fork()
    if not pid:
        os.setsid()
        for i, (_, w) in enumerate(pipes[:2]): os.dup2(w, i + 1)
        sys.stdout, sys.stderr = [open(i, 'w', closefd=False, encoding='utf-8', errors='surrogateescape') for i in (1, 2)]
        for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, mmml.cli.end_at_once) # as the commands do
        sys.argv, rc, data = ['mmml_torture'], 0, None
        try: data = f()
        except SystemExit as e: rc = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
        except BaseException: traceback.print_exc(); rc = 1
        sys.stdout.flush(); sys.stderr.flush()
        if data is not None: os.write(pipes[2][1], json.dumps(data).encode())
        os._exit(rc)
    for _, w in pipes: os.close(w)
    found, start, select, status = [b'', b'', b''], time.monotonic(), selectors.DefaultSelector(), None
    for i, (r, _) in enumerate(pipes): select.register(r, selectors.EVENT_READ, i)
    while select.get_map():
        now = time.monotonic() - start
        if kill and now >= kill[0]: os.kill(pid, kill[1]); kill = (kill[2], kill[1]) if len(kill) > 2 else None
        if now > timeout: os.killpg(pid, signal.SIGKILL); status = 'hang'; break
        for key, _ in select.select(max(.001, min(.2, kill[0] - now if kill else .2))):
            block = os.read(key.fd, 2**16)
            if block: found[key.data] += block
            else: select.unregister(key.fd)
    for r, _ in pipes: os.close(r)
    rc = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    out, err = [x.decode('utf-8', 'replace') for x in found[:2]]
    return Outcome(status or rc, out, err, json.loads(found[2]) if found[2] else None)

def command(name, *args, after=None, before=None, cwd=None, spawn=False, **kwargs):
    "A command in a child, or started as a program if `spawn`. `before`, `after`: functions called in it, the second only if it succeeds."
    def f():
        if cwd: os.chdir(cwd)
        if before: before()
        if spawn: # Python, its imports and all
            command = [sys.executable, '-c', PROGRAM, VERBS[name], *map(str, args)]
            os.execve(sys.executable, command, os.environ | dict(TMPDIR=tempfile.gettempdir()))
        mmml.cli.main([VERBS[name], *map(str, args)])
        return after() if after else None
    return in_child(f, **kwargs)

def judge(o, allowed=(0, 2)):
    "Complaints about how a command ended."
    bad = []
    if o.rc not in allowed: bad.append(f'status {o.rc}')
    if 'Traceback (most' in o.err + o.out: bad.append('traceback')
    lines = o.err.strip().splitlines()
    if o.rc == 2 and sum(': error: ' in l for l in lines) != 1: bad.append(f'{len(lines)} lines for an error')
    if any(not l.startswith(('mmml ', 'mmml_')) for l in lines): bad.append('a line that is not of the package')
    if mmml.cli.CONTROL.search(o.err + o.out.replace('\r', '')): bad.append('control characters on the terminal')
    return [f"{', '.join(bad)}: {o.err.strip()[-300:]!r}"] if bad else []

def contents(root, skip=()):
    "{path: content} of all that is below a folder, links not followed."
    found = {}
    for at, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(at, name); rel = os.path.relpath(path, root)
            if any(rel == s or rel.startswith(s + os.sep) for s in skip): continue
            if os.path.islink(path): found[rel] = 'link to ' + os.readlink(path)
            elif os.path.isfile(path):
                with open(path, 'rb') as f: found[rel] = hashlib.blake2b(f.read()).hexdigest()
            else: found[rel] = 'folder or other'
    return found

def differences(before, after):
    "Complaints about files that are gone, new, or other than before."
    return [f'{what} outside: {sorted(x)[:3]}' for what, x in (('lost', before.keys() - after.keys()),
        ('made', after.keys() - before.keys()), ('changed', {k for k in before.keys() & after.keys() if before[k] != after[k]})) if x]

class Box:
    "A folder for a fault: corpus/ (a copy), runs/ (with an old run), outside/ (files of others), tmp/."
    def __init__(self, base, template=None):
        self.root = Path(tempfile.mkdtemp(dir=base))
        for name in ('runs/old', 'outside', 'tmp'): (self.root/name).mkdir(parents=True)
        for name in ('runs/old/results.json', 'outside/1.wav', 'outside/notes.txt'): (self.root/name).write_text('precious')
        self.corpus, self.runs, self.outside = self.root/'corpus', self.root/'runs', self.root/'outside'
        if template: shutil.copytree(template, self.corpus, symlinks=True)
    def watch(self, lost=LOST):
        self.lost = lost; self.before = contents(self.root, lost); self.old = contents(self.runs/'old')
    def changed(self):
        left = [str(p.relative_to(self.root)) for p in (self.root/'tmp').rglob('*')]
        return (differences(self.before, contents(self.root, self.lost)) + differences(self.old, contents(self.runs/'old'))
            + ([f'left in the temporary folder: {left[:3]}'] if left else []))
    def close(self): shutil.rmtree(self.root, ignore_errors=True)

@contextmanager
def box_of(base, template=None):
    box = Box(base, template)
    old, tempfile.tempdir = tempfile.tempdir, str(box.root/'tmp')
    try: yield box
    finally: tempfile.tempdir = old; box.close()

def make_corpus(folder, n, media='.mp4'):
    "A corpus of n clips of the sample, half of them to train on, and some texts that aren't ASCII."
    t = pd.read_csv(SAMPLE/'label.csv', dtype=str, keep_default_na=False)
    t = pd.concat([t[t['mode'] == m].head(k) for m, k in (('train', n//2), ('valid', n//4), ('test', n - n//2 - n//4))], ignore_index=True)
    t.loc[::5, 'text'] += ' Très déçu, mais ça va.'
    for v, c in zip(t.video_id, t.clip_id):
        (folder/'raw'/v).mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE/'raw'/v/f'{c}.mp4', folder/'raw'/v/f'{c}.mp4')
    t.to_csv(folder/'label.csv', index=False)
    (folder/'corpus.json').write_text(json.dumps(dict(preset='tiny', own_labels=True)))
    return t

def listed(corpus):
    "{(video, clip): row} of extraction.csv, as text."
    t = pd.read_csv(corpus/'wav'/'extraction.csv', dtype=str, keep_default_na=False)
    return {(r['video_id'], r['clip_id']): r for r in t.to_dict('records')}

# ---------------------------------------------------------------- damage to bytes, of any file

def flip(rng, data, lo=0, hi=None):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if data: data[rng.randrange(lo, max(lo + 1, min(hi or len(data), len(data))))] ^= 1 << rng.randrange(8)
    return bytes(data)

def truncate(rng, data): return data[:rng.randrange(len(data) + 1)]
def zeros(rng, data): a, n = rng.randrange(len(data) + 1), rng.randrange(1, 4097); return data[:a] + bytes(min(n, len(data) - a)) + data[a + n:]
def noise(rng, data): a, n = rng.randrange(len(data) + 1), rng.randrange(1, 4097); return data[:a] + rng.randbytes(min(n, len(data) - a)) + data[a + n:]
def remove(rng, data): a = rng.randrange(len(data) + 1); return data[:a] + data[a + rng.randrange(1, 4097):]
def insert(rng, data): a = rng.randrange(len(data) + 1); return data[:a] + rng.randbytes(rng.randrange(1, 4097)) + data[a:]
def header(rng, data): return flip(rng, data, 0, 256)
def garbage(rng, data): return rng.randbytes(rng.choice((1, 10, 1000, 20000)))
def empty(rng, data): return b''
def html(rng, data): return b'<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>'
def pointer(rng, data): return b'version https://git-lfs.github.com/spec/v1\noid sha256:' + b'0'*64 + b'\nsize 12345\n'
def tail(rng, data): return data + rng.randbytes(rng.randrange(1, 4097))
BYTES = (flip, flip, flip, truncate, truncate, truncate, zeros, noise, remove, insert, header, header, garbage, empty, html, pointer, tail)

# ---------------------------------------------------------------- media

FORMATS = [x.split(':') for x in """wav:pcm_s16le wav:pcm_f32le flac:flac mp3:libmp3lame ogg:libopus opus:libopus m4a:aac mp4:aac
    mkv:aac mkv:pcm_s16le mka:libopus webm:libopus avi:pcm_s16le avi:libmp3lame mov:pcm_s16be aiff:pcm_s16be au:pcm_s16be
    caf:pcm_s16le ac3:ac3 eac3:eac3 aac:aac ts:mp2 ts:aac mp2:mp2 wv:wavpack tta:tta flv:aac nut:pcm_s16le w64:pcm_s16le
    3gp:aac rm:ac3""".split()]

def write_media(path, codec, wave):
    "Write (n,) float32 of 16 kHz in the container of a suffix. Raises `av.error.FFmpegError`, `ValueError`."
    with av.open(str(path), 'w') as out:
        stream = out.add_stream(codec, rate=48000); stream.layout = 'mono'
        frame = av.AudioFrame.from_ndarray((wave[None]*32767).astype(np.int16), 's16', 'mono'); frame.sample_rate = 16000
        resample = av.AudioResampler(stream.format, 'mono', 48000)
        for f in (*resample.resample(frame), *resample.resample(None)): f.pts = None; out.mux(stream.encode(f))
        out.mux(stream.encode(None))

def media_files(folder, t):
    "[(suffix, codec, bytes)]: the clips of a table in each container, and the sample's own mp4."
    made = []
    for i, (suffix, codec) in enumerate(FORMATS):
        v, c = t.video_id[i % len(t)], t.clip_id[i % len(t)]
        path = folder/f'x.{suffix}'
        try: write_media(path, codec, decode(SAMPLE/'raw'/v/f'{c}.mp4')); made.append((suffix, codec, path.read_bytes()))
        except (av.error.FFmpegError, ValueError, OSError): pass # this build of FFmpeg lacks it
        path.unlink(missing_ok=True)
    return made + [('mp4', 'video', (SAMPLE/'raw'/t.video_id[i]/f'{t.clip_id[i]}.mp4').read_bytes()) for i in range(3)]

def media(base, n, seed, just):
    """Damaged clips next to whole ones, 24 in a corpus. Whole ones keep their sound; of a damaged one that
    has lost audio the list says so."""
    with box_of(base) as box:
        t = make_corpus(box.root/'t', 36); files = media_files(box.root, t)
        whole = box.root/'w'; shutil.copytree(box.root/'t', whole)
        shutil.rmtree(whole/'raw'); place = {}
        for i, (suffix, _, data) in enumerate(files): # each container undamaged: what must come out
            at = whole/'raw'/t.video_id[i]/f'{t.clip_id[i]}.{suffix}'; at.parent.mkdir(parents=True, exist_ok=True); at.write_bytes(data)
            place[i] = t.video_id[i], t.clip_id[i]
        o = command('extract', '--dataset', whole); rows = listed(whole)
        yield 'containers', judge(o, (0,)) + [f'{files[i][:2]} undamaged: {rows[p]["reason"]}' for i, p in place.items() if rows[p]['reason']]
        truth = {i: rows[p] for i, p in place.items()}
    print(f'media: {len(files)} kinds: ' + ', '.join(sorted({f'{s} ({c})' for s, c, _ in files})), flush=True)
    for k in range(0, n, 24):
        if just is not None and not k <= just < k + 24: continue
        yield from media_corpus(base, range(k, min(n, k + 24)), seed, files, truth)

def media_corpus(base, numbers, seed, files, truth):
    with box_of(base) as box:
        t = make_corpus(box.corpus, 36); jobs = {}
        for at, i in zip(sorted(range(36), key=lambda r: r % 3 == 0)[:len(numbers)], numbers): # each third stays whole
            rng = random.Random(f'{seed} media {i}')
            kind = rng.randrange(len(files)); suffix, codec, data = files[kind]
            how = rng.choice((*BYTES, 'swapped')); name = getattr(how, '__name__', how)
            if how == 'swapped': suffix, damaged = rng.choice([f[0] for f in files]), data
            else: damaged = how(rng, data)
            v, c = t.video_id[at], t.clip_id[at]
            (box.corpus/'raw'/v/f'{c}.mp4').unlink(); (box.corpus/'raw'/v/f'{c}.{suffix}').write_bytes(damaged)
            jobs[i] = (v, c), kind, f'{name} {codec} as {suffix}', 1 - len(damaged)/len(data)
        kept = {(v, c) for v, c in zip(t.video_id, t.clip_id)} - {j[0] for j in jobs.values()}
        box.watch(); o = command('extract', '--dataset', box.corpus, timeout=300)
        shared = judge(o) + box.changed()
        rows = listed(box.corpus) if (box.corpus/'wav'/'extraction.csv').exists() else {}
        if len(rows) != 36: shared.append(f'{len(rows)} of 36 clips are in extraction.csv')
        for v, c in kept if rows else ():
            r, sound = rows[v, c], hashlib.blake2b((decode_16(SAMPLE/'raw'/v/f'{c}.mp4')), digest_size=8).hexdigest()
            if r['sound'] != sound or r['reason']: shared.append(f'{v}/{c} is whole and has another sound or a remark')
        for i, (at, kind, what, lost) in jobs.items():
            r, bad = rows.get(at, dict(reason='?', samples='0', sound='', bytes='0')), []
            seconds, full = int(r['samples'])/16000, int(truth[kind]['samples'])/16000
            if not seconds and not r['reason']: bad.append('no audio and no reason')
            known = not what.endswith(' as nut') # it has neither a size nor an end
            if known and full - seconds > .25 and not r['reason']: bad.append(f'{seconds:.2f} of {full:.2f} s, and no remark')
            if 'swapped' in what and r['sound'] != truth[kind]['sound'] and not r['reason']: bad.append('other sound')
            if seconds and int(r['bytes']) != 44 + 2*int(r['samples']): bad.append('bytes and samples differ')
            yield f'{i}: {what}', bad + (shared if i == numbers[0] else [])

_decoded = {}
def decode_16(path): # the 16-bit samples that are written for a file
    if path not in _decoded:
        with tempfile.TemporaryDirectory() as d:
            sf.write(f'{d}/x.wav', decode(path), 16000, 'PCM_16')
            _decoded[path] = sf.read(f'{d}/x.wav', dtype='int16')[0].tobytes()
    return _decoded[path]

# ---------------------------------------------------------------- tables

ODD = ['"', '""', "'", '\0', '\x1b[2J', '\x9b31m', '\r', '\n', '\t', ';', ',', '\ufeff', '\u202e', '🙂', '=1+1', '@x', '\\', '%s', '{}',
    'nan', 'inf', '1e400', '1,5', '٣', '−1.2', '0x10', '', ' ', '99', 'None', '-', '../../outside/1', '/etc/passwd', 'CON', '.', '..', 'a/b',
    'x'*300, 'y'*200_000]

def odd_cell(rng, lines): # a cell with another value
    i = rng.randrange(len(lines)); cells = lines[i].split(','); cells[rng.randrange(len(cells))] = rng.choice(ODD); lines[i] = ','.join(cells)
def odd_place(rng, lines): # something odd inside of a line
    i = rng.randrange(len(lines)); a = rng.randrange(len(lines[i]) + 1); lines[i] = lines[i][:a] + rng.choice(ODD) + lines[i][a:]
def cut_line(rng, lines): i = rng.randrange(len(lines)); lines[i] = lines[i][:rng.randrange(len(lines[i]) + 1)]
def twice(rng, lines): lines.insert(rng.randrange(len(lines)) + 1, rng.choice(lines))
def swapped_cells(rng, lines):
    i = rng.randrange(len(lines)); cells = lines[i].split(','); a, b = rng.choices(range(len(cells)), k=2)
    cells[a], cells[b] = cells[b], cells[a]; lines[i] = ','.join(cells)
def one_cell_less(rng, lines): i = rng.randrange(len(lines)); cells = lines[i].split(','); del cells[rng.randrange(len(cells))]; lines[i] = ','.join(cells)
def no_lines(rng, lines): del lines[1 + rng.randrange(3):]
LINES = (odd_cell, odd_cell, odd_cell, odd_place, odd_place, odd_place, cut_line, twice, swapped_cells, one_cell_less, no_lines)

def other_form(rng, text): # the same table in another form, as bytes
    form, t = rng.randrange(10), pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    if form == 0: return text.encode('utf-16')
    if form == 1: return b'\xef\xbb\xbf' + text.encode()
    if form == 2: return text.replace('\n', '\r\n').encode()
    if form == 3: return t.to_csv(index=False, sep=rng.choice(';\t|')).encode()
    if form == 4: return t.to_csv(index=False, quoting=1).encode()
    if form == 5: return t.rename(columns=lambda c: f' {c.upper()} ').to_csv(index=False).encode()
    if form == 6: return text.encode('cp1252')
    if form == 7: return t.sample(frac=1, random_state=rng.randrange(999)).to_csv(index=False).encode()
    if form == 8: return t[rng.sample(list(t), len(t.columns))].to_csv(index=False).encode()
    return (text + '\n\n').encode('utf-16-le')

KEYS = 'label_range metrics language own_labels preset columns labels context skip name text lower x'.split()
VALUES = [None, True, 0, -1, 1e308, 'tiny', '', 'x'*1000, [], [3, -3], [0], ['a', 'b'], [1e308, -1e308], {}, {'a': {'b': {}}}, {'text': 'label'},
    {'text': '\x1b[2J'}, 'en', 'zh', 'mosi', '../..', 'roberta-base']
def odd_json(rng, data):
    x = json.loads(data); x[rng.choice(KEYS)] = rng.choice(VALUES)
    return rng.choice([json.dumps(x), json.dumps([x]), '['*5000 + ']'*5000, 'NaN', json.dumps(x)[:-1], json.dumps(x)*2, '{"preset": "tiny", "preset": 3}']).encode()

def rows_of(corpus): # what the package reads: {id: [text, labels, split]}
    c = open_corpus(str(corpus), log=lambda *_: None)
    return [[r.video_id, str(r.clip_id), r.text, *(f'{x:.6g}' for x in (r.label, r.label_T, r.label_A)), r['mode']] for _, r in c.listed.iterrows()]

def tables(base, n, seed, just):
    """Fuzzed tables. A line of label.csv that is whole gives the same text, labels and split as in the whole
    table, or the table is refused; the same table in another form gives the same; wav files stay."""
    with box_of(base) as box:
        make_corpus(box.corpus, 12); o = command('extract', '--dataset', box.corpus)
        truth, known, start = rows_of(box.corpus), listed(box.corpus), contents(box.corpus/'wav', ('extraction.csv',))
        torch.manual_seed(0); model = box.root/'model'; save_model(model, *from_encoders(TINY/'text', TINY/'audio', max_seconds=2.))
        template = box.root/'template'; shutil.copytree(box.corpus, template)
        yield 'whole', judge(o, (0,))
        for i in range(n) if just is None else [just]:
            rng = random.Random(f'{seed} tables {i}')
            kind = ('label', 'label', 'label', 'label', 'form', 'corpus', 'extraction', 'extraction', 'list', 'transcript')[i % 10]
            with box_of(base, template) as b:
                try: yield f'{i}: {kind}', dict(label=fuzz_label, form=fuzz_form, corpus=fuzz_spec, extraction=fuzz_list, list=fuzz_predict,
                    transcript=fuzz_transcript)[kind](rng, b, truth, known, start, model)
                except Exception: yield f'{i}: {kind}', [traceback.format_exc()]

def damaged_lines(rng, data):
    "Bytes of a damaged table, and whether its first line is whole."
    if rng.random() < .3: return rng.choice(BYTES)(rng, data)
    lines = data.decode().split('\n')
    for _ in range(rng.choice((1, 1, 2))): rng.choice(LINES)(rng, lines)
    return '\n'.join(lines).encode('utf-8', 'surrogateescape')

def extracted(b, start, after=None):
    b.watch(); o = command('extract', '--dataset', b.corpus, after=after)
    bad = judge(o) + b.changed()
    now = contents(b.corpus/'wav', ('extraction.csv',))
    lost = [k for k in start if now.get(k) != start[k]]
    return o, bad + ([f'wav files changed: {lost[:3]}'] if lost else [])

def fuzz_label(rng, b, truth, known, start, model):
    path = b.corpus/'label.csv'; data = path.read_bytes(); damaged = damaged_lines(rng, data); path.write_bytes(damaged)
    o, bad = extracted(b, start, lambda: rows_of(b.corpus))
    whole, lines = data.split(b'\n'), {l.rstrip(b'\r') for l in damaged.split(b'\n')}
    if o.rc == 0 and whole[0] in lines and damaged.startswith(whole[0]):
        got = {tuple(r[:2]): r for r in o.data}
        of = {tuple(r[:2]): r for r in truth}
        for line in whole[1:-1]:
            r = of[tuple(line.decode().split(',')[:2])]
            if line in lines and got.get(tuple(r[:2])) != r: bad.append(f'a whole line {r[:2]} became {got.get(tuple(r[:2]))}'); break
    elif o.rc == 0: # the header is damaged: the values that are read must be those of the table
        known_rows = {tuple(r[:2]): r for r in truth}
        for r in o.data:
            k = known_rows.get(tuple(r[:2]))
            if k and r[3] != k[3]: bad.append(f'with a damaged header {r[:2]} has the label {r[3]} instead of {k[3]}'); break
    return bad

def fuzz_form(rng, b, truth, known, start, model):
    path = b.corpus/'label.csv'; path.write_bytes(other_form(rng, path.read_text()))
    o, bad = extracted(b, start, lambda: rows_of(b.corpus))
    if o.rc == 0 and sorted(o.data) != sorted(truth): bad.append('the same table in another form reads differently')
    return bad

def fuzz_spec(rng, b, truth, known, start, model):
    path = b.corpus/'corpus.json'; data = path.read_bytes()
    path.write_bytes(odd_json(rng, data) if rng.random() < .7 else rng.choice(BYTES)(rng, data))
    return extracted(b, start)[1]

def fuzz_list(rng, b, truth, known, start, model):
    path = b.corpus/'wav'/'extraction.csv'; data = path.read_bytes(); path.write_bytes(damaged_lines(rng, data))
    o, bad = extracted(b, start)
    if o.rc: bad.append(f'a damaged list stops the extraction: {o.err[:200]}')
    now = listed(b.corpus)
    wrong = [k for k, r in known.items() if any(now.get(k, {}).get(c) != r[c] for c in ('samples', 'sound'))]
    return bad + ([f'extraction.csv has other sound for {wrong[:2]}'] if wrong else [])

def predicted(b, *args):
    b.watch(LOST + ('out.csv', 'out.timeline.png')); o = command('predict', '--model', *args, '--output', b.root/'out.csv')
    left = [p.name for p in b.root.glob('out.csv.*') if o.rc == 0]
    return o, judge(o, (0, 1, 2)) + b.changed() + [f'left: {left}']*bool(left)

def fuzz_predict(rng, b, truth, known, start, model):
    at = b.corpus/'raw'/truth[0][0]
    data = 'file,text,conversation\n' + ''.join(f'{f.name},A text of {k}.,a\n' for k, f in enumerate(sorted(at.iterdir())))
    (b.corpus/'raw'/truth[0][0]/'list.csv').write_bytes(damaged_lines(rng, data.encode()))
    return predicted(b, model, at/'list.csv')[1]

def fuzz_transcript(rng, b, truth, known, start, model):
    forms = {'.srt': '1\n00:00:00,000 --> 00:00:01,000\nA fine day.\n\n2\n00:00:01,000 --> 00:00:02,000\nA bad day.\n',
        '.vtt': 'WEBVTT\n\n00:00.000 --> 00:01.000\nA fine day.\n', '.json': json.dumps(dict(segments=[dict(start=0, end=1, text='A fine day.')])),
        '.TextGrid': 'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 1\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n'
        '        class = "IntervalTier"\n        name = "w"\n        xmin = 0\n        xmax = 1\n        intervals: size = 1\n        intervals [1]:\n'
        '            xmin = 0\n            xmax = 1\n            text = "A fine day."\n'}
    suffix = rng.choice(list(forms)); path = b.corpus/f't{suffix}'
    path.write_bytes(damaged_lines(rng, forms[suffix].encode()))
    clip = next((b.corpus/'raw').rglob('*.mp4'))
    return predicted(b, model, clip, '--transcript', path)[1]

# ---------------------------------------------------------------- folders

T_RUN = ('--loss', 'T', '--epochs', '2', '--save_every', '0')
def train(b, *flags, name='run', **kwargs): return command(name, '--dataset', b.corpus, *(() if name == 'audio' else T_RUN), '--output_dir', b.runs, *flags, **kwargs)

def bad_entry(rng, path, b):
    "Put something that isn't a file at a path."
    kind = rng.choice('loop dangling up pipe socket folder zero stdin outside'.split())
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink(): shutil.rmtree(path)
    else: path.unlink(missing_ok=True)
    if kind == 'pipe': os.mkfifo(path)
    elif kind == 'socket':
        here = os.getcwd(); os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as s: s.bind(path.name)
        os.chdir(here)
    elif kind == 'folder': path.mkdir()
    else: path.symlink_to(dict(loop=path.name, dangling='nowhere/x', up='..', zero='/dev/zero', stdin='/dev/stdin', outside=b.outside/'1.wav')[kind])
    return kind

def raw_entries(rng, b, facts):
    "Links, pipes and sockets among the recordings, in place of one or as one more."
    v = sorted(p.name for p in (b.corpus/'raw').iterdir())[0]; victim = None
    shutil.rmtree(b.corpus/'wav')
    if rng.random() < .5: victim = sorted((b.corpus/'raw'/v).iterdir())[0]
    kind = bad_entry(rng, victim or b.corpus/'raw'/v/rng.choice(('99.mp4', 'x\x1b[2J.mp4', 'n\n.wav', 'ü'*100, 'more')), b)
    b.watch(); o = command('extract', '--dataset', b.corpus); bad = judge(o) + b.changed()
    if o.rc == 0:
        now = listed(b.corpus)
        wrong = [k for k, r in facts['listed'].items() if now[k]['sound'] != r['sound'] and not (victim and k == (v, victim.stem))]
        bad += [f'other sound: {wrong}']*bool(wrong)
    else: bad.append(f'one bad entry stops the extraction: {o.err}')
    return f'raw, {kind}', bad

def corpus_entries(rng, b, facts):
    "The files of a corpus as links, pipes, folders."
    name = rng.choice(('label.csv', 'corpus.json', 'wav/extraction.csv', 'wav', 'raw', 'split.csv', 'wav/' + facts['table'].video_id[0]))
    kind = bad_entry(rng, b.corpus/name, b)
    b.watch(); o = command('extract', '--dataset', b.corpus)
    return f'{name} is {kind}', judge(o) + b.changed()

def linked_folders(rng, b, facts):
    "Folders that the package writes to are links to somebody else's."
    run = b.runs/facts['run']
    name = rng.choice(('corpus/wav', 'corpus/wav/' + facts['table'].video_id[0], 'corpus/features', 'corpus/features/LogMelExtractor', f'runs/{run.name}',
        f'runs/{run.name}/model', f'runs/{run.name}/checkpoints', f'runs/{run.name}/checkpoints/last', f'runs/{run.name}/checkpoints/best_loss'))
    at = b.root/name; shutil.rmtree(at, ignore_errors=True); at.parent.mkdir(parents=True, exist_ok=True); at.symlink_to(b.outside)
    b.watch(); o = train(b, name='audio', ) if 'features' in name else train(b, '--resume') if rng.random() < .5 else train(b)
    return f'{name} is a link', judge(o) + b.changed()

def run_entries(rng, b, facts):
    "The files of a run folder as links, pipes, folders, or in the way."
    name = rng.choice(('', 'config.json', 'history.csv', 'predictions.csv', 'results.json', 'curves.png', 'model', 'checkpoints', '.lock',
        'checkpoints/last', 'checkpoints/last/state.safetensors', 'checkpoints/best_loss/model.safetensors'))
    run = b.runs/facts['run']; stage = rng.choice(('new', 'stopped', 'finished'))
    if stage != 'new': shutil.copytree(facts[stage], run)
    kind = bad_entry(rng, run/name if name else run, b)
    b.watch(); what = rng.choice(('resume', 'new', 'report'))
    o = command('report', run) if what == 'report' else train(b, *['--resume']*(what == 'resume'))
    return f'{what} of a {stage} run, {name or "itself"} is {kind}', judge(o) + b.changed()

def flipped_run(rng, b, facts):
    "A run folder with damaged bytes: refused, or the same numbers."
    stage = rng.choice(('stopped', 'finished')); run = b.runs/facts['run']; shutil.copytree(facts[stage], run)
    files = sorted(p for p in run.rglob('*') if p.is_file() and p.name not in ('.lock', 'curves.png', 'README.md'))
    path = rng.choice(files); how = rng.choice((flip, flip, flip, truncate, zeros, empty, html)); data = path.read_bytes()
    path.write_bytes(how(rng, data)); rel = path.relative_to(run)
    b.watch()
    if stage == 'stopped': o = train(b, '--resume'); what = 'resume'
    elif rel.parts[0] == 'model' : o = command('predict', '--model', run, '--text', 'A fine day.', next((b.corpus/'raw').rglob('*.mp4'))); what = 'predict'
    else: o = command('report', run); what = 'report'
    bad = judge(o, (0, 1, 2) if what == 'predict' else (0, 2))
    if what == 'resume' and o.rc == 0: bad += same_run(run, facts['truth'])
    if what == 'report' and o.rc == 0 and path.name == 'predictions.csv' and o.out != facts['report'] and 'skipped' not in o.err: bad.append('another table')
    if what == 'predict' and o.rc == 0 and o.out != facts['prediction'] and path.suffix == '.safetensors' and path.read_bytes() != data: bad.append('another prediction')
    return f'{what}, {how.__name__} in {rel}', bad + b.changed()

class Pwn: # code in a pickle
    def __init__(self, path): self.path = path
    def __reduce__(self): return os.system, (f'touch {self.path}/PWNED',)

HUGE = [('num_hidden_layers', 10**6), ('hidden_size', 10**7), ('vocab_size', 10**9), ('num_attention_heads', 0), ('hidden_size', -1), ('hidden_size', '64'),
    ('intermediate_size', 10**10), ('max_position_embeddings', 1), ('hidden_act', 'os.system'), ('model_type', 'evil'), ('model_type', 'gpt2'), ('model_type', ['x']),
    ('architectures', None), ('layer_norm_eps', 'nan'), ('torch_dtype', 'float8'), ('dtype', 'complex64'), ('quantization_config', {'quant_method': 'evil'}),
    ('conv_dim', []), ('conv_stride', [0]*7), ('conv_kernel', [10**9]*7), ('pad_token_id', 10**6), ('attn_implementation', 'evil/kernel'),
    ('auto_map', {'AutoConfig': 'evil.C', 'AutoModel': 'evil.M'}), ('sentence_pooling', 'evil')]

def encoders(rng, b, facts):
    "Encoder folders from elsewhere: own code, pickles, damaged or foreign files. Never run, always a line."
    which = rng.choice(('text', 'audio')); enc = b.root/'encoder'; shutil.copytree(TINY/which, enc)
    (enc/'evil.py').write_text(f"import os; os.system('touch {b.outside}/PWNED')\nfrom transformers import RobertaConfig as C, RobertaModel as M\n")
    what = rng.choice(('config', 'config', 'config', 'config', 'pickle', 'index', 'damaged', 'damaged', 'damaged', 'entry', 'nan', 'custom', 'missing'))
    config = json.loads((enc/'config.json').read_text()); files = sorted(p for p in enc.iterdir() if p.suffix != '.py')
    if what == 'config': k, v = rng.choice(HUGE); config[k] = v; (enc/'config.json').write_text(json.dumps(config)); what = f'{k} = {v}'
    elif what == 'pickle':
        (enc/'model.safetensors').unlink()
        (enc/rng.choice(('pytorch_model.bin', 'model.bin', 'model.safetensors', 'tf_model.h5', 'flax_model.msgpack'))).write_bytes(pickle.dumps(Pwn(b.outside)))
    elif what == 'index':
        (enc/'model.safetensors').unlink()
        names = rng.choice((dict(x='../outside/1.wav'), dict(x='/etc/passwd'), [], dict(x='x.bin')))
        (enc/'model.safetensors.index.json').write_text(json.dumps(dict(metadata={}, weight_map=names)))
    elif what == 'damaged': p = rng.choice(files); how = rng.choice(BYTES); p.write_bytes(how(rng, p.read_bytes())); what = f'{how.__name__} in {p.name}'
    elif what == 'entry': p = rng.choice(files); what = f'{p.name} is {bad_entry(rng, p, b)}'
    elif what == 'missing': p = rng.choice(files); p.unlink(); what = f'without {p.name}'
    elif what == 'nan':
        from safetensors.torch import load_file, save_file
        w = load_file(enc/'model.safetensors'); w[rng.choice(sorted(w))].fill_(rng.choice((float('nan'), float('inf'), 1e38))); save_file(w, enc/'model.safetensors', dict(format='pt'))
    else:
        p = enc/('tokenizer_config.json' if which == 'text' else 'preprocessor_config.json'); x = json.loads(p.read_text())
        x |= dict(auto_map=dict(AutoTokenizer=['evil.M', None], AutoFeatureExtractor='evil.M', AutoProcessor='evil.M'), tokenizer_class='Evil', feature_extractor_type='Evil')
        p.write_text(json.dumps(x))
    b.watch(); flags = ['--text_encoder', enc] if which == 'text' else ['--audio_encoder', enc, '--loss', 'A']
    o = train(b, *flags, '--epochs', '1', timeout=90)
    return f'{which}, {what}', judge(o) + b.changed() + ['its code was run']*(b.outside/'PWNED').exists()

def same_run(run, truth):
    "Complaints if a run folder differs from that of the uninterrupted run."
    got = run_contents(run)
    return [f'{k} differ from those of the uninterrupted run' for k in truth if got.get(k) != truth[k]]

def run_contents(folder):
    "What must be the same: the list of files, and their contents except times."
    untimed = lambda t: t.drop(columns=[c for c in t if 'second' in c]).to_csv()
    if not (folder/'results.json').exists(): return {}
    results = json.loads((folder/'results.json').read_text()); del results['seconds']
    files = sorted(str(f.relative_to(folder)) for f in folder.rglob('*'))
    return dict(files=files, results=results, history=untimed(pd.read_csv(folder/'history.csv', dtype=str)),
        predictions=(folder/'predictions.csv').read_text(), weights=hashlib.blake2b((folder/'model'/'model.safetensors').read_bytes()).hexdigest())

def run_facts(box):
    "An uninterrupted run of the corpus in a box, and the same run, stopped."
    whole = train(box); run = next(p for p in box.runs.iterdir() if p.name != 'old'); finished = box.root/'finished'
    truth = run_contents(run); shutil.copytree(run, finished); shutil.rmtree(run)
    seen = []
    def stop_at(): # SIGKILL after the second state
        real = os.replace
        def replace(a, c): real(a, c); seen.append(c); str(c).endswith('state.safetensors') and sum(str(s).endswith('state.safetensors') for s in seen) == 2 and os.kill(os.getpid(), 9)
        os.replace = replace
    train(box, before=stop_at); stopped = box.root/'stopped'; shutil.copytree(run, stopped)
    shutil.rmtree(run); shutil.copytree(finished, run)
    report = command('report', run).out
    clip = next((box.corpus/'raw').rglob('*.mp4')); prediction = command('predict', '--model', run, '--text', 'A fine day.', clip).out
    shutil.rmtree(run)
    return judge(whole, (0,)), dict(run=run.name, finished=finished, stopped=stopped, truth=truth, report=report, prediction=prediction)

def folders(base, n, seed, just):
    "Links, pipes, received encoders and damaged run folders."
    kinds = (raw_entries, corpus_entries, linked_folders, run_entries, flipped_run, flipped_run, encoders, encoders, encoders, encoders)
    with box_of(base) as box:
        t = make_corpus(box.corpus, 12); command('extract', '--dataset', box.corpus)
        template = box.root/'template'; shutil.copytree(box.corpus, template)
        bad, facts = run_facts(box); facts |= dict(listed=listed(box.corpus), table=t)
        yield 'whole', bad
        for i in range(n) if just is None else [just]:
            rng = random.Random(f'{seed} folders {i}')
            with box_of(base, template) as b:
                f = kinds[i % len(kinds)]
                try: what, bad = f(rng, b, facts)
                except Exception: what, bad = '', [traceback.format_exc()]
                yield f'{i}: {f.__name__}, {what}', bad

# ---------------------------------------------------------------- kills and full disks

@contextmanager
def jobs(base):
    "{kind: (start(box, **kwargs), what it leaves behind(box))} of extraction, features, training, prediction."
    with box_of(base) as box:
        make_corpus(box.root/'big', 40); make_corpus(box.root/'small', 12)
        o = command('extract', '--dataset', box.root/'small')
        torch.manual_seed(0); model = box.root/'model'; save_model(model, *from_encoders(TINY/'text', TINY/'audio', max_seconds=2.))
        def sounds(b): return {k: (r['sound'], r['reason']) for k, r in listed(b.corpus).items()} | {k: v for k, v in contents(b.corpus/'wav', ('extraction.csv',)).items() if '.part' not in k} # a killed one stays for an hour
        def run_of(b): return run_contents(next((p for p in b.runs.iterdir() if p.name != 'old'), b.runs/'none'))
        def table(b): return {p.name: p.read_text().replace(str(b.root), '') for p in b.root.glob('out.csv*')}
        def predict(b, **kw): return command('predict', '--model', model, b.corpus/'raw', '--output', b.root/'out.csv', **kw)
        runs = lambda *flags, name='run': lambda b, **kw: train(b, *flags, *['--resume']*any(p.name != 'old' for p in b.runs.iterdir()), name=name, **kw)
        everything = '--loss', 'MTA', '--model', 'cc', '--context', 'False', '--epochs', '1', '--dropout', '.1'
        yield {'extraction': (box.root/'big', lambda b, **kw: command('extract', '--dataset', b.corpus, **kw), sounds),
            'features': (box.root/'small', runs('--feature', 'spec', '--epochs', '1', name='audio'), run_of),
            'training': (box.root/'small', runs(), run_of), 'tuned': (box.root/'small', runs('--recipe', 'tuned', '--epochs', '2', '--dropout', '.1'), run_of),
            'all heads': (box.root/'small', runs(*everything), run_of), 'workers': (box.root/'small', runs(*everything, '--num_workers', '1'), run_of),
            'prediction': (box.root/'big', predict, table)}

EVENTS = ('open', 'os.rename', 'os.mkdir', 'os.remove', 'shutil.rmtree')
def at_event(n, act):
    "Call act() in this process at the n-th time that a file is opened for writing, renamed, made or deleted."
    count = [0]
    def hook(event, args):
        if event not in EVENTS or event == 'open' and not (isinstance(args[1], str) and set(args[1]) & set('wax+') or isinstance(args[2], int) and args[2] & 3): return
        count[0] += 1
        if count[0] == n: act()
    sys.addaudithook(hook)
    return count

def kills(base, n, seed, just):
    "A signal at a random moment or at a random write, again until the job ends, then the files of an uninterrupted one."
    with jobs(base) as kinds:
        whole, names = {}, list(kinds)
        for k, (template, start, left) in kinds.items():
            with box_of(base, template) as b:
                begin, count = time.monotonic(), []
                o = start(b, before=lambda: count.append(at_event(0, None)), after=lambda: count[0][0])
                whole[k] = left(b), time.monotonic() - begin, o.data or 1
                yield f'uninterrupted {k}', judge(o, (0,)) + ([] if whole[k][0] else ['nothing was left'])
        done = i = 0
        while done < n:
            i += 1; k = names[i % len(names)]; template, start, left = kinds[k]
            rng = random.Random(f'{seed} kills {i}'); truth, seconds, events = whole[k]
            with box_of(base, template) as b:
                b.watch((*LOST, 'out.csv', 'out.csv.job')); bad, how = [], []
                for _ in range(rng.choice((1, 1, 2, 3))):
                    s = rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
                    if rng.random() < .5: where = rng.randrange(events) + 1; o = start(b, before=lambda: at_event(where, lambda: os.kill(os.getpid(), s)))
                    else:
                        spawn = rng.random() < .5; first = .3 if spawn and s != signal.SIGKILL else 0 # before, Python has no handler yet
                        where = rng.uniform(first, seconds + 5*spawn) # 5 s: imports
                        again = [where + rng.uniform(0, .3)]*(rng.random() < .3)
                        o = start(b, spawn=spawn, kill=(where, s, *again))
                        # a program that has printed its line has no handler any more while Python ends
                        if spawn and again and o.rc == -s and 'stopped by' in o.err: o.rc = 130
                        where = f'{where:.2f} s' + ' of a program'*spawn + ' and again'*len(again)
                    how.append(f'{s.name} at {where}'); done += 1
                    if o.rc != -9: bad += judge(o, (0, 130))
                    if o.rc == 0: break
                shutil.rmtree(b.root/'tmp'); (b.root/'tmp').mkdir() # SIGKILL leaves what it leaves
                if o.rc or 'finished' not in o.out: o = start(b); bad += judge(o, (0,)) if not (o.rc == 2 and 'finished run' in o.err) else []
                if left(b) != truth: bad.append('other files than those of an uninterrupted job: ' + ', '.join(sorted(k for k in {*truth, *left(b)} if truth.get(k) != left(b).get(k)))[:200])
                yield f'{i}: {k}, {", ".join(how)}', bad + b.changed()

def full():
    "No file can grow any more in this process."
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

def disk(base, n, seed, just):
    "A full disk at each write in turn: a line, no half file under a final name, and the same end once there is room."
    with jobs(base) as kinds:
        cases, truths = [], {}
        for k in ('extraction', 'features', 'training', 'prediction'):
            template, start, left = kinds[k]
            with box_of(base, template) as b:
                count = []
                o = start(b, before=lambda: count.append(at_event(0, None)), after=lambda: count[0][0])
                truths[k] = left(b); events = o.data or 1
            cases += [(k, 'write', i + 1) for i in range(events)] + [(k, 'size', s) for s in (0, 1, 100, 1000, 4096, 20_000, 60_000, 100_000, 1_000_000)]
        rng = random.Random(f'{seed} disk'); cases = rng.sample(cases, min(n, len(cases)))
        for i, (k, what, where) in enumerate(cases):
            if just is not None and i != just: continue
            template, start, left = kinds[k]
            with box_of(base, template) as b:
                b.watch((*LOST, 'out.csv', 'out.csv.job'))
                before = (lambda: at_event(where, full)) if what == 'write' else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (where, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
                o = start(b, before=before); bad = judge(o)
                parts = [str(p.relative_to(b.root)) for p in b.root.rglob('*') if '.part' in p.name]
                if parts: bad.append(f'half a file is left: {parts[:2]}')
                if o.rc == 0 and left(b) != truths[k]: bad.append('ended with status 0 and other files')
                if o.rc: o = start(b); bad += judge(o, (0,)); bad += ['other files once there is room']*(left(b) != truths[k])
                yield f'{i}: {k}, {what} {where}', bad + b.changed()

# ---------------------------------------------------------------- all

PARTS = dict(media=(media, 1100), tables=(tables, 500), folders=(folders, 150), kills=(kills, 60), disk=(disk, 10**4))
if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--seed', type=int, default=0); p.add_argument('--only', default=','.join(PARTS), help='parts, separated by commas')
    p.add_argument('--share', type=float, default=1., help='of the faults (1)')
    p.add_argument('--just', type=int, help='the number of one fault'); p.add_argument('--verbose', action='store_true')
    a = p.parse_args()
    matplotlib.font_manager.fontManager # its cache is written now
    base, total, failures, start = tempfile.mkdtemp(prefix='torture'), 0, [], time.monotonic()
    try:
        for name in a.only.split(','):
            f, n = PARTS[name]; begin, k, wrong = time.monotonic(), 0, 0
            if name == 'disk': n = 160
            for what, bad in f(base, max(1, round(n*a.share)), a.seed, a.just):
                k += 1; wrong += bool(bad)
                if bad or a.verbose: print(f'{name} {what}', *(f'\n    {x}' for x in bad), flush=True)
            total, failures = total + k, failures + [name]*wrong
            print(f'{name}: {k:,} faults: {wrong} failures ({time.monotonic() - begin:.0f} s)', flush=True)
    finally: shutil.rmtree(base, ignore_errors=True)
    print(f'{total:,} faults: {len(failures)} failures (seed {a.seed}, share {a.share:g}, {time.monotonic() - start:.0f} s)')
    sys.exit(bool(failures))
