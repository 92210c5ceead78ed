"""Do the intervals of a model contain the labels of the test split, and do wide ones mark large errors?

    python benchmarks/coverage.py RUN...       run folders, for example of mmml_run --dataset sample --seeds 1,2,3,4,5

Predicts the test split of each run from its media files, compares it with predictions.csv, and prints for each head the share of labels inside of the interval, its mean width, and
the mean error when the widest 0, 25, 50 and 75 % are rejected. For head M it prints how far a prediction moves when text or audio is withheld, and the error then.
"""
import sys, numpy as np, pandas as pd
import mmml
from mmml.data.audio import extract_audio
from mmml.data.corpus import clip_files
from mmml.data.spec import LABELS
from mmml.inference.predict import make_items

rows = {}
for folder in sys.argv[1:]:
    r, model = mmml.read_run(folder), mmml.load(folder)
    corpus = extract_audio(mmml.open_corpus(r.flags['dataset'], r.flags['data_dir']), progress=False)
    t = corpus.table[corpus.table.place.notna()]
    files = clip_files(corpus.raw, t.video_id.unique())
    items = make_items([files[v, c] for v, c in zip(t.video_id, t.clip_id)], t.text, t.video_id)
    t = t.assign(row=range(len(t)))
    rows_of_test = corpus.rows('test')
    p = model.predict_items(items).set_index('item').loc[rows_of_test].reset_index()
    gap = max(np.nanmax(np.abs(p[h] - r.predictions[h])) for h in r.heads)
    for h in r.heads:
        y = t[r.config['labels'][h]].to_numpy()[rows_of_test]
        error, width = np.abs(y - p[h].to_numpy()), (p[f'{h} high'] - p[f'{h} low']).to_numpy()
        inside = (p[f'{h} low'] <= y) & (y <= p[f'{h} high'])
        order = np.argsort(width, kind='stable')
        kept = {f'error, {s:.0%} rejected': error[order[:round(len(order)*(1 - s))]].mean() for s in (0, .25, .5, .75)}
        moved = {f'{w} withheld': (p['M'] - p[f'M without {w}']).abs().mean() for w in ('text', 'audio')} if h == 'M' and 'M without text' in p else {}
        worse = {f'MAE without {w}': np.abs(y - p[f'M without {w}']).mean() for w in ('text', 'audio')} if moved else {}
        rows[r.folder.name, h] = dict(coverage=inside.mean(), width=width.mean()) | kept | moved | worse | {'gap to predictions.csv': gap}
t = pd.DataFrame(rows).T.rename_axis(['run', 'head'])
print(t.round(6).T.to_string())
print('\nmean over runs\n', t.groupby('head', sort=False).mean().round(4).T.to_string(), sep='')
