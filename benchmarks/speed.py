"""How fast are training and prediction, and how much is padding?

    python benchmarks/speed.py [--size small] [--precision fp32,auto] [--like-original]
    python benchmarks/speed.py --size tiny --what predict --clips 500,2000,8000      is the cost of an utterance the same for every corpus size?
    python benchmarks/speed.py --what train --without groups,cls,fused,memory        what does each of these gain?

Data `mosi-like`: noise in clips of log-normal length (median 3.7 s, sigma .5, cut at 6 s), 2.7 words a second, videos of 24 utterances, with context. Models have random
weights: `tiny`, the bundled encoders and one CME layer; `small`, two layers of RoBERTa-large, two of data2vec-audio-large and two CME layers; `full`, 24, 24 and 5. Each row is
measured in a process of its own, so its peak memory is its own. `--without` adds rows without groups of similar length, with a last CME layer that computes all positions, with AdamW
that isn't fused, with memory that is returned to the system. Medians of `--steps` steps of a split of 1,280 utterances; LayerDrop is off. `first`: the first epoch, or the first prediction of a split; `later`: once
the front end's output is kept. TFLOP are counted by PyTorch (matrix products and convolutions); GEMM peak is the best of ten products of 2048 x 1024 by 1024 x 4096. On a CPU only.

`--like-original` adds the same model, run the way the authors' code runs it: each clip padded to 96,000 samples and each text to 96 tokens, utterances and contexts in two passes
that share nothing, eager attention that returns its maps, a backward pass through the frozen front end, fp32, AdamW without fusion, no workers; prediction in batches of 8. It is a yardstick that
anybody can run: the work that their code does, in today's PyTorch and our modules. It isn't their code, and not their versions of the libraries.
"""
import argparse, json, math, resource, subprocess, sys, time, warnings
from types import SimpleNamespace
import numpy as np, pandas as pd, torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode, flop_registry
from transformers import AutoConfig, AutoFeatureExtractor, AutoTokenizer, Data2VecAudioConfig, RobertaConfig
from mmml.data.batches import UtteranceDataset, context_spans, make_loader, utterance_spans
from mmml.data.corpus import context_rows
from mmml.data.spec import RATE, SAMPLE, CorpusSpec
from mmml.models import encoders, mmml
from mmml.models.encoders import frame_lengths, lengths_to_mask
from mmml.models.fusion import CME, Attention, prepend_cls
from mmml.models.losses import multi_loss
from mmml.models.mmml import MMML, MMMLConfig
from mmml.training import trainer
from mmml.training.trainer import Callback, StopAfter, Trainer, make_accelerator, predict

TINY = SAMPLE.parent/'tiny'

def mosi_like(n:dict, seed:int)->SimpleNamespace:
    "A corpus without files. `n`: {split: utterances}."
    rng, total = np.random.default_rng(seed), sum(n.values())
    seconds = np.clip(np.exp(rng.normal(np.log(3.7), .5, total)), .3, 6)
    words = sorted({w for t in pd.read_csv(SAMPLE/'label.csv').text for w in t.split()})
    t = pd.DataFrame(dict(text=[' '.join(rng.choice(words, max(1, round(2.7*s)))) for s in seconds], samples=(seconds*RATE).astype(int), path=''))
    t['mode'], t['place'] = np.repeat([*n], [*n.values()]), np.concatenate([np.arange(k)%24 for k in n.values()])
    for c in ('label', 'label_T', 'label_A'): t[c] = rng.uniform(-3, 3, total)
    return SimpleNamespace(table=t, spec=CorpusSpec("made up"), rows=lambda mode: np.flatnonzero(t['mode'] == mode))

class Noise(UtteranceDataset):
    "Clips of noise."
    noise = np.random.default_rng(0).standard_normal(10*RATE + 10_007).astype(np.float32)
    def wave(self, row, start, stop): return self.noise[row%10_007 + start:row%10_007 + stop]

def build(size, seed)->MMML:
    torch.manual_seed(seed)
    if size == 'tiny': return MMML(MMMLConfig(*[AutoConfig.from_pretrained(TINY/n) for n in ('text', 'audio')], num_cme_layers=1))
    n, cme = dict(small=(2, 2), full=(24, 5))[size]
    shape = dict(hidden_size=1024, num_attention_heads=16, intermediate_size=4096, num_hidden_layers=n)
    text = RobertaConfig(**shape, vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
    return MMML(MMMLConfig(text, Data2VecAudioConfig(**shape, layerdrop=0.), num_cme_layers=cme))

def leave_out(lever):
    "Switch a lever off in this process."
    if lever == 'groups': encoders.groups_of = mmml.groups_of = lambda lengths, **_: [list(range(len(lengths)))]
    if lever == 'memory': trainer.reuse_memory = bool
    if lever == 'cls':
        whole = CME.forward
        CME.forward = lambda self, *x, cls_only=False: whole(self, *x)
    if lever == 'fused':
        class Plain(torch.optim.AdamW): # doesn't know how to skip a non-finite step by itself
            found_inf = property(lambda self: None, lambda self, value: None)
            def __init__(self, *x, fused=None, **kw): super().__init__(*x, **kw)
        torch.optim.AdamW = Plain

# ---- like the original

maps = [] # attention maps of a step
def eager(self, x, kv, mask=None):
    split = lambda z: z.unflatten(-1, (self.heads, -1)).transpose(1, 2)
    q, k, v = split(self.query(x)), split(self.key(kv)), split(self.value(kv))
    p = (q @ k.transpose(-1, -2)/math.sqrt(q.shape[-1])).masked_fill(~mask[:, None, None], -1e9).softmax(-1)
    maps.append(p)
    z = F.dropout(p, self.p, self.training) @ v
    return self.norm(x + self.drop(self.out(z.transpose(1, 2).flatten(2))))

class LikeOriginal(nn.Module):
    "The forward pass of the authors' code, over the modules of an `MMML`."
    def __init__(self, model, data):
        super().__init__()
        self.model, self.data = model, data
        Attention.forward = eager
        for e in (model.text_encoder.model, model.audio_encoder.model): e.set_attn_implementation('eager')
        for layer in model.audio_encoder.model.encoder.pos_conv_embed.layers: layer._forward_hooks.clear()

    def padded(self, rows, context):
        d, place = self.data, self.data.place
        before = [context_rows(place, r, 2) if context else (r,) for r in rows]
        texts = [d.tokenizer(d.tokenizer.sep_token.join(d.text[i] for i in b), truncation=True, max_length=96).input_ids for b in before]
        x = d.tokenizer.pad(dict(input_ids=texts), padding='max_length', max_length=96, return_tensors='pt')
        spans = [context_spans(d.samples, context_rows(place, r, 1), d.limit) if context else utterance_spans(d.samples, r, d.limit) for r in rows]
        waves = [np.concatenate([d.wave(*s) for s in p]) if p else np.zeros(400, np.float32) for p in spans]
        y = d.features(waves, sampling_rate=RATE, padding='max_length', max_length=6*RATE, return_attention_mask=True, return_tensors='pt')
        return x.input_ids, x.attention_mask, y.input_values, y.attention_mask

    def encode(self, ids, text_mask, values, audio_mask): # features of text and audio, vectors of text and audio
        m = self.model
        t = m.text_encoder.model(input_ids=ids, attention_mask=text_mask, output_attentions=True)
        values = values.requires_grad_(self.training)
        a = m.audio_encoder.model(values, attention_mask=audio_mask, output_attentions=True)
        maps.extend([*t.attentions, *a.attentions])
        n = frame_lengths(audio_mask.sum(1), m.config.audio_config)
        masks = lengths_to_mask(text_mask.sum(1) + 1, ids.shape[1] + 1), lengths_to_mask(n + 1, a.last_hidden_state.shape[1] + 1)
        x, y = prepend_cls(m.fusion.cme.text_cls, t.last_hidden_state), prepend_cls(m.fusion.cme.audio_cls, m.project(a.last_hidden_state))
        for layer in m.fusion.cme.layers: x, y = layer(x, y, *masks)
        valid = masks[1][:, 1:, None]
        return x[:, 0], y[:, 0], t.pooler_output, (a.last_hidden_state*valid).sum(1)/valid.sum(1)

    def forward(self, rows):
        maps.clear(); m = self.model
        x, y, t, a = [torch.cat(pair, 1) for pair in zip(*[self.encode(*self.padded(rows, c)) for c in (False, True)])]
        return dict(M=m.head_M(torch.cat([x, y], 1))[:, 0], T=m.head_T(t)[:, 0], A=m.head_A(a)[:, 0])

# ---- measuring

class Clock(Callback):
    "Notes the seconds of each step."
    def __init__(self): self.seconds = []
    def before_epoch(self, t): self.start = time.perf_counter()
    def after_batch(self, t):
        float(t.loss); now = time.perf_counter()
        self.seconds.append(now - self.start); self.start = now

class First:
    "The first `n` steps of epoch 1, each time."
    def __init__(self, steps, n): steps.epoch = 1; self.batch_size, self.rows, self.kept = steps.batch_size, steps.rows, [*steps][:n]
    def __len__(self): return len(self.kept)
    def __iter__(self): return iter(self.kept)

class Padding:
    "Counts the positions that the first layers of the encoders process, and the valid ones."
    def __init__(self, model):
        self.all, self.valid = dict(text=0, audio=0), dict(text=0, audio=0)
        t, a, c = model.text_encoder, model.audio_encoder, model.config.audio_config
        def add(count, kind, n): count[kind] += int(n)
        of = lambda args, kw: args[0] if args else kw['hidden_states']
        t.model.encoder.layer[0].register_forward_pre_hook(lambda m, x, kw: add(self.all, 'text', of(x, kw).shape[:2].numel()), with_kwargs=True)
        a.model.encoder.layers[0].register_forward_pre_hook(lambda m, x, kw: add(self.all, 'audio', of(x, kw).shape[:2].numel()), with_kwargs=True)
        t.register_forward_pre_hook(lambda m, x: add(self.valid, 'text', x[1].sum()))
        a.register_forward_pre_hook(lambda m, x: add(self.valid, 'audio', frame_lengths(x[1], c).sum()))
    def shares(self): return {f'padding, {k}': 1 - self.valid[k]/self.all[k] for k in self.all if self.valid[k]}

def flops(f):
    for end in ('', '_backward'): # PyTorch has no formula for attention on the CPU; that of the GPU is the same
        of = lambda where: getattr(torch.ops.aten, f'_scaled_dot_product_flash_attention{where}{end}')
        flop_registry.setdefault(of('_for_cpu'), flop_registry[of('')])
    with FlopCounterMode(display=False) as counter: f()
    return counter.get_total_flops()/1e12

def train(a, way):
    corpus = mosi_like(dict(train=1280, valid=2), a.seed); model = build(a.size, a.seed)
    data = Noise(corpus, *readers(), max_seconds=6)
    if way == 'original':
        like, labels = LikeOriginal(model, data).train(), torch.tensor(data.labels)
        opt, clock = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 5e-6), []
        order = np.random.default_rng(a.seed).permutation(corpus.rows('train'))
        loss = lambda rows: multi_loss(like(rows), labels[rows])[0]
        for rows in order[:(a.steps + 1)*a.batch_size].reshape(-1, a.batch_size):
            start = time.perf_counter()
            opt.zero_grad(); loss(rows).backward(); opt.step()
            clock.append(time.perf_counter() - start)
        return dict(first=np.median(clock[1:]), later=np.median(clock[1:])) | finish(lambda: loss(rows).backward(), 'fp32')
    accel, clock = make_accelerator('auto', way, width=model.config.text_config.hidden_size), Clock()
    loaders = [make_loader(corpus, m, data, a.batch_size, a.seed, run=a.run) for m in ('train', 'valid')]
    loaders[0].sampler.steps = First(loaders[0].sampler.steps, a.steps + 1)
    t = Trainer(model, *loaders, torch.tensor(data.labels)[corpus.rows('valid')], seed=a.seed, callbacks=[clock, StopAfter(2)], accelerator=accel)
    padding = Padding(model); t.model.train()
    t.fit()
    out = {k: np.median(s[1:]) for k, s in zip(('first', 'later'), np.split(np.array(clock.seconds), 2))} | padding.shares()
    return out | finish(lambda: t.gradients([data[rows, rows] for rows in [next(iter(loaders[0].sampler.steps))]]), accel.mixed_precision)

def test(a, way):
    corpus = mosi_like(dict(test=a.clips), a.seed); model = build(a.size, a.seed)
    data, clock, n = Noise(corpus, *readers(), max_seconds=6), [], a.clips
    if way == 'original':
        like = LikeOriginal(model, data).eval()
        ask = lambda: [like(rows) for rows in np.split(np.arange(n), range(8, n, 8))]
    else:
        accel = make_accelerator('auto', way, width=model.config.text_config.hidden_size)
        loader, padding = make_loader(corpus, 'test', data, a.batch_size), Padding(model)
        model = accel.prepare(model)
        ask = lambda: predict(accel.unwrap_model(model), loader, accel.device)
    with torch.no_grad():
        for _ in range(a.steps if n <= 1000 else 2):
            start = time.perf_counter(); ask(); clock.append(time.perf_counter() - start)
        shares = padding.shares() if way != 'original' else {}
        more = finish(ask if n <= 1000 else None, 'fp32' if way == 'original' else accel.mixed_precision)
    return dict(first=clock[0], later=np.median(clock[1:])) | shares | more

def readers(): return AutoTokenizer.from_pretrained(TINY/'text'), AutoFeatureExtractor.from_pretrained(TINY/'audio')

def finish(work, precision): # peak memory, TFLOP and GEMM peak
    out = dict(GiB=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/2**20)
    x, y = [torch.randn(*s, dtype=torch.bfloat16 if precision == 'bf16' else torch.float32) for s in ((2048, 1024), (1024, 4096))]
    def once(): start = time.perf_counter(); x @ y; return time.perf_counter() - start
    out['peak'] = 2*2048*1024*4096/1e12/min(once() for _ in range(10))
    return out | (dict(TFLOP=flops(work)) if work else {})

def main():
    if torch.cuda.is_available(): sys.exit('measures a CPU only, and this machine has a GPU: set CUDA_VISIBLE_DEVICES to nothing')
    p = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    p.add_argument('--data', choices=['mosi-like'], default='mosi-like'); p.add_argument('--size', choices=['tiny', 'small', 'full'], default='small')
    p.add_argument('--precision', default='fp32'); p.add_argument('--what', default='train,predict'); p.add_argument('--clips', default='217')
    p.add_argument('--batch_size', type=int); p.add_argument('--steps', type=int, default=3); p.add_argument('--seed', type=int, default=1)
    p.add_argument('--run', type=int, default=1, help='consecutive utterances of a step that stay together'); p.add_argument('--like-original', action='store_true')
    p.add_argument('--without', default='', help='levers to leave out, one at a time: groups, cls, fused, memory')
    p.add_argument('--row', help=argparse.SUPPRESS)
    a = p.parse_args(); a.batch_size = a.batch_size or (2 if a.size == 'full' else 8)
    if a.row:
        warnings.simplefilter('ignore')
        what, way, clips = a.row.split(); a.clips = int(clips)
        way, _, lever = way.partition('/'); leave_out(lever)
        return print(json.dumps(dict(train=train, predict=test)[what](a, way), default=float))
    ways = a.precision.split(',')
    if wrong := {*a.without.split(',')} - {'', 'groups', 'cls', 'fused', 'memory'}: p.error(f"--without {','.join(wrong)}: expected some of groups, cls, fused, memory")
    ways += [f'{ways[0]}/{lever}' for lever in a.without.split(',') if lever] + ['original']*a.like_original
    shares, table = lambda x: '' if np.isnan(x) else f'{x:.1%}', {}
    for what in a.what.split(','):
        for way in ways:
            for clips in a.clips.split(',') if what == 'predict' else ['0']:
                done = subprocess.run([sys.executable, __file__, *sys.argv[1:], '--row', f'{what} {way} {clips}'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                if done.returncode: sys.exit(done.stderr[-1000:])
                r, n = json.loads(done.stdout.splitlines()[-1]), int(clips) or a.batch_size
                print(what, way, n, {k: round(v, 3) for k, v in r.items()}, file=sys.stderr, flush=True)
                table[what, way, n] = r | dict(rate=n/r['later']) | ({'of peak': r['TFLOP']/r['later']/r['peak']} if 'TFLOP' in r else {})
    t = pd.DataFrame(table).T.rename_axis(['what', 'way', 'utterances'])
    for c in [c for c in t if 'padding' in c or c == 'of peak']: t[c] = t[c].map(shares)
    names = {'first': 'first, s', 'later': 'later, s', 'rate': 'utterances/s', 'peak': 'GEMM peak, TFLOP/s'}
    print(f'{a.size}, batches of {a.batch_size}, {torch.get_num_threads()} threads'); print(t.rename(columns=names).to_string(float_format='{:.2f}'.format, na_rep=''))
    for what in a.what.split(',') if a.like_original else ():
        for way in ways[:-1]:
            (ours,), (theirs,) = [[r for (w, y, _), r in table.items() if (w, y) == (what, x)][:1] for x in (way, 'original')]
            print(f"{what}, {way}: {theirs['first']/ours['first']:.1f} times as fast (first), {theirs['later']/ours['later']:.1f} times (later), "
                f"{ours['GiB']/theirs['GiB']:.0%} of the memory")

if __name__ == '__main__': main()
